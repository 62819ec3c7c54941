"""Mean curves in TensorBoard: a run per arm and end of the interval, read back by its own reader."""

import math
from pathlib import Path

import pytest
from command_line import normbench
from made_up_runs import ARMS, TINY, make_arm, make_run, make_study
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from normbench.scheduling.mean_curves import write_aggregate_curves
from normbench.storage.run_folder import read_arm

STUDENT_1 = 12.706204736432095  # two-sided 95 % quantile with 1 degree of freedom


def arm_in(study, name="none", losses=((1.0, 0.4), (3.0, 0.6)), **settings):
    folder = make_arm(study, name, **settings)
    for seed, seen in enumerate(losses):
        make_run(folder, seed, [{"step": 5 * i, "train_loss": loss, "lost": 1.0} for i, loss in enumerate(seen)])
    return read_arm(folder)


def curves(folder):
    board = EventAccumulator(str(folder)).Reload()
    return {tag: [(event.step, event.value) for event in board.Scalars(tag)] for tag in board.Tags()["scalars"]}


def test_mean_and_interval_ends_of_the_main_metrics_are_runs_of_their_own():
    study = make_study(arms=["none"])
    write_aggregate_curves(study, [arm_in(study)])
    half = [STUDENT_1 * std / math.sqrt(2) for std in (math.sqrt(2), 0.2 / math.sqrt(2))]
    for end, sign in (("mean", 0), ("low", -1), ("high", 1)):
        ends = [max(0.0, mean + sign * of) for mean, of in zip((2, 0.5), half, strict=True)]  # no loss is below 0
        expected = [(0, pytest.approx(ends[0])), (5, pytest.approx(ends[1]))]
        assert curves(study / "summary" / "none" / end) == {"loss/train": expected}


def test_older_files_give_way():
    study = make_study(arms=["none"])
    write_aggregate_curves(study, [arm_in(study, "gone"), arm_in(study)])
    write_aggregate_curves(study, [read_arm(study / "none-aaaaaa")])
    assert [path.name for path in (study / "summary").iterdir()] == ["none"]
    assert len(list((study / "summary" / "none" / "mean").iterdir())) == 1


def test_one_seed_has_no_mean_and_without_tensorboard_there_is_none():
    study = make_study(arms=["none"])
    quiet = arm_in(study, "quiet", recording__tensorboard=False)
    write_aggregate_curves(study, [arm_in(study, losses=[(1.0, 0.5)]), quiet])
    assert not (study / "summary").exists()


def test_arms_of_one_name_are_told_apart_by_their_hash():
    study = make_study(arms=["none"])
    other = make_arm(study, "none", identity="bbbbbb")
    for seed in range(2):
        make_run(other, seed, [{"step": 0, "train_loss": 1.0}])
    write_aggregate_curves(study, [arm_in(study), read_arm(other)])
    assert {path.name for path in (study / "summary").iterdir()} == {"none-aaaaaa", "none-bbbbbb"}


def test_a_study_that_was_run_has_them_and_a_second_run_leaves_them():
    Path("tiny.yaml").write_text(TINY.replace("tensorboard: false, ", "") + ARMS, encoding="utf-8")
    assert normbench("run", "tiny.yaml", "--seeds", "2").code == 0
    ends = {path: path.stat().st_mtime_ns for path in Path("runs/tiny/summary").glob("*/*/events.*")}
    arms = {(path.parts[3], path.parts[4]) for path in ends}
    assert arms == {(arm, end) for arm in ("plain", "decayed") for end in ("mean", "low", "high")}
    first, last = curves(Path("runs/tiny/summary/plain/mean"))["loss/train"][::4]
    assert (first[0], last[0]) == (0, 4)
    normbench("run", "tiny.yaml", "--seeds", "2")
    assert ends == {path: path.stat().st_mtime_ns for path in Path("runs/tiny/summary").glob("*/*/events.*")}
