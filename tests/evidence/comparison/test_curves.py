"""Mean curves over seeds, by hand; a diverged run stays in them."""

import math

import pytest
from made_up_runs import make_arm, make_run, make_study

from normbench.evidence.comparison.curves import CurvePoint, mean_curve
from normbench.storage.run_folder import read_arm

STUDENT_2 = 4.302652729911275  # two-sided 95 % quantile with 2 degrees of freedom


def rows(*losses, column="test_loss"):
    return [{"step": 10 * i, column: loss} for i, loss in enumerate(losses)]


def arm_of(*runs, **summaries):
    folder = make_arm(make_study(arms=["none"]))
    for seed, metrics in enumerate(runs):
        make_run(folder, seed, metrics, **summaries.get(f"seed_{seed}", {}))
    return read_arm(folder).runs


def test_mean_and_students_interval_over_three_seeds():
    runs = arm_of(*(rows(value, 0.2, column="batch_loss_mean") for value in (1.0, 2.0, 3.0)))
    points = mean_curve(runs, "batch_loss_mean")
    half = STUDENT_2 / math.sqrt(3)  # the std of 1, 2, 3 is 1
    assert points[0] == CurvePoint(0, 3, 2.0, max(0.0, 2 - half), pytest.approx(2 + half))
    assert points[1] == CurvePoint(10, 3, *[pytest.approx(0.2)] * 3)


def test_one_seed_has_a_curve_and_no_interval():
    assert mean_curve(arm_of(rows(1.0, 0.5)), "test_loss")[1] == CurvePoint(10, 1, 0.5, -math.inf, math.inf)


def test_after_its_end_a_diverged_run_counts_as_the_constant_predictor():
    runs = arm_of(rows(1.0, 0.5, 0.2), rows(1.0, math.inf), seed_1={"status": "diverged", "step": 10})
    assert [(point.step, point.n, point.mean) for point in mean_curve(runs, "test_loss")] == [
        (0, 2, 1.0),
        (10, 2, 1.25),  # (0.5 + 2.0) / 2
        (20, 2, 1.1),
    ]


@pytest.mark.parametrize(("column", "constant"), [("adapted_test_loss", 2.0), ("batch_loss_mean", 1.0)])
def test_other_readings_of_a_loss_and_the_batch_loss_count_as_the_plain_constant(column, constant):
    ended = {"status": "diverged", "step": 0}
    runs = arm_of(rows(3.0, 5.0, column=column), [{"step": 0, "train_loss": 1.0}], seed_1=ended)
    assert mean_curve(runs, column)[1].mean == (5.0 + constant) / 2


def test_a_step_without_a_value_is_left_out():
    metrics = [{"step": 0, "batch_loss_mean": ""}, {"step": 10, "batch_loss_mean": 0.5}]
    assert [point.step for point in mean_curve(arm_of(metrics), "batch_loss_mean")] == [10]
