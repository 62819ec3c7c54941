"""Mean curves in TensorBoard: a run per arm and end of the interval, read back by its own reader."""

from pathlib import Path

import pytest
from command_line import normbench
from made_up_runs import ARMS, TINY, make_arm, make_run, make_study
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from normbench.evidence.metrics.scales import mean_interval
from normbench.scheduling.mean_curves import run_names, write_aggregate_curves
from normbench.storage.run_folder import read_arm


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
    losses = [(1.0, 0.1), (2.0, 0.1), (4.0, 0.1), (9.0, 9.7)]
    write_aggregate_curves(study, [arm_in(study, losses=losses)])
    names = run_names(4)
    assert set(names) == {"mean", "low", "high"}
    found = {end: curves(study / "summary" / "none" / name)["loss/train"] for end, name in names.items()}
    assert found["mean"] == [(0, 4.0), (5, 2.5)]
    ends = [mean_interval("train_loss", values) for values in zip(*losses, strict=True)]
    for place, end in enumerate(("low", "high")):
        assert found[end] == [(0, pytest.approx(ends[0][place])), (5, pytest.approx(ends[1][place]))]
    assert all(value > 0 for _, value in found["low"])  # Student's interval would reach below 0


def test_below_four_seeds_there_is_a_mean_and_no_interval():
    study = make_study(arms=["none"])
    write_aggregate_curves(study, [arm_in(study)])
    assert [path.name for path in (study / "summary" / "none").iterdir()] == ["mean of 2 seeds"]
    assert curves(study / "summary" / "none" / "mean of 2 seeds") == {"loss/train": [(0, 2.0), (5, 0.5)]}


def test_older_files_give_way():
    study = make_study(arms=["none"])
    write_aggregate_curves(study, [arm_in(study, "gone"), arm_in(study)])
    write_aggregate_curves(study, [read_arm(study / "none-aaaaaa")])
    assert [path.name for path in (study / "summary").iterdir()] == ["none"]
    assert len(list((study / "summary" / "none" / "mean of 2 seeds").iterdir())) == 1


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
    assert arms == {(arm, "mean of 2 seeds") for arm in ("plain", "decayed")}
    first, last = curves(Path("runs/tiny/summary/plain/mean of 2 seeds"))["loss/train"][::4]
    assert (first[0], last[0]) == (0, 4)
    normbench("run", "tiny.yaml", "--seeds", "2")
    assert ends == {path: path.stat().st_mtime_ns for path in Path("runs/tiny/summary").glob("*/*/events.*")}
