"""Collapsed runs: what the task or the study calls one, how many there are, and where they leave no verdict."""

import csv
import json
import math
from dataclasses import replace
from io import StringIO

import pytest
from formats import in_format
from hypothesis import given
from hypothesis import strategies as st
from made_up_runs import make_arm, make_run, make_study
from runs_in_memory import RunInMemory

from normbench.errors import ComparisonError, RunFolderError
from normbench.evidence.comparison.collapses import METRICS, CollapseRule, Limit, not_learned, read_collapse_rule
from normbench.evidence.comparison.comparison import compare_study
from normbench.evidence.comparison.effects import with_effects, with_first_baseline
from normbench.evidence.comparison.gate import failing_rows, read_gate
from normbench.evidence.comparison.pivot import make_pivots
from normbench.storage.study_folder import read_study

CLASSES = {"train_loss": 0.7, "train_accuracy": 0.5, "test_accuracy": 0.5}
VALUES = {"train_loss": 1.0, "test_loss": 2.0}
GOOD, BAD = {"train_loss": 0.1, "test_loss": 0.2}, {"train_loss": 0.95, "test_loss": 1.9}


def a_run(status="finished", constant=VALUES, seed=0, **last):
    return RunInMemory(seed, [{"step": 20} | last], status, constant)


def rule(study=None, **options):
    return read_collapse_rule({"collapse": study, "options": options}, "study.json")


QUICK = rule(**{"--quick": True})


@pytest.mark.parametrize(
    ("constant", "last", "has_collapsed"),
    [
        (CLASSES, {"train_accuracy": 0.54, "train_loss": 0.1}, True),  # 0.5 + 0.1 (1 - 0.5) = 0.55
        (CLASSES, {"train_accuracy": 0.55, "train_loss": 0.69}, False),
        (CLASSES | {"train_accuracy": 0.1}, {"train_accuracy": 0.18}, True),  # 0.1 + 0.1 (1 - 0.1) = 0.19
        (CLASSES | {"train_accuracy": 0.1}, {"train_accuracy": 0.20}, False),
        (VALUES, {"train_loss": 0.91}, True),
        (VALUES, {"train_loss": 0.89, "test_loss": 9.0}, False),
        (VALUES | {"train_loss": 4.0}, {"train_loss": 3.5}, False),
        ({}, {"output_mean_training": 7.0}, False),
        ({}, {}, False),
        (VALUES, {}, False),
    ],
)
def test_a_run_has_collapsed_that_came_less_than_a_tenth_of_the_way(constant, last, has_collapsed):
    assert rule().has_collapsed(a_run(constant=constant, **last)) is has_collapsed


SHARES = st.floats(0, 1, allow_subnormal=False)


@given(st.floats(0, 0.99, allow_subnormal=False), SHARES, SHARES)
def test_the_constant_predictor_has_collapsed_a_perfect_fit_has_not_and_the_rule_is_monotone(c, one, other):
    constant = {"train_accuracy": c, "train_loss": 1 - c}
    collapsed = {
        share: rule().has_collapsed(a_run(constant=constant, train_accuracy=share)) for share in (c, 1.0, one, other)
    }
    assert collapsed[c]
    assert not collapsed[1.0]
    assert collapsed[min(one, other)] >= collapsed[max(one, other)]
    losses = [rule().has_collapsed(a_run(constant={"train_loss": 1.0}, train_loss=x)) for x in sorted((one, other))]
    assert losses[0] <= losses[1]


@pytest.mark.parametrize("constant", [CLASSES, VALUES, {}])
@pytest.mark.parametrize("said", [None, False, {"metric": "train_loss", "above": 1e9}])
def test_a_run_that_diverged_has_collapsed_whatever_it_reached(constant, said):
    assert rule(said).has_collapsed(a_run("diverged", constant, train_loss=0.0, train_accuracy=1.0))


@pytest.mark.parametrize("loss", [math.nan, math.inf, None])
@pytest.mark.parametrize("said", [None, False, {"metric": "train_accuracy", "below": 0.1}])
def test_a_loss_that_is_not_finite_at_the_end_is_a_collapse(loss, said):
    finished = a_run(constant=CLASSES, train_loss=0.0, train_accuracy=1.0)
    assert not rule(said).has_collapsed(finished)
    finished.summary["metrics"]["train_loss"] = loss  # null is how JSON holds what is not finite
    assert rule(said).has_collapsed(finished)


@pytest.mark.parametrize(
    ("said", "last", "has_collapsed"),
    [
        ({"metric": "train_accuracy", "below": 0.9}, {"train_accuracy": 0.89}, True),
        ({"metric": "train_accuracy", "below": 0.9}, {"train_accuracy": 0.9}, False),
        ({"metric": "train_loss", "above": 2}, {"train_loss": 1.99, "train_accuracy": 0.1}, False),
        ({"metric": "train_loss", "above": 2}, {"train_loss": 2.01, "train_accuracy": 1.0}, True),
        ({"metric": "test_accuracy", "below": 0.9}, {"test_accuracy": 0.8, "train_accuracy": 1.0}, True),
        ({"metric": "test_accuracy", "below": 0.9}, {"train_accuracy": 0.5}, False),
        (False, {"train_accuracy": 0.0, "train_loss": 9.0}, False),
    ],
)
def test_a_study_may_set_the_limit(said, last, has_collapsed):
    assert rule(said).has_collapsed(a_run(constant=CLASSES, **last)) is has_collapsed


def test_in_a_quick_study_and_without_steps_nothing_is_judged():
    untrained = RunInMemory(0, [{"step": 0, "train_loss": 1.0}], constant=VALUES, total_steps=0)
    assert not rule().has_collapsed(untrained)
    for run in (a_run(**BAD), a_run("diverged", **BAD)):
        assert rule().has_collapsed(run)
        assert not QUICK.has_collapsed(run)


@pytest.mark.parametrize(
    "said",
    [{"metric": "weight.std", "above": 1}, {"metric": "train_loss"}, {"metric": "train_loss", "below": 1}],
)
def test_a_rule_in_study_json_that_no_study_can_have_is_told_with_its_file(said):
    with pytest.raises(RunFolderError) as error:
        rule(said)
    assert str(error.value).startswith("study.json: collapse: must be what a study declares as a collapse, got ")


def study(ends, constant=VALUES, statuses=(), **content):
    """Write a study: by arm the last losses, or accuracies, of its seeds; ``statuses`` by (arm, seed)."""
    folder = make_study(arms=ends, named=["norm"], **content)
    for arm, values in ends.items():
        made = make_arm(folder, arm, norm=arm)
        for seed, last in enumerate(values):
            status = {"status": "diverged"} if (arm, seed) in statuses else {}
            make_run(made, seed, [{"step": 20} | last], constant_predictor=constant, **status)
    return folder


def compared(ends, **options):
    return compare_study(read_study(study(ends, **options)))


def good(seed):
    return {key: value * (1 + seed / 100) for key, value in GOOD.items()}


def arm_of(num_bad, n=8):
    return [BAD] * num_bad + [good(seed) for seed in range(n - num_bad)]


def test_each_arm_has_its_collapsed_seeds_and_an_exact_interval():
    found = compared({"none": arm_of(1), "bn": arm_of(0), "ln": arm_of(3)}, statuses={("ln", 7)})
    assert [(row.num_collapsed, row.collapsed_seeds) for row in found.rows] == [(1, (0,)), (0, ()), (4, (0, 1, 2, 7))]
    assert [row.num_diverged for row in found.rows] == [0, 0, 1]
    assert found.rows[0].collapse_rate == pytest.approx((0.0032, 0.5265), abs=1e-4)
    assert found.rows[1].collapse_rate == pytest.approx((0.0, 0.3694), abs=1e-4)
    assert (found.judges_collapse, found.not_learned) == (True, "")


def test_collapses_are_paired_with_those_of_the_baseline():
    found = with_effects(compared({"none": arm_of(6), "bn": arm_of(0, n=7)}), "none")
    pair = found.rows[1].collapses
    assert (pair.n, pair.first, pair.second, pair.p) == (7, 0, 6, 2 / 2**6)
    assert found.rows[0].collapses is None


@pytest.mark.parametrize(("num_bad", "has_verdict"), [(4, True), (5, False), (8, False)])
def test_where_more_than_half_of_all_runs_collapsed_there_is_no_verdict(num_bad, has_verdict):
    found = with_effects(compared({"none": arm_of(num_bad), "bn": arm_of(4)}), "none")
    assert found.rows[0].effect is None
    assert (found.rows[1].effect.verdict != "no verdict") is has_verdict
    told = f"This task was not learned: {num_bad + 4} of 16 runs collapsed."
    assert found.not_learned == ("" if has_verdict else told)
    assert found.rows[1].collapses.second == num_bad  # counts are what is left to say
    pivot = make_pivots(found, ["norm"])[0]
    assert [line.cells[0].effect is not None for line in pivot.lines] == [False, has_verdict]
    assert json.loads(in_format("json", [found]))[0]["not_learned"] == found.not_learned
    first = with_first_baseline(replace(found, baseline=None, against=None))
    assert (first.rows[1].effect.verdict != "no verdict") is has_verdict


def test_a_table_by_numbers_has_neither_changes_nor_trends_where_nothing_was_learned():
    folder = make_study(arms=["batch_size=2", "batch_size=8"], is_plain=False)
    for size in (2, 8):
        made = make_arm(folder, f"batch_size={size}", batch_size=size, norm="none")
        for seed in range(8):
            make_run(made, seed, [{"step": 20, "train_loss": 1.0, "test_loss": size + seed / 9}])
    (pivot,) = make_pivots(compare_study(read_study(folder)), ["batch_size"])
    assert pivot.trend is None
    (pivot,) = make_pivots(compare_study(read_study(folder)), ["norm", "batch_size"])
    assert (pivot.lines[0].change, pivot.lines[0].trend) == (None, None)


def test_a_misspelled_baseline_is_told_where_nothing_was_learned_too():
    with pytest.raises(ComparisonError, match="Arms: none, bn"):
        with_effects(compared({"none": arm_of(8), "bn": arm_of(8)}), "nnoe")


@pytest.mark.parametrize(
    ("said", "options"), [(False, {}), (None, {"--quick": True}), ({"metric": "train_loss", "above": 1.0}, {})]
)
def test_what_the_study_does_not_call_a_collapse_leaves_the_verdicts(said, options):
    found = with_effects(compared({"none": arm_of(8), "bn": arm_of(8)}, collapse=said, options=options), "none")
    assert (found.not_learned, found.rows[1].num_collapsed) == ("", 0)
    assert found.rows[1].effect is not None


def test_with_collapse_false_a_task_on_which_most_runs_diverged_was_not_learned():
    lost = {("none", seed) for seed in range(8)} | {("bn", 0)}
    ends = {"none": arm_of(8), "bn": arm_of(8)}
    assert compared(ends, statuses=lost, collapse=False).not_learned == (
        "This task was not learned: 9 of 16 runs diverged."
    )
    assert compared(ends, statuses=lost, options={"--quick": True}, name="short").not_learned == ""


def test_counts_are_for_programs_too():
    found = compared({"none": arm_of(2), "bn": arm_of(0)}, statuses={("none", 7)})
    rows = json.loads(in_format("json", [found]))[0]["rows"]
    assert [(row["num_collapsed"], row["num_diverged"], row["collapsed_seeds"]) for row in rows] == [
        (3, 1, [0, 1, 7]),
        (0, 0, []),
    ]
    for text in (in_format("csv", [found]), in_format("csv", [found], make_pivots(found, ["norm"]))):
        lines = list(csv.DictReader(StringIO(text)))
        assert [(line["num_collapsed"], line["num_diverged"]) for line in lines] == [("3", "1"), ("0", "0")]


def test_a_gate_may_ask_for_collapsed_runs():
    found = compared({"none": arm_of(2), "bn": arm_of(0)})
    assert failing_rows([found], read_gate("num_collapsed>0")) == [
        "made_up: none: --fail-if num_collapsed>0: num_collapsed is 2"
    ]


def test_a_gate_on_verdicts_does_not_pass_where_nothing_was_learned():
    found = with_effects(compared({"none": arm_of(8), "bn": arm_of(1)}), "none")
    told = "no verdict. This task was not learned: 9 of 16 runs collapsed."
    assert failing_rows([found], read_gate("verdict==worse")) == [f"made_up: --fail-if verdict==worse: {told}"]
    assert failing_rows([found], read_gate("test_loss>99")) == []


@pytest.mark.parametrize(("num", "of"), [(0, 0), (1, 2), (12, 24)])
def test_half_of_the_runs_is_not_more_than_half(num, of):
    assert not_learned(num, of) == ""
    assert not_learned(num + 1, of or 1).startswith(f"This task was not learned: {num + 1} of ")


@pytest.mark.parametrize("metric", METRICS)
def test_the_rule_of_a_study_is_read_as_it_was_written(metric):
    word = "below" if metric.endswith("accuracy") else "above"
    assert rule({"metric": metric, word: 0.5}) == CollapseRule(Limit(metric, 0.5))
    assert str(rule({"metric": metric, word: 0.5})) == f"diverged or ended with a {metric} {word} 0.5"
