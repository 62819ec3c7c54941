"""Claims most of whose runs collapsed: no verdict, unless collapse itself is what they ask about."""

import math

import pytest
from runs_in_memory import RunInMemory, arm_in_memory, arms_called

from normbench.evidence.claims.claim import read_claims
from normbench.evidence.claims.verdict import judge_claim
from normbench.evidence.comparison.collapses import BY_TASK, CollapseRule, Limit
from normbench.report.pages.claims_page import page

CONSTANT = {"train_loss": 1.0, "test_loss": 1.0}
LESS = {"less": "a", "than": "b", "by": 0.05}


def arm(name, num_collapsed, level, **settings):
    """Return an arm of eight seeds, of which the first ones hardly learned anything."""
    runs = [
        RunInMemory(
            seed,
            [
                {"step": 0, "train_loss": 1.0, "test_loss": 1.0},
                {
                    "step": 100,
                    "train_loss": 0.95 if seed < num_collapsed else 0.1,
                    "test_loss": level * (1 + seed / 90),
                },
            ],
            constant=CONSTANT,
        )
        for seed in range(8)
    ]
    return arm_in_memory(name, runs, **settings)


def judged(expect, *arms, metric="test_loss", rule=BY_TASK):
    said = [{"id": "X", "says": "so", "metric": metric, "expect": expect}]
    (claim,), errors = read_claims(said, arms_called(*(one.name for one in arms)))
    assert not errors
    return judge_claim(claim, arms, range(8), "study", "normbench run x.yaml", rule=rule)


@pytest.mark.parametrize(("of_a", "of_b"), [(0, 0), (4, 4), (8, 0), (0, 8)])
def test_up_to_half_of_the_runs_may_collapse(of_a, of_b):
    found = judged(LESS, arm("a", of_a, 0.5), arm("b", of_b, 0.8))
    assert (found.verdict, found.why) == ("holds", "")


@pytest.mark.parametrize("expect", [LESS, {"less": "b", "than": "a", "by": 0.05}, {"equal": ["a", "b"], "within": 9.0}])
def test_beyond_that_there_is_no_verdict_either_way(expect):
    found = judged(expect, arm("a", 4, 0.5), arm("b", 5, 0.8))
    assert (found.verdict, found.why) == ("cannot tell", "This task was not learned: 9 of 16 runs collapsed")
    assert [(part.verdict, part.seeds_needed) for part in found.parts] == [("cannot tell", None)]
    assert math.isfinite(found.parts[0].effect)  # the numbers stay to be seen
    assert found.parts[0].p == found.parts[0].p_corrected == 1  # and count as no discovery among many claims


def test_runs_of_arms_that_the_claim_does_not_read_do_not_count():
    arms = arm("a", 0, 0.5), arm("b", 0, 0.8), arm("c", 8, 0.8), arm("d", 8, 0.8), arm("e", 8, 0.8)
    assert judged(LESS, *arms).verdict == "holds"


@pytest.mark.parametrize(
    "rule", [CollapseRule(has_limits=False), CollapseRule(is_quick=True), CollapseRule(Limit("train_loss", 2.0))]
)
def test_the_rule_is_that_of_the_study(rule):
    assert judged(LESS, arm("a", 8, 0.5), arm("b", 8, 0.8), rule=rule).verdict == "holds"


def ladder():
    return [arm(f"a,lr={lr}", num, 0.5, optimizer__lr=lr) for lr, num in ((0.1, 0), (1.0, 8), (10.0, 8))]


@pytest.mark.parametrize("metric", ["largest_stable optimizer.lr", "argbest optimizer.lr test_loss"])
def test_metrics_that_choose_among_runs_keep_their_verdict(metric):
    found = judged({"range": [0.01, 99.0], "of": "a"}, *ladder(), metric=metric)
    assert (found.verdict, found.why) == ("holds", "")


def test_a_trend_over_runs_that_failed_has_none():
    found = judged({"trend": "optimizer.lr", "of": "a", "rising": True}, *ladder())
    assert (found.verdict, found.why) == ("cannot tell", "This task was not learned: 16 of 24 runs collapsed")


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("train_loss", "holds"),
        ("last train_loss", "holds"),
        ("test_loss", "cannot tell"),
        ("best train_loss", "cannot tell"),
        ("steps_to 0.5 train_loss", "cannot tell"),
    ],
)
def test_where_training_ends_may_be_asked_of_runs_that_collapsed(metric, expected):
    ends = [99.0, 101.0] if metric.startswith("steps_to") else [0.0, 2.0]
    assert judged({"range": ends, "of": "a"}, arm("a", 8, 0.5), metric=metric).verdict == expected


def test_the_metric_of_the_studys_own_rule_is_one_of_them():
    rule = CollapseRule(Limit("test_loss", 0.1))
    found = judged({"range": [0.0, 2.0], "of": "a"}, arm("a", 0, 0.5), rule=rule)
    assert found.verdict == "holds"
    assert judged(LESS, arm("a", 0, 0.5), arm("b", 0, 0.8), rule=rule).verdict == "cannot tell"


def test_of_several_expectations_those_about_collapse_can_still_refute():
    ends = {"range": [0.0, 0.5], "of": "a", "metric": "train_loss"}
    found = judged({"all": [LESS, ends]}, arm("a", 8, 0.5), arm("b", 8, 0.8))
    assert [part.verdict for part in found.parts] == ["cannot tell", "opposite"]
    assert found.verdict == "opposite"
    held = judged({"all": [LESS, ends | {"range": [0.5, 2.0]}]}, arm("a", 8, 0.5), arm("b", 8, 0.8))
    assert (held.verdict, [part.verdict for part in held.parts]) == ("cannot tell", ["cannot tell", "holds"])


def test_the_page_says_why_and_promises_nothing_of_more_seeds():
    text = page([judged(LESS, arm("a", 4, 0.5), arm("b", 5, 0.8))], "pictures")
    assert "why: This task was not learned: 9 of 16 runs collapsed\n" in text
    assert "seeds will tell" not in text
    assert "might tell" not in text
