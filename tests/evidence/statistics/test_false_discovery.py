"""Benjamini and Hochberg's procedure: the example of the paper, scipy's, and how many discoveries are false."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from normbench.evidence.statistics.false_discovery import discoveries

PAPER = (0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528)
PAPER += (0.7590, 1.0)
"""The 15 p values of section 4.1 of Benjamini and Hochberg (1995), of which 4 are discoveries at 5 %."""


def test_the_example_of_the_paper():
    assert discoveries(PAPER) == [True] * 4 + [False] * 11


@pytest.mark.parametrize("seed", range(40))
def test_it_is_scipys_procedure_in_any_order(seed):
    rng = np.random.default_rng(seed)
    ps = rng.choice([*rng.uniform(0, 0.1, 8), *rng.uniform(0, 1, 8)], size=rng.integers(1, 30)).tolist()
    assert discoveries(ps, 0.1) == (false_discovery_control(ps) <= 0.1).tolist()


@pytest.mark.parametrize("kept", [[], [0.04], [0.05], [0.0, 0.05, 0.05]])
def test_what_is_below_the_share_even_as_the_largest_survives(kept):
    assert discoveries(kept) == [True] * len(kept)


@pytest.mark.parametrize("ps", [[0.051], [1.0, 1.0], [float("nan")]])
def test_what_is_above_the_share_does_not(ps):
    assert discoveries(ps) == [False] * len(ps)


def test_a_p_that_is_no_number_counts_among_the_tests_and_spoils_no_other():
    assert discoveries([0.02, float("nan")]) == [True, False]
    assert discoveries([0.03, float("nan")]) == [False, False]


def test_the_expected_share_of_false_discoveries_is_the_share_of_true_nulls_times_the_level():
    """Of 40 independent tests 30 null hypotheses are true: exactly 30 of 40 times 20 % (theorem 1)."""
    rng, false_shares = np.random.default_rng(0), []
    for _ in range(2000):
        ps = [*rng.uniform(0, 1, 30), *rng.uniform(0, 0.02, 10)]
        found = discoveries(ps, 0.2)
        false_shares.append(sum(found[:30]) / max(1, sum(found)))
    assert np.mean(false_shares) == pytest.approx(0.15, abs=4 * np.std(false_shares) / 2000**0.5)
