"""Scores of runs: the way from the constant predictor to no error, whatever is read off a run."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs_in_memory import RunInMemory

from normbench.evidence.metrics.diverged import Diverged
from normbench.evidence.metrics.run_metrics import read_metrics
from normbench.evidence.metrics.scores import run_score

losses = st.integers(0, 64).map(lambda sixteenths: sixteenths / 16)
CONSTANT = {"test_loss": 2.0, "test_accuracy": 0.25, "train_loss": 0.0}


def a_run(value=0.5, status="finished", constant=CONSTANT):
    rows = [{"step": step, "test_loss": value, "test_accuracy": value, "train_loss": value} for step in (0, 100)]
    return RunInMemory(0, rows, status, constant=constant)


@pytest.mark.parametrize(
    ("metric", "value", "score"),
    [
        ("test_loss", 0.5, 0.75),
        ("test_loss", 0.0, 1.0),
        ("test_loss", 2.0, 0.0),
        ("test_loss", 9.0, 0.0),
        ("best test_loss", 1.0, 0.5),
        ("max_after 5 test_loss", 1.0, 0.5),
        ("reestimated_test_loss", 1.0, 0.5),
        ("test_accuracy", 0.25, 0.0),
        ("test_accuracy", 0.1, 0.0),
        ("test_accuracy", 0.5, 1 / 3),
        ("test_accuracy", 1.0, 1.0),
        ("test_loss", Diverged(0.5), 0.0),
        ("test_loss", math.inf, 0.0),
        ("test_accuracy", math.nan, 0.0),
    ],
)
def test_the_score_is_known(metric, value, score):
    assert run_score(a_run(), metric, value) == pytest.approx(score)


@pytest.mark.parametrize(
    "metric",
    [
        "steps_to 0.3 test_loss",
        "change test_loss",
        "weight.std@hidden1",
        "depth_slope activation.std",
        "validation_loss",
        "train_loss",  # of which the constant predictor is perfect
        "batch_loss_max_after_epoch_1",
        "no such words",
    ],
)
def test_what_is_no_value_between_the_constant_predictor_and_no_error_has_no_score(metric):
    assert run_score(a_run(), metric, 0.5) is None


def test_a_run_without_a_target_has_no_score():
    assert run_score(a_run(constant={}), "test_loss", 0.5) is None


@given(losses, losses)
def test_a_better_run_never_has_a_lower_score_and_a_diverged_one_never_a_higher(one, other):
    scores = [run_score(a_run(), "test_loss", loss) for loss in (one, other)]
    assert (one - other) * (scores[0] - scores[1]) <= 0
    assert run_score(a_run(), "test_loss", Diverged(one)) <= min(scores)
    assert all(0 <= score <= 1 for score in scores)


def test_a_diverged_run_as_it_is_read_has_no_score_above_0():
    run = a_run(1e-3, "diverged")
    assert run_score(run, "best test_accuracy", read_metrics(run, ["best test_accuracy"])["best test_accuracy"]) == 0
