"""Removal takes what was named and nothing else, and can be killed or overtaken anywhere."""

import shutil
from pathlib import Path

import pytest
from made_up_runs import make_arm, make_run, make_study

from normbench.errors import ComparisonError, ConfigError, RunFolderError
from normbench.evidence.comparison.comparison import compare_runs
from normbench.storage import removal
from normbench.storage.lock import claim_run
from normbench.storage.owners import Owner
from normbench.storage.removal import plan_removal, remove
from normbench.storage.run_search import FoundRuns, find_runs

RUNS = Path("runs")
LEFT = ".removed-0123456789abcdef"


@pytest.fixture
def study():
    """Two arms with two runs each, and what tuning left."""
    study = make_study(arms=["a", "b"])
    for arm in ("a", "b"):
        folder = make_arm(study, arm, norm=arm)
        for seed in (0, 1):
            make_run(folder, seed)
    tuned = study / "tuning" / "a-cccccc"
    tuned.mkdir(parents=True)
    make_run(tuned, 1000)
    return study


def removed(*paths, runs_dir=RUNS):
    return remove(plan_removal([Path(path) for path in paths], runs_dir), runs_dir)


def refusal(*paths, runs_dir=RUNS):
    before = files()
    with pytest.raises(ConfigError) as error:
        plan_removal([Path(path) for path in paths], runs_dir)
    assert files() == before
    return str(error.value)


def files(folder=Path()):
    return sorted(str(path) for path in folder.rglob("*") if path.name != ".lock")


def runs():
    return [f"{run.arm.name}/{run.folder.name}" for run in find_runs(RUNS).runs]


ALL = ["a-aaaaaa/seed-0", "a-aaaaaa/seed-1", "b-aaaaaa/seed-0", "b-aaaaaa/seed-1", "a-cccccc/seed-1000"]


@pytest.mark.parametrize(
    ("paths", "left"),
    [
        (["made_up/a-aaaaaa/seed-1"], [ALL[0], *ALL[2:]]),
        (["runs/made_up/a-aaaaaa"], ALL[2:]),
        (["made_up/tuning"], ALL[:4]),
        (["made_up/tuning/a-cccccc"], ALL[:4]),
        (["made_up/tuning/a-cccccc/seed-1000"], ALL[:4]),
        (["made_up/b-aaaaaa/seed-0", "made_up/b-aaaaaa", "made_up/a-aaaaaa/seed-0"], [ALL[1], ALL[4]]),
        (["made_up"], []),
    ],
    ids=str,
)
@pytest.mark.usefixtures("study")
def test_what_is_named_goes_and_the_rest_stays(paths, left):
    gone = [file for file in files() if any(f"{file}/".startswith(f"{RUNS}/{p.removeprefix('runs/')}/") for p in paths)]
    kept = sorted(set(files()) - set(gone))
    assert runs() == ALL
    assert removed(*paths) == []
    assert (runs(), files()) == (left, kept)


@pytest.mark.usefixtures("study")
def test_what_would_go_is_counted():
    (planned,) = plan_removal([RUNS / "made_up/a-aaaaaa", RUNS / "made_up/a-aaaaaa/seed-0"], RUNS)
    size = sum(path.stat().st_size for path in (RUNS / "made_up/a-aaaaaa").rglob("*") if path.is_file())
    assert (planned.folder, planned.num_runs, planned.size_bytes) == (RUNS / "made_up/a-aaaaaa", 2, size)


def test_a_run_set_aside_goes_alone(study):
    (study / "a-aaaaaa" / "seed-0").rename(study / "a-aaaaaa" / "seed-0.old-1")
    assert removed("made_up/a-aaaaaa/seed-0.old-1") == []
    assert runs() == ALL[1:]
    assert not (study / "a-aaaaaa" / "seed-0.old-1").exists()


@pytest.mark.parametrize("path", ["runs", ".", "..", "/", "elsewhere", "runs/../elsewhere", "runs/made_up/.."])
@pytest.mark.usefixtures("study")
def test_nothing_goes_that_does_not_lie_inside_the_runs_folder(path):
    make_run(make_arm(make_study(Path("elsewhere")), norm="none"))
    assert refusal(path, "made_up").startswith(f"{Path(path)}: must lie inside the runs folder runs, got ")


@pytest.mark.parametrize("path", ["runs/mine", "runs/mine/inner"])
def test_nothing_goes_that_normbench_did_not_make(study, path):
    (RUNS / "mine" / "inner").mkdir(parents=True)
    make_run(make_arm(make_study(RUNS / "mine")), 0)
    marks = "study.json, arm.json, summary.json, claim.json"
    rule = f"must hold one of {marks}, as what normbench made does, got none. Remove it by hand if it may go."
    assert refusal(path, study) == f"{path}: {rule}"


@pytest.mark.usefixtures("study")
def test_every_reason_to_stay_is_told_at_once():
    told = refusal("nowhere", "runs", "made_up").splitlines()
    assert [line.partition(":")[0] for line in told] == ["nowhere", "runs"]


def test_links_are_neither_followed_nor_taken_for_what_they_lead_to(study):
    outside = make_run(make_arm(make_study(Path("elsewhere")), norm="none"))
    (RUNS / "linked").symlink_to(Path("elsewhere/made_up").absolute())
    (RUNS / "same").symlink_to("made_up")
    target = f"{Path.cwd()}/elsewhere/made_up"
    assert (
        refusal("linked") == f"linked: must be a folder, got a link to {target}. Name that folder, or remove the link."
    )
    assert refusal("linked/none-aaaaaa").startswith("linked/none-aaaaaa: must lie inside the runs folder runs, got /")
    assert refusal("same").startswith("same: must be a folder, got a link")
    for place in (study, study / "a-aaaaaa", study / "a-aaaaaa" / "seed-0"):
        (place / "link").symlink_to(outside.absolute())
        (place / "linked-arm").symlink_to(outside.parent.absolute())
    before = files(Path("elsewhere"))
    assert removed("same/a-aaaaaa/seed-1", study) == []
    assert (files(Path("elsewhere")), files(RUNS)) == (before, ["runs/linked", "runs/same"])


@pytest.mark.usefixtures("study")
def test_the_runs_folder_itself_may_be_a_link():
    Path("link").symlink_to("runs")
    assert removed("link/made_up/a-aaaaaa", runs_dir=Path("link")) == []
    assert runs() == ALL[2:]


@pytest.mark.parametrize("path", ["made_up/b-aaaaaa/seed-2", "made_up/b-aaaaaa", "made_up"])
def test_nothing_goes_while_a_run_in_it_is_made(study, path):
    with claim_run(study / "b-aaaaaa" / "seed-2") as mine:
        rule = f"must not be running, got process {mine.owner.pid} on {mine.owner.host} that makes it"
        way_out = "Stop it first, or delete claim.json in it if that process is gone for sure."
        told = refusal(path, "made_up/a-aaaaaa")
        assert told == f"runs/made_up/b-aaaaaa/seed-2: {rule}. {way_out}"
    assert removed(path, "made_up/a-aaaaaa") == []


def test_an_owner_on_another_machine_keeps_its_run(study):
    Owner("token", host="far away", pid=1).write(study / "a-aaaaaa")  # no run's folder: nobody's
    (study / "a-aaaaaa" / "seed-7").mkdir()
    Owner("token", host="far away", pid=1).write(study / "a-aaaaaa" / "seed-7")
    assert "process 1 on far away" in refusal(study)


@pytest.mark.usefixtures("study")
def test_a_folder_that_cannot_be_looked_into_may_hold_what_is_running(monkeypatch):
    unreadable = ["runs/made_up/x: must be a folder this user may read, got: Permission denied."]
    monkeypatch.setattr(removal, "find_runs", lambda *_: FoundRuns([], unreadable))
    assert refusal("made_up") == unreadable[0]


@pytest.mark.parametrize("paths", [["made_up"], ["made_up/a-aaaaaa", "made_up/b-aaaaaa"]], ids=str)
def test_a_run_claimed_after_the_question_was_asked_keeps_everything(study, paths):
    planned = plan_removal([Path(path) for path in paths], RUNS)
    with claim_run(study / "b-aaaaaa" / "seed-2"):
        before = files()
        with pytest.raises(RunFolderError, match=r"^runs/made_up/b-aaaaaa/seed-2: must not be running, got process"):
            remove(planned, RUNS)
        assert files() == before


@pytest.mark.usefixtures("study")
def test_a_folder_that_may_not_be_written_keeps_everything(monkeypatch):
    replace = Path.replace

    def guarded(path, target):
        if path.name == "b-aaaaaa":
            raise PermissionError(13, "Permission denied", str(path))
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", guarded)
    before = files()
    with pytest.raises(RunFolderError) as error:
        removed("made_up")
    rule = "must be in a folder this user may write, got: Permission denied. Nothing is removed."
    assert (str(error.value), files()) == (f"runs/made_up/b-aaaaaa: {rule}", before)


@pytest.mark.parametrize("path", ["made_up/a-aaaaaa/seed-0", "made_up/a-aaaaaa", "made_up/tuning/a-cccccc", "made_up"])
@pytest.mark.usefixtures("study")
def test_nothing_reads_what_a_killed_removal_leaves_and_the_next_one_takes_it(monkeypatch, path):
    other = make_study(name="other", arms=["c"], is_plain=True)
    make_run(make_arm(other, "c", norm="c"))

    class Killed(BaseException):
        pass

    def kill(folder):
        next(iter(folder.rglob("summary.json"))).unlink()
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(removal.shutil, "rmtree", kill)
        with pytest.raises(Killed):
            removed(path)
    left = [name for name in files() if ".removed-" in name]
    assert left
    assert not (RUNS / path).exists()
    assert not any(".removed-" in f"{run.folder}" for run in find_runs(RUNS).runs)
    compared = compare_runs((), RUNS)
    assert not any(".removed-" in f"{c.study} {c.left_out} {[row.folder for row in c.rows]}" for c in compared)
    assert removed("other") == []
    assert not any(".removed-" in name for name in files())


def test_hidden_folders_are_no_studies_and_no_arms(study):
    shutil.copytree(study / "a-aaaaaa", study / LEFT)
    shutil.copytree(study, RUNS / LEFT)
    (compared,) = compare_runs((), RUNS)
    assert ([row.arm for row in compared.rows], compared.left_out) == (["a", "b"], [])
    shutil.rmtree(study)
    with pytest.raises(ComparisonError, match="must hold runs of a study"):
        compare_runs((), RUNS)


def test_two_removals_of_the_same_are_one(study):
    planned = plan_removal([study], RUNS)
    assert remove(planned, RUNS) == []
    assert remove(planned, RUNS) == []
    assert files() == ["runs"]


@pytest.mark.usefixtures("study")
def test_what_cannot_be_emptied_is_told_and_no_longer_a_run(monkeypatch):
    def refuse(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(removal.shutil, "rmtree", refuse)
    (problem,) = removed("made_up/a-aaaaaa")
    place, _, rule = problem.partition(": ")
    assert place.startswith("runs/made_up/.removed-")
    assert rule == "must be a folder this user may empty, got: Permission denied. The next normbench rm tries again."
    assert runs() == ALL[2:]
