"""Files and folders removed under a run: it fails alone and says so, and asking again completes."""

import shutil
from contextlib import contextmanager

import pytest
from faults.small_study import RUNS, asked_again, results, run

from normbench.storage.lock import RunClaim

PUBLISHING, TIDYING = 5, 6
"""Of the moments in which a run of 4 steps, saved after each, makes sure that it is still its owner's."""
REMOVED = "must stay this command's until the run is over, got it removed or taken over. Ask again to complete it."
CHANGED = "must stay as the run writes it until the run is over, got it changed or removed. Ask again to make it anew."
GONE = "must stay until the command is over, got it removed. The same command completes it."


@pytest.fixture
def disturb(monkeypatch):
    """Have something happen to the first run just before the n-th time it makes sure of its folder."""

    def disturb(number, what):
        owned, folders = RunClaim.owned, []

        @contextmanager
        def disturbed(claim):
            if claim.folder.parent.name.startswith("plain"):
                folders.append(claim.folder)
                if len(folders) == number:
                    what(claim.folder)
            with owned(claim):
                yield

        with monkeypatch.context() as patch:
            patch.setattr(RunClaim, "owned", disturbed)
            return run("--checkpoint-every", 0), folders[0]

    return disturb


def failed(line):
    return f"small plain, seed 0: failed: {line}\n1 failed:\nplain, seed 0: {line}\n"


@pytest.mark.parametrize(("level", "number"), [(0, 1), (1, PUBLISHING), (2, 1), (3, 1), (3, PUBLISHING)])
def test_a_folder_removed_under_a_run_fails_it_alone(undisturbed, disturb, level, number):
    answer, folder = disturb(number, lambda folder: shutil.rmtree([folder, *folder.parents][level]))
    assert (answer.code, answer.err) == (1, failed(f"{folder}: {REMOVED}"))
    assert {arm for arm, _, _ in results()} == {"decayed"}
    assert asked_again()[0] == undisturbed


@pytest.mark.parametrize("level", [0, 1, 3])
def test_a_result_removed_before_the_command_ends_is_no_result(undisturbed, disturb, level):
    answer, folder = disturb(TIDYING, lambda folder: shutil.rmtree([folder, *folder.parents][level]))
    assert (answer.code, answer.err) == (1, f"1 failed:\nplain, seed 0: {folder}: {GONE}\n")
    assert asked_again()[0] == undisturbed


@pytest.mark.parametrize(
    ("name", "number"),
    [("metrics.csv", 2), ("metrics.csv", PUBLISHING), ("layer_stats.csv", PUBLISHING), ("curve.csv", 2)],
)
def test_a_table_removed_or_changed_under_a_run_is_no_result(undisturbed, disturb, name, number):
    change = (lambda path: path.unlink()) if number == 2 else (lambda path: path.write_bytes(b"step\n0\n"))
    answer, folder = disturb(number, lambda folder: change(folder / name))
    assert (answer.code, answer.err) == (1, failed(f"{folder}/{name}: {CHANGED}"))
    assert not (folder / "summary.json").exists()
    assert asked_again()[0] == undisturbed


@pytest.mark.parametrize("name", ["claim.json", "checkpoint.pt", "config.yaml"])
def test_what_a_run_needs_no_more_may_go(undisturbed, disturb, name):
    answer, _ = disturb(2, lambda folder: (folder / name).unlink())
    assert answer.code == (1 if name == "claim.json" else 0)
    assert asked_again()[0] == undisturbed


def test_a_study_forgotten_meanwhile_is_described_again(undisturbed, disturb):
    answer, _ = disturb(1, lambda _: [path.unlink() for path in (*RUNS.glob("*/arm.json"), RUNS / "study.json")])
    assert (answer.code, answer.err, results()) == (0, "", undisturbed)
    assert len(list(RUNS.glob("*/arm.json"))) == 2
