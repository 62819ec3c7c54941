"""What a run is in, found among whatever else lies around."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from made_up_runs import make_arm, make_run, make_study

from normbench.errors import RunFolderError
from normbench.storage import run_folder, run_search
from normbench.storage.lock import claim_run
from normbench.storage.owners import Owner
from normbench.storage.run_search import find_runs, resolve_folder
from normbench.storage.run_states import count_by_arm

RUNS = Path("runs")


@pytest.fixture
def arm():
    return make_arm(make_study(arms=["none"]), norm="none")


@pytest.fixture(scope="module")
def dead():
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait()
    return {"pid": process.pid, "born": "1"}


def unfinished(arm, seed, **owner):
    folder = arm / f"seed-{seed}"
    folder.mkdir()
    if owner:
        Owner("token", **owner).write(folder)
    return folder


def only_run(*paths):
    (run,) = find_runs(*(paths or [RUNS])).runs
    return run


def statuses(*paths):
    return [(run.arm.name, run.seed, run.status) for run in find_runs(*(paths or [RUNS])).runs]


@pytest.mark.parametrize("status", ["finished", "diverged"])
def test_a_result_is_what_its_summary_says(arm, status):
    folder = make_run(arm, 3, status=status)
    run = only_run()
    assert (run.folder, run.arm.study, run.arm.name, run.arm.is_tuning) == (folder, "made_up", "none-aaaaaa", False)
    assert (run.seed, run.status, run.problem, run.owner) == (3, status, "", None)


def test_no_csv_file_is_read_to_say_so(arm, monkeypatch):
    make_run(arm)
    monkeypatch.setattr(run_folder.Run, "raw", lambda *_: pytest.fail("a file was read"))
    assert only_run().status == "finished"


def test_a_run_is_running_while_its_owner_lives(arm):
    with claim_run(arm / "seed-0"):
        run = only_run()
        assert (run.status, run.owner.pid) == ("running", os.getpid())
    assert only_run().status == "stopped"


@pytest.mark.parametrize(("status", "error"), [("interrupted", ""), ("failed", "OSError: no space")])
def test_an_attempt_that_said_how_it_ended_is_that(arm, status, error):
    unfinished(arm, 0, status=status, error=error)
    assert (only_run().status, only_run().problem) == (status, error)


def test_an_attempt_of_a_dead_process_is_stopped(arm, dead):
    unfinished(arm, 0, **dead)
    assert (only_run().status, only_run().owner.pid) == ("stopped", dead["pid"])


def test_an_owner_on_another_machine_is_believed(arm):
    folder = unfinished(arm, 0, host="far away", pid=1)
    os.utime(folder / "claim.json", (time.time() - 1000,) * 2)
    run = only_run()
    assert (run.status, 1000 <= run.age_s < 2000) == ("running", True)


@pytest.mark.parametrize("text", [None, "", "{", "[]", "[" * 100_000, '{"pid": -1}'])
def test_an_attempt_without_a_readable_claim_is_stopped(arm, text):
    folder = unfinished(arm, 0)
    if text is not None:
        (folder / "claim.json").write_text(text)
    assert (only_run().status, only_run().owner) == ("stopped", None)


def test_a_run_that_finishes_between_two_looks_is_finished(arm, monkeypatch):
    folder = arm / "seed-0"
    folder.mkdir()

    def finish(_folder):
        shutil.rmtree(folder)
        make_run(arm)

    monkeypatch.setattr(Owner, "of", finish)
    assert only_run().status == "finished"


def test_a_summary_cut_anywhere_is_damaged(arm):
    path = make_run(arm) / "summary.json"
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        run = only_run()
        assert (run.status, run.problem.startswith(f"{path}: must be")) == ("damaged", True), size


@pytest.mark.parametrize("text", ["[" * 100_000, '{"status": "running"}', "{}", '{"status": ["finished"]}', "[]"])
def test_a_summary_of_something_else_is_damaged(arm, text):
    path = make_run(arm) / "summary.json"
    path.write_text(text)
    assert only_run().status == "damaged"
    assert only_run().problem.startswith(f"{path}: ")


def test_a_folder_in_place_of_a_summary_is_damaged(arm):
    (unfinished(arm, 0) / "summary.json").mkdir()
    assert only_run().status == "damaged"


def test_tuning_runs_belong_to_their_study(arm):
    tuned = arm.parent / "tuning" / "none-bbbbbb"
    tuned.mkdir(parents=True)
    make_run(tuned, 1000)
    make_run(arm)
    found = [(run.arm.study, run.arm.name, run.arm.is_tuning, run.seed) for run in find_runs(RUNS).runs]
    assert found == [("made_up", "none-aaaaaa", False, 0), ("made_up", "none-bbbbbb", True, 1000)]
    assert [run.arm.study_folder for run in find_runs(RUNS).runs] == [arm.parent] * 2


def test_studies_may_be_called_tuning_or_as_a_seed():
    for name in ("tuning", "seed-1"):
        make_run(make_arm(make_study(name=name, arms=["none"]), norm="none"))
    assert [(run.arm.study, run.arm.is_tuning) for run in find_runs(RUNS).runs] == [
        ("seed-1", False),
        ("tuning", False),
    ]


def test_what_lies_around_is_no_run(arm):
    make_run(arm, 0)
    for name in ("seed-0.old-1", "seed-01", "seed-", "seed--1", "seed-²", "seed-x", ".removed-0123456789abcdef"):
        shutil.copytree(arm / "seed-0", arm / name)
    for name in (".removed-0123456789abcdef", "none-aaaaaa.old-1"):
        shutil.copytree(arm, arm.parent / name)
    (arm / "seed-1").write_text("a file")
    (arm / "seed-2").symlink_to("nowhere")
    (arm / "seed-3").symlink_to("seed-3")
    (RUNS / "notes" / "today" / "seed-1").mkdir(parents=True)
    (RUNS / "\x1b[31m").mkdir()
    (RUNS / "around").symlink_to(RUNS.absolute())
    (RUNS / "file").write_text("a file")
    assert {(name, seed) for name, seed, _ in statuses(arm.parent)} == {("none-aaaaaa", 0)}
    assert {run.folder.resolve() for run in find_runs(RUNS).runs} == {(arm / "seed-0").resolve()}


def test_a_folder_that_cannot_be_looked_into_is_told(arm, monkeypatch):
    make_run(arm)
    closed = RUNS / "closed"
    closed.mkdir()
    scandir = os.scandir

    def guarded(path):
        if str(path) == str(closed):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(run_search.os, "scandir", guarded)
    found = find_runs(RUNS)
    assert [run.status for run in found.runs] == ["finished"]
    assert found.unreadable == [f"{closed}: must be a folder this user may read, got: Permission denied."]


def test_runs_are_found_from_any_folder_above_them_each_once(arm, monkeypatch):
    for seed in (10, 2):
        make_run(arm, seed)
    expected = [("none-aaaaaa", 2, "finished"), ("none-aaaaaa", 10, "finished")]
    assert statuses(RUNS) == statuses(arm.parent) == statuses(arm) == statuses(arm, arm / "seed-2") == expected
    for folder in (RUNS, arm.parent.name, arm.name):
        monkeypatch.chdir(folder)
        assert statuses(Path()) == expected
        assert {run.arm.study for run in find_runs(Path()).runs} == {"made_up"}
    monkeypatch.chdir("seed-2")
    assert statuses(Path()) == expected[:1]


def test_a_run_set_aside_is_found_where_it_is_named(arm):
    make_run(arm).rename(arm / "seed-0.old-2")
    assert find_runs(RUNS).runs == []
    assert statuses(arm / "seed-0.old-2") == [("none-aaaaaa", 0, "finished")]


def test_arms_are_counted_with_the_age_of_the_newest(arm):
    now = time.time()
    for seed, age_s in ((0, 1000), (1, 5000)):
        os.utime(make_run(arm, seed, status=("finished", "diverged")[seed]) / "summary.json", (now - age_s,) * 2)
    unfinished(arm, 2, host="far away", pid=7)
    os.utime(arm / "seed-2" / "claim.json", (now + 1000,) * 2)  # another machine's clock is ahead
    (counted,) = count_by_arm(find_runs(RUNS).runs)
    assert counted.counts == {"finished": 1, "diverged": 1, "running": 1}
    assert (counted.age_s, [owner.pid for owner in counted.owners]) == (0.0, [7])
    (counted,) = count_by_arm(run for run in find_runs(RUNS).runs if run.status != "running")
    assert 1000 <= counted.age_s < 2000


def test_a_folder_is_named_as_given_or_under_the_runs_folder(arm):
    make_run(arm)
    assert resolve_folder(arm, Path("elsewhere")) == arm
    assert resolve_folder(Path("made_up/none-aaaaaa"), RUNS) == arm
    for path in ("none-aaaaaa", "a\0b", "x" * 5000):
        with pytest.raises(RunFolderError) as error:
            resolve_folder(Path(path), RUNS)
        rule = "must be a folder, here or in runs, got none. See what there is: normbench list"
        assert str(error.value) == f"{path}: {rule}"


def test_a_seed_that_is_no_number_does_not_stop_a_comparison(arm):
    make_run(arm)
    (arm / "seed-²").mkdir()
    assert run_folder.read_arm(arm).seeds == (0,)


def test_brackets_in_brackets_are_no_json(arm):
    (arm / "arm.json").write_text(json.dumps([]) + "[" * 100_000)
    with pytest.raises(RunFolderError, match="must be readable JSON"):
        run_folder.read_arm(arm)
    (arm / "arm.json").write_text("[" * 100_000)
    with pytest.raises(RunFolderError, match="must be readable JSON, got: recursion limit exceeded"):
        run_folder.read_arm(arm)
