"""What can be read off a run: columns, layer statistics, and what is made of their steps."""

import math
from pathlib import Path

import pytest
from command_line import normbench
from made_up_runs import make_arm, make_run, make_study

from normbench.errors import ComparisonError
from normbench.evidence.metrics.directions import direction
from normbench.evidence.metrics.run_metrics import read_metrics
from normbench.storage.run_folder import Run

LOSSES = (1.0, 0.4, 0.2, 0.3)
METRICS = [
    {"step": 10 * i, "test_loss": loss, "train_loss": loss, "test_accuracy": 1 - loss} for i, loss in enumerate(LOSSES)
]
STATS = [{"step": 10 * i, "layer": "hidden1", "kind": "weight", "std": std} for i, std in enumerate((2.0, 1.5, 1.0))]


def made_up(metrics=METRICS, stats=STATS, **summary):
    study = make_study(arms=["none"])
    return Run(make_run(make_arm(study), metrics=metrics, stats=stats, **summary), 0)


def value(metric, run=None):
    return read_metrics(run or made_up(), [metric])[metric]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("test_loss", 0.3),
        ("last test_loss", 0.3),
        ("first test_loss", 1.0),
        ("best test_loss", 0.2),
        ("best test_accuracy", 0.8),
        ("change test_loss", 0.3),
        ("max_after 10 test_loss", 0.3),
        ("steps_to 0.4 test_loss", 10),
        ("steps_to 0.75 test_accuracy", 20),
        ("weight.std@hidden1", 1.0),
        ("change weight.std@hidden1", 0.5),
    ],
)
def test_a_metric_is_a_column_and_what_is_made_of_its_steps(metric, expected):
    assert value(metric) == pytest.approx(expected)


def test_a_run_that_never_gets_there_counts_as_its_whole_length():
    assert value("steps_to 0.01 test_loss", made_up(total_steps=30)) == 30


def test_the_best_of_a_diverged_run_is_no_better_than_the_constant_predictor():
    assert value("best test_loss", made_up(status="diverged")) == 2.0


def test_a_column_the_run_has_not_is_nan():
    assert math.isnan(value("activation.std@hidden1"))


@pytest.mark.parametrize(
    "metric", ["bst test_loss", "max_after x test_loss", "steps_to nan test_loss", "best best loss"]
)
def test_other_words_are_refused_with_an_example(metric):
    with pytest.raises(
        ComparisonError, match=r"must be COLUMN, or a known word before it, .* Words: at_train_loss VALUE, best,"
    ):
        value(metric)


@pytest.mark.parametrize(
    ("metric", "better"),
    [
        ("test_loss", "lower"),
        ("best test_accuracy", "higher"),
        ("steps_to 0.9 test_accuracy", "lower"),
        ("weight.std@hidden1", None),
        ("change test_loss", None),
    ],
)
def test_the_better_way_is_known_where_there_is_one(metric, better):
    assert direction(metric) == better


@pytest.mark.parametrize(
    ("metric", "near"), [("tst_loss", "'test_loss'"), ("best wieght.std@hidden1", "'weight.std@hidden1'")]
)
def test_compare_refuses_a_column_that_no_run_has(metric, near):
    made_up()
    code, out, err = normbench("compare", "--runs-dir", Path("runs"), "--metric", metric)
    assert (code, out) == (2, "")
    assert f", got {metric.split()[-1]!r}. Did you mean {near}? Columns: " in err


def test_at_train_loss_reads_where_training_first_got_to():
    rows = [{"step": i, "train_loss": 1.0 / (i + 1), "test_loss": float(i)} for i in range(5)]
    run = made_up(rows)
    assert value("at_train_loss 0.3 test_loss", run) == 3.0
    assert value("at_train_loss 0.01 test_loss", run) == 4.0


def test_depth_slope_is_the_logarithm_per_hidden_layer():
    stats = [{"step": 0, "layer": f"h{i}", "kind": "activation", "std": 2.0**-i} for i in range(4)]
    layers = [{"name": name, "shape": [3], "has_norm": False} for name in ("h0", "h1", "h2", "h3", "output")]
    assert value("depth_slope activation.std", made_up(stats=stats, layers=layers)) == pytest.approx(-math.log(2))


@pytest.mark.parametrize("prefix", ["batch_statistics_", "reestimated_", "adapted_"])
def test_a_model_without_running_statistics_reads_the_same_each_way(prefix):
    assert value(f"{prefix}test_loss") == 0.3


def test_a_column_of_its_own_goes_before_the_plain_one():
    assert value("reestimated_test_loss", made_up([{"step": 0, "test_loss": 1.0, "reestimated_test_loss": 0.5}])) == 0.5


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("test_loss", 2.0),
        ("best test_loss", 2.0),
        ("reestimated_test_loss", 2.0),
        ("max_after 10 batch_loss_max", 1.0),
        ("steps_to 0.4 test_loss", 20),
        ("at_train_loss 0.4 test_loss", 2.0),
        ("change test_loss", 2.0),
    ],
)
def test_no_reading_of_a_diverged_run_is_better_than_the_constant_predictor(metric, expected):
    assert value(metric, made_up([row | {"batch_loss_max": 0.1} for row in METRICS], status="diverged")) == expected
