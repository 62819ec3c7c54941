"""Ranks and the few arms that tell a result, on made-up losses and accuracies."""

import math

import pytest
from made_up_runs import make_arm, make_run, make_study

from normbench.evidence.comparison.answer_cells import with_answer
from normbench.evidence.comparison.comparison import compare_study
from normbench.evidence.comparison.costs import read_cost
from normbench.evidence.comparison.effects import with_first_baseline
from normbench.evidence.comparison.telling_arms import first_arms, ranked_rows, telling_arms
from normbench.storage.study_folder import read_study

LOSSES = {"fair": 0.5, "worst": 0.9, "best": 0.1, "good": 0.2, "broken": math.nan}


def compared(column="test_loss", baseline="fair"):
    study = make_study(arms=list(LOSSES), baseline=baseline)
    for arm, value in LOSSES.items():
        folder = make_arm(study, arm, norm=arm)
        for seed in range(8):
            make_run(folder, seed, [{"step": 20, column: value * (1 + 0.001 * seed)}], constant_predictor={column: 1.0})
    return with_answer(with_first_baseline(compare_study(read_study(study))))


@pytest.mark.parametrize(
    ("column", "order"),
    [("test_loss", "best good fair worst broken"), ("test_accuracy", "worst fair good best broken")],
)
def test_arms_are_ranked_by_their_typical_run_the_way_that_is_better(column, order):
    assert [row.arm for row in ranked_rows(compared(column))] == order.split()


def test_the_first_arms_hold_the_baseline_and_follow_the_rank():
    comparison = compared(baseline="worst")
    assert first_arms(comparison, 5) == list(LOSSES)
    assert first_arms(comparison, 3) == ["best", "good", "worst"]


def test_the_telling_arms_are_the_answer_the_baseline_and_the_worst_in_the_order_of_the_study():
    comparison = compared()
    assert comparison.answer.cells[0].taken == "best"
    assert telling_arms(comparison, 3) == ["fair", "best", "broken"]
    assert telling_arms(comparison, 4) == ["fair", "best", "good", "broken"]
    assert telling_arms(comparison, 8) == list(LOSSES)


def test_costs_are_those_of_the_runs_that_say_them():
    study = make_study(arms=["a"])
    folder = make_arm(study, "a")
    for seed in range(3):
        run = make_run(folder, seed)
        if seed == 2:
            (run / "environment.json").unlink()
    cost = read_cost(read_study(study).arms[0])
    assert (cost.num_runs, cost.per_run, cost.total) == (3, 1.5, 3.0)
