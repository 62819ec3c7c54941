"""A stack that is stopped, or killed while it saves, ends with the bytes of one that never was."""

import errno
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch
from stacked_runs import EVERY_STEPS, alike, config_of, files_of, made, summaries, tuned

from normbench.training import checkpoints
from normbench.training.attempt import Interrupted
from normbench.training.run_hooks import RunHooks
from normbench.training.stack import open_runs

SAVED = ("checkpoint.pt", "checkpoint.before.pt")
pytestmark = pytest.mark.usefixtures("small_test_sets")


@pytest.fixture
def undisturbed(small_test_sets):  # noqa: ARG001 - a fixture may not be marked to use another
    return _undisturbed()


@cache
def _undisturbed():
    summaries(made(tuned(), Path("undisturbed")))
    return files_of(Path("undisturbed"), *range(4))


def results_in(folder=Path("stack")):
    return {place: raw for place, raw in files_of(folder, *range(4)).items() if place[1] not in SAVED}


class Watched:
    """Hooks that stop a stack after some updates, and keep how many had been made when it began."""

    def __init__(self, num_steps=10**6):
        self._left, self.began = num_steps, None
        self.hooks = RunHooks(report_step=self._report, should_stop=self._should_stop)

    def _report(self, step, _total):
        self.began = step if self.began is None else self.began

    def _should_stop(self):
        self._left -= 1
        return self._left <= 0


def stopped(num_steps, configs=None, **given):
    """Train some updates of a stack, and stop; torch's random state is another afterwards."""
    results = made(configs or tuned(), hooks={0: Watched(num_steps).hooks}, **given)
    assert {type(result) for result in results if result} == {Interrupted}
    torch.rand(num_steps)


def gone_on(configs=None, **given):
    """Train a stack to its end; return the updates that were made when it began, and one more."""
    watched = Watched()
    summaries([one for one in made(configs or tuned(), hooks={0: watched.hooks}, **given) if one])
    return watched.began


def test_a_stack_may_be_stopped_again_and_again(undisturbed):
    for num_steps in (1, EVERY_STEPS, 1):
        stopped(num_steps)
    gone_on()
    assert results_in() == undisturbed


def test_with_sgd_and_a_schedule_too():
    configs = alike(optimizer={"name": "sgd", "lr": 0.05}, schedule="cosine", norm="none", sampling="by_class")
    configs = [config.model_copy(update={"batch_size": 2}) for config in configs]
    summaries(made(configs, Path("whole")))
    stopped(3, configs)
    gone_on(configs)
    assert results_in() == results_in(Path("whole"))


def killed_while_saving(num_saves, slot=2):
    """Save after each update, and die before a run in a slot has saved for the so-manieth time."""
    saves = iter(range(100))

    @contextmanager
    def dying():
        if next(saves) == num_saves:
            raise KeyboardInterrupt
        yield

    with pytest.raises(KeyboardInterrupt):
        made(tuned(), hooks={0: RunHooks(checkpoint_s=0.0), slot: RunHooks(owned=dying)})


@pytest.mark.parametrize(("num_saves", "began"), [(0, 1), (4, 5)])
def test_a_stack_killed_between_two_saves_goes_on_from_the_step_that_all_have(undisturbed, num_saves, began):
    killed_while_saving(num_saves)
    assert gone_on() == began
    assert results_in() == undisturbed


def test_what_is_saved_after_that_is_of_one_step_again(undisturbed):
    killed_while_saving(2)
    killed_while_saving(1, slot=1)  # the first had gone on from its older checkpoint: its newer one is no longer there
    assert gone_on() == 4
    assert results_in() == undisturbed


def damage(raw):
    return raw[: len(raw) // 2]


@pytest.mark.parametrize(("name", "began"), [("checkpoint.pt", 4), ("metrics.csv", 1)])
def test_what_is_damaged_of_one_run_takes_all_back_to_where_none_is(undisturbed, name, began):
    stopped(3)
    stopped(1)
    path = Path("stack") / "seed-1" / name
    path.write_bytes(damage(path.read_bytes()))
    assert gone_on() == began
    assert results_in() == undisturbed


def test_a_checkpoint_that_does_not_fit_one_run_lets_all_begin_anew(undisturbed, monkeypatch):
    stopped(3)
    read = checkpoints._read_checkpoint

    def of_another_version(path):
        content = read(path)
        if "seed-3" in path.parts:
            del content["optimizer"]
        return content

    monkeypatch.setattr(checkpoints, "_read_checkpoint", of_another_version)
    assert gone_on() == 1
    assert results_in() == undisturbed


@pytest.mark.parametrize("what", ["another slot", "another number of slots"])
def test_a_checkpoint_of_another_place_is_not_gone_on_from(what):
    stopped(3, alike(3))
    seeds, configs = ([2, 0, 1], alike(3)) if what == "another slot" else ([0, 1, 2, 3], alike(4))
    assert gone_on(configs, seeds=seeds) == 1
    summaries(made(configs, Path("new"), seeds=seeds))
    assert files_of(Path("stack"), 0, 1, 2) == files_of(Path("new"), 0, 1, 2)


def test_a_run_that_had_ended_stays_out_of_what_goes_on(undisturbed):
    """A run that diverged before the stop is a result; the others go on without it."""
    configs = tuned()
    configs[3] = config_of(optimizer={"name": "adam", "lr": 1e37}, dropout=0.3)
    results = made(configs, hooks={0: Watched(4).hooks})
    assert results[3]["status"] == "diverged"
    assert gone_on(configs, idle=(3,)) == 5
    assert (
        files_of(Path("stack"), 0, 1, 2).items()
        >= {place: raw for place, raw in undisturbed.items() if place[0] != 3}.items()
    )


def test_a_run_whose_checkpoint_cannot_be_looked_at_fails_alone(undisturbed, monkeypatch):
    stopped(3)
    real = open_runs.saved_steps

    def of_a_failing_disk(folder, identity):
        if folder.name == "seed-2":
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return real(folder, identity)

    with monkeypatch.context() as patch:
        patch.setattr(open_runs, "saved_steps", of_a_failing_disk)
        results = made(tuned())
    assert [isinstance(result, PermissionError) for result in results] == [False, False, True, False]
    summaries(made(tuned(), idle=(0, 1, 3)))
    assert results_in() == undisturbed


def test_what_fails_before_any_run_is_open_ends_all_of_them(monkeypatch):
    error = OSError(errno.EIO, "Input/output error")
    monkeypatch.setattr(open_runs.OpenRuns, "open", Mock(side_effect=error))
    assert made(alike(3), idle=(1,)) == [error, None, error]


def test_a_checkpoint_holds_the_numbers_of_one_run_alone():
    big = {"model": {"name": "mlp", "hidden_features": [64, 64]}}
    stopped(2, alike(8, **big))
    stopped(2, alike(1, **big), folder=Path("one"))
    in_stack, alone = (Path(folder, "seed-0", "checkpoint.pt").stat().st_size for folder in ("stack", "one"))
    assert in_stack < 1.1 * alone
