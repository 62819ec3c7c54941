"""Many claims together: how many were tested, how many may be false, and which verdicts survive the correction."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from normbench.evidence.claims.many_claims import claim_p, judge_together
from normbench.evidence.claims.margin_test import ExpectationResult
from normbench.evidence.claims.verdict import ClaimVerdict

WITHOUT_TEST = ("not run", "incomplete", "too few seeds")


def claim(verdict, *parts):
    """Return a claim with a verdict, and parts with the verdict and the corrected p of each."""
    numbers = (8, 1.0, 0.9, 1.1, (0.05,))
    tested = [ExpectationResult("a < b", "test_loss", True, *numbers, p, p, word) for word, p in parts]
    return ClaimVerdict("C", "so", {}, verdict, "x", "", parts=tested)


def decided(p, verdict="holds"):
    return claim(verdict, (verdict, p))


@pytest.mark.parametrize(
    ("verdict", "parts", "p"),
    [
        ("holds", [("holds", 0.01), ("holds", 0.04), ("holds", 0.02)], 0.04),
        ("opposite", [("holds", 0.001), ("opposite", 0.03), ("opposite", 0.02)], 0.02),
        ("opposite", [("smaller than claimed", 0.001), ("opposite", 0.03)], 0.03),
        ("smaller than claimed", [("cannot tell", 0.3), ("smaller than claimed", 0.03)], 0.03),
        ("cannot tell", [("holds", 0.001), ("cannot tell", 0.3)], 0.3),
        ("supported", [("supported", 0.01), ("supported", 0.04)], 0.04),
        ("refuted", [("supported", 0.001), ("refuted", 0.03)], 0.03),
    ],
)
def test_the_p_of_a_claim_is_that_of_the_parts_its_verdict_rests_on(verdict, parts, p):
    assert claim_p(claim(verdict, *parts)) == p


def test_the_p_of_a_planned_check_is_raised_as_its_level_is_lowered():
    """A verdict could have come at any of the checks, whose levels share the 5 %."""
    (part,) = decided(0.02).parts
    assert claim_p(replace(decided(0.02), parts=[replace(part, level=0.025)])) == pytest.approx(0.04)
    assert claim_p(replace(decided(0.9), parts=[replace(part, p_corrected=0.9, level=0.025)])) == 1


def test_only_claims_that_were_tested_count():
    untested = [claim(word) for word in WITHOUT_TEST]
    found = judge_together([*untested, *[decided(0.001)] * 60, *[claim("cannot tell", ("cannot tell", 0.5))] * 30])
    assert (found.num_tested, found.num_decided, found.num_lost) == (90, 60, 0)
    assert found.most_false == pytest.approx(4.5)
    assert found.survives == [None] * 3 + [True] * 60 + [None] * 30


def test_a_close_verdict_among_many_that_cannot_tell_does_not_survive():
    """Of 10 tests the smallest p must be 0.005 or less; among two verdicts the larger at most 0.01."""
    undecided = [claim("cannot tell", ("cannot tell", 0.2 + i / 20)) for i in range(8)]
    lost = judge_together([decided(0.006), decided(0.02, "opposite"), *undecided])
    assert (lost.survives[:2], lost.num_lost) == ([False, False], 2)
    kept = judge_together([decided(0.006), decided(0.01, "opposite"), *undecided])
    assert (kept.survives[:2], kept.num_lost) == ([True, True], 0)


@pytest.mark.parametrize("seed", range(20))
def test_what_survives_is_what_scipy_says_of_the_ps_of_tested_claims(seed):
    rng = np.random.default_rng(seed)
    ps = [*rng.uniform(0, 0.05, 12), *rng.uniform(0.05, 1, 8)]
    verdicts = [decided(p) if p <= 0.05 else claim("cannot tell", ("cannot tell", p)) for p in ps]
    expected = [
        bool(one) if p <= 0.05 else None for one, p in zip(false_discovery_control(ps) <= 0.05, ps, strict=True)
    ]
    assert judge_together(verdicts).survives == expected


def test_no_claim_and_one_claim():
    assert (judge_together([]).num_tested, judge_together([]).most_false) == (0, 0.0)
    assert judge_together([decided(0.05)]).survives == [True]


def test_an_undecided_claim_whose_p_is_no_number_spoils_no_other():
    found = judge_together([decided(0.02), claim("cannot tell", ("cannot tell", math.nan))])
    assert (found.num_tested, found.survives) == (2, [True, None])
