"""Several commands on one study at once: each run is made once, and all of them say the same."""

import json
from multiprocessing import get_context
from pathlib import Path

import kills

from normbench import making

NUM_COMMANDS = 4


def command(number, folder, ready, start):
    """Ask for the study when all are ready; note what is really trained, and what is said at the end."""
    real = making.run_experiment

    def noted(config, seed, run, **more):
        with Path("trained.txt").open("a") as file:
            file.write(f"{run}\n")
        return real(config, seed, run, **more)

    making.run_experiment = noted
    ready.release()
    start.wait()
    answer = kills.run_command(folder, "--seeds", "4", "--json")
    (folder / f"answer-{number}.json").write_text(json.dumps(answer))


def what_was_found(report):
    """All that a command says, but for whose runs they are and how long they took."""
    (study,) = json.loads(report)
    for run in study["runs"]:
        assert run.pop("status") in ("finished", "skipped")
    for row in study["comparison"]["rows"]:
        assert row.pop("cpu_ms_per_step") > 0
    return study


def test_four_commands_make_each_run_once_and_compare_alike(tmp_path):
    alone, together = tmp_path / "alone", tmp_path / "together"
    whole = kills.run_command(alone, "--seeds", "4", "--json")
    together.mkdir()
    fork = get_context("fork")
    ready, start = fork.Semaphore(0), fork.Event()
    processes = [fork.Process(target=command, args=(n, together, ready, start)) for n in range(NUM_COMMANDS)]
    for process in processes:
        process.start()
    for _ in processes:
        ready.acquire()
    start.set()
    for process in processes:
        process.join()
    answers = [json.loads((together / f"answer-{n}.json").read_text()) for n in range(NUM_COMMANDS)]
    assert [(code, err) for code, _, err in answers] == [(0, whole.err)] * NUM_COMMANDS
    assert [what_was_found(out) for _, out, _ in answers] == [what_was_found(whole.out)] * NUM_COMMANDS
    trained = (together / "trained.txt").read_text().splitlines()
    assert len(trained) == len(set(trained)) == 8
    kills.assert_as_undisturbed(together, alone)
