"""What a verdict tells a reader: old words, parts and tasks that disagree, claims that runs could not answer."""

import math
from dataclasses import replace

import pytest

from normbench.evidence.claims.deciding_part import deciding_part
from normbench.evidence.claims.later_looks import OpenReason
from normbench.evidence.claims.margin_test import ExpectationResult
from normbench.evidence.claims.outcomes import OUTCOMES, claim_outcome, outcome_counts, outcomes
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.evidence.claims.what_decides import seeds_to_decide

PART = ExpectationResult("a < b", "test_loss", True, 8, 1.3, 1.1, 1.5, (1.05,), 0.01, 0.01, "holds")


def claim(verdict, *words, **changes):
    parts = [replace(PART, verdict=word) for word in words or [verdict]]
    return ClaimVerdict("X", "so", {}, verdict, "x", "normbench run x.yaml", parts=parts, **changes)


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (claim("holds"), "holds"),
        (claim("supported"), "holds"),
        (claim("opposite", "opposite", "cannot tell"), "opposite"),
        (claim("opposite", "opposite", "holds"), "opposite"),
        (claim("depends on the task"), "depends on the task"),
        (claim("smaller than claimed"), "smaller than claimed"),
        (claim("cannot tell", "cannot tell", "holds"), "cannot tell"),
        (claim("too few seeds"), "cannot tell"),
        (replace(claim("not run"), parts=()), "not run"),
    ],
)
def test_a_claim_has_one_outcome(found, outcome):
    assert claim_outcome(found) == outcome


@pytest.mark.parametrize(("high", "outcome"), [(0.95, "opposite"), (1.02, "smaller than claimed")])
def test_refuted_of_version_010_is_opposite_beyond_no_effect_alone(high, outcome):
    part = replace(PART, verdict="refuted", effect=0.9, low=0.8, high=high)
    assert claim_outcome(replace(claim("refuted"), parts=[part])) == outcome


def of_task(task, verdict):
    part = replace(PART, expectation=f"dataset={task},norm=none < dataset={task},norm=batch_norm", verdict=verdict)
    return replace(claim(verdict), id=task, parts=[part])


def test_one_claim_of_tasks_that_disagree_depends_on_the_task():
    tasks = [of_task("wine", "holds"), of_task("digits", "opposite"), of_task("iris", "cannot tell")]
    assert outcomes(tasks) == ["depends on the task"] * 2 + ["cannot tell"]
    assert outcomes([tasks[0], replace(tasks[1], study="other")]) == ["holds", "opposite"]


def test_every_claim_is_counted_once():
    ill_posed = [claim("too few seeds"), claim("cannot tell", why="most runs collapsed")]
    ill_posed.append(claim("cannot tell", reason=OpenReason("ill-posed")))
    found = [claim("holds"), claim("cannot tell", reason=OpenReason("too dear")), *ill_posed]
    counts = outcome_counts(found)
    assert (counts["ill-posed"], counts["cannot tell"], sum(counts.values())) == (3, 1, 5)
    assert set(outcomes(found)) <= set(OUTCOMES)


def test_the_numbers_shown_are_those_that_the_verdict_rests_on():
    weak, sure = replace(PART, p_corrected=0.04), replace(PART, p_corrected=0.001)
    assert deciding_part(replace(claim("holds"), parts=[sure, weak])) == weak
    against = [replace(weak, verdict="opposite"), replace(sure, verdict="opposite"), sure]
    assert deciding_part(replace(claim("opposite"), parts=against)) == against[1]
    short = replace(sure, verdict="smaller than claimed")
    assert deciding_part(replace(claim("opposite"), parts=[against[0], short, sure])) == against[0]


def test_four_times_the_seeds_halve_an_interval():
    """The half width is twice the distance to the margin, so four times the seeds are needed; none at the margin."""
    part = replace(PART, is_share=False, effect=2.0, low=0.0, high=4.0, margins=(1.0,))
    assert seeds_to_decide(part) == 32
    assert seeds_to_decide(replace(part, effect=1.0)) == math.inf
    assert seeds_to_decide(replace(part, high=math.inf)) is None
    assert seeds_to_decide(replace(part, low=1.5, high=2.5)) is None
