"""What becomes of one run of a stack moves no bit of another; only it ends by what went wrong with it."""

import gc
import weakref
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from stacked_runs import NUM_STEPS, TINY, alike, config_of, files_of, made, summaries, tuned

from normbench.errors import RunFolderError
from normbench.storage.files.json_files import read_json
from normbench.training.attempt import Attempt
from normbench.training.recorders.csv import CsvRecorder
from normbench.training.run_hooks import RunHooks
from normbench.training.stack.stack import Stack

OTHERS = (0, 2, 3)
HUGE = {"name": "adam", "lr": 1e37}
pytestmark = pytest.mark.usefixtures("small_test_sets")


@pytest.fixture
def undisturbed(small_test_sets):  # noqa: ARG001 - a fixture may not be marked to use another
    """What the runs of a tuning grid leave where nothing goes wrong."""
    return _undisturbed()


@cache
def _undisturbed():
    summaries(made(tuned(), Path("undisturbed")))
    return files_of(Path("undisturbed"), *range(4))


def the_others(files):
    return {place: raw for place, raw in files.items() if place[0] != 1}


@pytest.mark.parametrize("idle", [(1,), (0,), (2, 3), (0, 1, 3)])
def test_slots_that_are_not_trained_move_no_bit_of_the_others(undisturbed, idle):
    live = set(range(4)).difference(idle)
    results = made(tuned(), idle=idle)
    assert {slot for slot, result in enumerate(results) if result} == live
    assert files_of(Path("stack"), *live) == {place: raw for place, raw in undisturbed.items() if place[0] in live}


def test_slots_for_which_nothing_is_planned_are_as_if_a_run_were_planned_there():
    summaries(made(alike(), Path("planned"), idle=(0, 3)))
    summaries([one for one in made([None, *alike(2), None]) if one])
    assert files_of(Path("stack"), 1, 2) == files_of(Path("planned"), 1, 2)


def test_a_run_that_diverges_ends_at_its_own_step(undisturbed):
    configs = tuned()
    configs[3] = config_of(optimizer=HUGE, dropout=0.3)
    results = summaries(made(configs))
    assert [result["status"] for result in results] == ["finished", "finished", "finished", "diverged"]
    assert 0 < results[3]["step"] < NUM_STEPS
    found = files_of(Path("stack"), 0, 1, 2)
    assert found == {place: raw for place, raw in undisturbed.items() if place[0] != 3}


def test_a_run_that_diverges_at_a_recorded_step_does_not_count_the_steps_of_its_neighbours():
    """Neighbours with the same numbers share the optimizer that counts steps, which Adam divides by."""
    numbers = {"optimizer": {"name": "adam", "lr": 0.02}, "recording": TINY["recording"] | {"every_steps": 1}}
    overflowing = config_of(init_scale=1e38, norm="none", **numbers)
    plain = config_of(norm="none", **numbers)
    configs = [overflowing, *[plain] * 3]
    results = summaries(made(configs))
    assert (results[0]["status"], results[0]["step"]) == ("diverged", 0)
    summaries([one for one in made(configs, Path("without"), idle=(0,)) if one])
    assert files_of(Path("stack"), 1, 2, 3) == files_of(Path("without"), 1, 2, 3)


def test_all_may_diverge_at_the_first_step():
    results = summaries(made(alike(norm="none", init_scale=1e38)))
    assert {(result["status"], result["step"]) for result in results} == {("diverged", 0)}


def failing_at(step, error):
    """Return a method of CsvRecorder that cannot write the row of one step of seed 1."""
    record = CsvRecorder.record

    def failing(self, frame):
        if self.folder.name == "seed-1" and frame.step == step:
            raise error
        record(self, frame)

    return failing


@pytest.mark.parametrize("step", [0, 4, NUM_STEPS])
def test_a_run_whose_row_cannot_be_written_ends_alone(undisturbed, monkeypatch, step):
    error = OSError(28, "No space left on device")
    monkeypatch.setattr(CsvRecorder, "record", failing_at(step, error))
    results = made(tuned())
    assert results[1] is error
    assert not (Path("stack") / "seed-1" / "summary.json").exists()
    assert the_others(files_of(Path("stack"), *range(4))) == the_others(undisturbed)


@pytest.mark.parametrize("when", ["built", "opened", "closed"])
def test_a_run_that_cannot_be_opened_or_closed_ends_alone(undisturbed, monkeypatch, when):
    error = OSError(24, "Too many open files")
    owner, name = {"built": (Attempt, "_build"), "opened": (Attempt, "hand_over"), "closed": (CsvRecorder, "__exit__")}[
        when
    ]
    method = getattr(owner, name)

    def failing(self, *given):
        found = method(self, *given)
        if self.folder.name == "seed-1":
            raise error
        return found

    monkeypatch.setattr(owner, name, failing)
    results = made(tuned())
    assert results[1] is error
    assert the_others(files_of(Path("stack"), *range(4))) == the_others(undisturbed)


def test_saving_moves_no_bit(undisturbed):
    summaries(made(tuned(), hooks={0: RunHooks(checkpoint_s=0.0)}))
    found = {place: raw for place, raw in files_of(Path("stack"), *range(4)).items() if "checkpoint" not in place[1]}
    assert found == undisturbed


def losing_ownership(at_call):
    """Return hooks under which another process takes the folder over."""
    calls = iter(range(100))

    @contextmanager
    def owned():
        if next(calls) == at_call:
            raise RunFolderError("stack/seed-1: must stay this command's, got it removed.")
        yield

    return RunHooks(owned=owned)


@pytest.mark.parametrize("at_call", [0, 3, NUM_STEPS])
def test_a_run_whose_folder_is_taken_ends_alone_while_it_is_saved_or_published(undisturbed, at_call):
    results = made(tuned(), hooks={0: RunHooks(checkpoint_s=0.0), 1: losing_ownership(at_call)})
    assert isinstance(results[1], RunFolderError)
    assert not (Path("stack") / "seed-1" / "summary.json").exists()
    found = {place: raw for place, raw in files_of(Path("stack"), *OTHERS).items() if "checkpoint" not in place[1]}
    assert found == the_others(undisturbed)


def test_what_stops_the_whole_stack_is_the_result_of_each_run(monkeypatch):
    def failing(*_):
        raise MemoryError

    monkeypatch.setattr(Stack, "gradient", failing)
    results = made(tuned())
    assert {type(result) for result in results} == {MemoryError}


def test_a_stack_is_forgotten_though_an_error_of_it_is_kept(monkeypatch):
    known, error = [], OSError(28, "No space left on device")
    make = Stack.__init__

    def watched(self, *given):
        make(self, *given)
        known.append(weakref.ref(self.network))

    monkeypatch.setattr(Stack, "__init__", watched)
    monkeypatch.setattr(CsvRecorder, "record", failing_at(4, error))
    results = made(tuned())
    gc.collect()
    assert (results[1], known[0]()) == (error, None)


@pytest.mark.parametrize("settings", [{"num_steps": 0}, {"num_steps": 1}, {"batch_size": 24}])
def test_runs_of_few_steps_and_of_the_whole_set_leave_what_they_leave_beside_others(settings):
    configs = alike(3, **settings)
    summaries(made(configs, Path("together")))
    for slot in range(3):
        idle = set(range(3)) - {slot}
        made(configs, Path("alone"), idle=idle)
    assert files_of(Path("alone"), 0, 1, 2) == files_of(Path("together"), 0, 1, 2)


def test_shares_of_the_time_add_up_to_no_more_than_the_whole():
    summaries(made(alike()))
    shares = [read_json(Path("stack") / f"seed-{seed}" / "environment.json")["cpu_s"] for seed in range(4)]
    assert all(share > 0 for share in shares)
    assert max(shares) < 2 * min(shares)
