"""Several commands on one study at once: each run is made once, and all of them say the same."""

import json
from multiprocessing import get_context
from pathlib import Path

import kills
import pytest

from normbench.scheduling import one_job
from normbench.training.stack.open_runs import Member


def command(number, folder, options, ready, start):
    """Ask for the study when all are ready; note what is really trained, and what is said at the end."""
    alone, as_one = one_job.run_experiment, one_job.run_stack

    def note(*runs):
        with Path("trained.txt").open("a") as file:
            file.writelines(f"{run}\n" for run in runs)

    def noted_alone(config, seed, run, **more):
        note(run)
        return alone(config, seed, run, **more)

    def noted_as_one(slots):
        note(*(one.folder for one in slots if isinstance(one, Member)))
        return as_one(slots)

    one_job.run_experiment, one_job.run_stack = noted_alone, noted_as_one
    ready.release()
    start.wait()
    answer = kills.run_command(folder, "--json", *options)
    (folder / f"answer-{number}.json").write_text(json.dumps(answer))


def what_was_found(report):
    """All that a command says, but for whose runs they are and how long they took."""
    (study,) = json.loads(report)
    for run in study["runs"]:
        assert run.pop("status") in ("finished", "skipped")
    for row in study["comparison"]["rows"]:
        assert row.pop("cpu_ms_per_step") > 0
    return study


def asked_at_once(folder, num_commands, *options):
    """Start commands on one study together; return their answers, and the runs that were really trained."""
    folder.mkdir(exist_ok=True)
    fork = get_context("fork")
    ready, start = fork.Semaphore(0), fork.Event()
    processes = [fork.Process(target=command, args=(n, folder, options, ready, start)) for n in range(num_commands)]
    for process in processes:
        process.start()
    for _ in processes:
        ready.acquire()
    start.set()
    for process in processes:
        process.join()
    answers = [json.loads((folder / f"answer-{n}.json").read_text()) for n in range(num_commands)]
    return answers, (folder / "trained.txt").read_text().splitlines()


@pytest.mark.parametrize(("engine", "num_commands"), [("loop", 2), ("stacked", 6)])
def test_commands_make_each_run_once_and_compare_alike(tmp_path, engine, num_commands):
    alone, together, options = tmp_path / "alone", tmp_path / "together", ("--seeds", "4", "--engine", engine)
    whole = kills.run_command(alone, *options, "--json")
    answers, trained = asked_at_once(together, num_commands, *options)
    assert [(code, err) for code, _, err in answers] == [(0, whole.err)] * num_commands
    assert [what_was_found(out) for _, out, _ in answers] == [what_was_found(whole.out)] * num_commands
    assert len(trained) == len(set(trained)) == 8
    kills.assert_as_undisturbed(together, alone)


def test_two_commands_that_force_do_not_undo_each_other(tmp_path):
    whole = kills.run_command(tmp_path, "--json")
    answers, trained = asked_at_once(tmp_path, 2, "--force")
    assert [(code, err) for code, _, err in answers] == [(0, whole.err)] * 2
    assert [what_was_found(out) for _, out, _ in answers] == [what_was_found(whole.out)] * 2
    assert len(trained) == len(list(tmp_path.rglob("seed-*.old-1"))) == 2
    assert not list(tmp_path.rglob("seed-*.old-2"))
