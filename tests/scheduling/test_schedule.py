"""Many runs: what is finished is skipped, what is missing is run, nothing is forgotten."""

import json
import shutil
from pathlib import Path

import pytest
from made_up_runs import ARMS, TINY

from normbench.errors import RunFailedError, RunFolderError
from normbench.evidence.comparison.comparison import compare_study
from normbench.scheduling import one_job
from normbench.scheduling.executors.in_process import InProcess
from normbench.scheduling.interruption import Interruption
from normbench.scheduling.plan import make_plan
from normbench.scheduling.run_result import RunOptions
from normbench.scheduling.schedule import run_study
from normbench.storage.owners import Owner, OwnerWatch
from normbench.storage.study_folder import read_study
from normbench.study.load import load_study

RUNS = Path("runs")


def study_of(text=TINY, name="tiny.yaml", **options):
    Path(name).write_text(text, encoding="utf-8")
    return load_study(Path(name), **options)


def statuses(study, **options):
    return {(p.run.arm, p.run.seed): p.status for p in run_study(study, RUNS, **options)}


def only_run():
    (summary,) = RUNS.glob("*/*/seed-*/summary.json")
    return summary.parent


def kept_bytes():
    return {path: path.read_bytes() for path in RUNS.rglob("*") if path.is_file()}


def test_all_arms_of_a_seed_come_before_the_next_seed():
    runs = make_plan(study_of(TINY + ARMS, seeds=2), RUNS).runs
    assert [(run.arm, run.seed) for run in runs] == [("plain", 0), ("decayed", 0), ("plain", 1), ("decayed", 1)]
    assert len({run.folder for run in runs}) == 4
    assert not any(run.is_finished for run in runs)


def test_a_finished_run_is_skipped_and_untouched():
    assert statuses(study_of()) == {("none", 0): "finished"}
    before = kept_bytes()
    assert statuses(study_of()) == {("none", 0): "skipped"}
    assert kept_bytes() == before


def test_an_unfinished_run_is_completed():
    statuses(study_of(seeds=2))
    summary = next(RUNS.glob("*/*/seed-1/summary.json"))
    wanted = summary.read_bytes()
    summary.unlink()
    assert statuses(study_of(seeds=2)) == {("none", 0): "skipped", ("none", 1): "finished"}
    assert summary.read_bytes() == wanted


def test_force_sets_the_old_folder_aside():
    statuses(study_of())
    run, before = only_run(), (only_run() / "environment.json").read_bytes()
    assert statuses(study_of(), options=RunOptions(force=True)) == {("none", 0): "finished"}
    assert (run.with_name("seed-0.old-1") / "environment.json").read_bytes() == before
    assert compare_study(read_study(RUNS / "tiny")).rows[0].seeds == (0,)


def test_a_changed_setting_leaves_the_old_run_where_it_is():
    statuses(study_of())
    before = kept_bytes()
    assert statuses(study_of(TINY.replace("num_steps: 4", "num_steps: 3"))) == {("none", 0): "finished"}
    after = kept_bytes()
    assert {path: after[path] for path in before if path.name != "study.json"} == {
        path: content for path, content in before.items() if path.name != "study.json"
    }
    assert len(list(RUNS.glob("tiny/none-*/seed-0/summary.json"))) == 2


def test_a_failing_run_does_not_stop_the_others(monkeypatch):
    real = one_job.run_experiment

    def fails_for_plain(config, seed, folder, *, arm, **options):
        if arm == "plain":
            raise ArithmeticError("one too many\nand more")
        return real(config, seed, folder, arm=arm, **options)

    monkeypatch.setattr(one_job, "run_experiment", fails_for_plain)
    results = run_study(study_of(TINY + ARMS), RUNS)
    assert [(p.run.arm, p.status, p.error) for p in results] == [
        ("plain", "failed", "ArithmeticError: one too many"),
        ("decayed", "finished", ""),
    ]
    assert "ArithmeticError: one too many\nand more" in (results[0].run.folder / "error.txt").read_text()
    assert list(compare_study(read_study(RUNS / "tiny")).missing) == ["plain"]


def test_a_failed_run_is_run_again(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(one_job, "run_experiment", lambda *_, **__: 1 / 0)
        assert statuses(study_of()) == {("none", 0): "failed"}
    assert statuses(study_of()) == {("none", 0): "finished"}
    assert not (only_run() / "error.txt").exists()


def test_progress_is_reported_run_by_run():
    seen = []
    run_study(study_of(seeds=2), RUNS, report=lambda p: seen.append((p.number, p.total, p.status)))
    assert seen == [(1, 2, "finished"), (2, 2, "finished")]


def test_a_diverged_run_is_a_result():
    study = study_of(TINY + "optimizer: {lr: 1e30}\n")
    assert statuses(study) == {("none", 0): "diverged"}
    assert statuses(study) == {("none", 0): "skipped"}
    assert json.loads((only_run() / "summary.json").read_text())["step"] < 4


def test_running_one_runs_config_does_not_forget_the_rest_of_its_study():
    statuses(study_of(TINY + ARMS))
    before = (RUNS / "tiny" / "study.json").read_bytes()
    resolved = next(RUNS.glob("tiny/decayed-*/seed-0/config.yaml"))
    assert statuses(load_study(resolved)) == {("decayed", 0): "skipped"}
    assert (RUNS / "tiny" / "study.json").read_bytes() == before


def test_an_arm_removed_from_the_file_is_named_and_left_out():
    statuses(study_of(TINY + ARMS))
    statuses(study_of(TINY + "arms: {decayed: {weight_decay: 0.1}}\n"))
    found = compare_study(read_study(RUNS / "tiny"))
    assert [row.arm for row in found.rows] == ["decayed"]
    assert [name.rpartition("-")[0] for name in found.left_out] == ["plain"]


def test_running_a_resolved_config_does_not_forget_the_other_rows_of_a_plain_file():
    for text in (TINY, TINY.replace("batch_size: 5", "batch_size: 10")):
        statuses(study_of(text))
    resolved = next(RUNS.glob("tiny/*/seed-0/config.yaml"))
    assert {run.status for run in run_study(load_study(resolved), RUNS)} == {"skipped"}
    found = compare_study(read_study(RUNS / "tiny"))
    assert (found.question, len(found.rows)) == ("Does it run?", 2)


def test_a_study_of_more_arms_replaces_what_was_said_before():
    statuses(study_of(TINY + "arms: {plain: {}}\n"))
    statuses(study_of(TINY + ARMS + "baseline: plain\n"))
    content = json.loads((RUNS / "tiny" / "study.json").read_text())
    assert ([arm["arm"] for arm in content["arms"]], content["baseline"]["name"]) == (["plain", "decayed"], "plain")


def test_an_arms_file_says_all_settings_and_which_were_changed():
    statuses(study_of(TINY + "norm: {name: group_norm, num_groups: 1}\n"))
    content = json.loads(next(RUNS.glob("*/*/arm.json")).read_text())
    assert content["arm"] == "group_norm"
    assert (content["settings"]["norm"], content["settings"]["norm.num_groups"]) == ("group_norm", 1)
    assert {"norm", "norm.num_groups"} <= set(content["changed"])
    assert not {"dropout", "norm.eps"} & set(content["changed"])


def test_runs_that_cannot_be_written_are_a_mistake_with_a_place():
    Path("runs").write_text("a file")
    with pytest.raises(RunFolderError, match=r"^runs.*: must be .*, got: Not a directory\."):
        run_study(study_of(), RUNS)


def test_a_users_file_called_config_is_a_study_like_others():
    for arms in ("arms: {a: {}, b: {l1: 0.1}}\n", "arms: {a: {}, b: {l1: 0.2}}\n"):
        Path("config.yaml").write_text(TINY + arms, encoding="utf-8")
        run_study(load_study(Path("config.yaml")), Path("runs"))
    comparison = compare_study(read_study(Path("runs/config")))
    assert [(row.arm, row.settings["l1"]) for row in comparison.rows] == [("a", 0.0), ("b", 0.2)]


def told_of_damage(folder):
    """Return the way out that is told of a study: of an arm beside the others, of all else instead of them."""
    try:
        study = read_study(folder)
        compare_study(study)
        (line,) = study.unreadable.values()
    except RunFolderError as error:
        line = str(error)
    return line.partition(". ")[2]


@pytest.mark.parametrize("damaged", ["study.json", "*/arm.json", "*/seed-0/summary.json", "*/seed-0/environment.json"])
def test_the_way_out_of_a_damaged_file_leads_out(damaged):
    Path("tiny.yaml").write_text(TINY + ARMS, encoding="utf-8")
    study = load_study(Path("tiny.yaml"))
    run_study(study, Path("runs"))
    path, is_of_run = min(Path("runs/tiny").glob(damaged)), damaged == "*/seed-0/summary.json"
    path.write_text("{", encoding="utf-8")
    assert told_of_damage(Path("runs/tiny")) == f"Delete {path.parent} and run its study again." * is_of_run or (
        "Delete this file and run its config again."
    )
    shutil.rmtree(path.parent) if is_of_run else path.unlink()
    run_study(study, Path("runs"))
    assert [row.seeds for row in compare_study(read_study(Path("runs/tiny"))).rows] == [(0,), (0,)]


def fails_for(arm, monkeypatch):
    """Have the runs of one arm fail; return the arms that were tried."""
    real, tried = one_job.run_experiment, []

    def made(config, seed, folder, **more):
        tried.append(more["arm"])
        if more["arm"] == arm:
            raise ArithmeticError("one too many")
        return real(config, seed, folder, **more)

    monkeypatch.setattr(one_job, "run_experiment", made)
    return tried


def test_fail_fast_stops_at_the_first_failure_and_asking_again_goes_on(monkeypatch):
    with monkeypatch.context() as patch:
        tried = fails_for("decayed", patch)
        with pytest.raises(
            RunFailedError, match=r"^tiny: must not fail with --fail-fast, got a failure; 3 runs are left"
        ):
            run_study(study_of(TINY + ARMS, seeds=2), RUNS, fail_fast=True)
    assert tried == ["plain", "decayed"]
    assert sorted(statuses(study_of(TINY + ARMS, seeds=2)).values()) == ["finished"] * 3 + ["skipped"]


def test_without_fail_fast_all_are_tried(monkeypatch):
    tried = fails_for("decayed", monkeypatch)
    assert list(statuses(study_of(TINY + ARMS, seeds=2)).values()) == ["finished", "failed"] * 2
    assert len(tried) == 4


class Impatient(OwnerWatch):
    """Takes an owner for dead after some looks, whatever the clock says."""

    def is_free(self, folder):
        self.looks = getattr(self, "looks", 0) + 1
        self.silence_s = -1.0 if self.looks > 8 else 60.0
        return super().is_free(folder)


def test_a_run_that_another_makes_is_waited_for_and_taken_over_when_it_falls_silent(monkeypatch):
    monkeypatch.setattr("normbench.scheduling.schedule.POLL_S", 0.001)
    monkeypatch.setattr("normbench.scheduling.schedule.OwnerWatch", Impatient)
    first, _ = make_plan(study_of(TINY + ARMS), RUNS).runs
    first.folder.mkdir(parents=True)
    Owner("token", pid=7, host="far away").write(first.folder)
    told = []
    results = run_study(study_of(TINY + ARMS), RUNS, report=lambda p: told.append((p.run.arm, p.status, p.error)))
    assert told == [
        ("decayed", "finished", ""),
        ("plain", "waiting", "process 7 on far away makes it"),
        ("plain", "finished", ""),
    ]
    assert [(p.run.arm, p.status) for p in results] == [("plain", "finished"), ("decayed", "finished")]


def test_a_wish_to_stop_ends_the_study_and_what_was_under_way_goes_on_later():
    wish = Interruption()
    executor = InProcess(wish)
    executor.report_step = lambda *_: setattr(wish, "is_asked", True)
    with pytest.raises(KeyboardInterrupt):
        run_study(study_of(TINY + ARMS), RUNS, executor=executor)
    (owner,) = [Owner.of(path.parent) for path in RUNS.rglob("claim.json")]
    assert owner.status == "interrupted"
    assert set(statuses(study_of(TINY + ARMS)).values()) == {"finished"}
