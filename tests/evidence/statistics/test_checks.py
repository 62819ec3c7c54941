"""Planned checks: known levels, levels that move on, and 5 % false verdicts over all checks, also after Holm."""

import math
from itertools import accumulate

import numpy as np
import pytest

from normbench.evidence.statistics.corrections import holm
from normbench.evidence.statistics.planned_checks.conditional_power import conditional_power, standardized_ranks
from normbench.evidence.statistics.planned_checks.levels import check_levels
from normbench.evidence.statistics.planned_checks.stopped_walk import StoppedWalk
from normbench.evidence.statistics.verdicts.typical_seed import guarded_p, smallest_p


def test_repeated_looks_at_5_percent_have_the_errors_that_are_known():
    walk, leaving = StoppedWalk(), []
    for look in range(1, 6):
        walk.look(look)
        leaving.append(walk.leaving(0.05))
        walk.stop(0.05)
    # Armitage, McPherson and Rowe (1969), table 2
    assert [round(total, 3) for total in accumulate(leaving)] == [0.05, 0.083, 0.107, 0.126, 0.142]


def test_the_first_level_is_pococks_share_and_a_single_check_has_all():
    assert check_levels([8, 16, 32, 64])[0] == pytest.approx(0.05 * math.log(1 + (math.e - 1) / 8))
    assert check_levels([16]) == pytest.approx([0.05])


def test_a_check_spends_what_the_one_before_left():
    # at 8 seeds p can be .0078 and no .0097; Lan and DeMets without that rest have .0105 .0170 .0257
    assert check_levels([8, 16, 32, 64])[1:] == pytest.approx([0.0123, 0.0183, 0.0266], abs=5e-5)


@pytest.mark.parametrize("plan", [[4, 8, 16], [5, 6, 7, 8], [2, 3], [8, 12, 16], list(range(6, 20))])
@pytest.mark.parametrize("num_comparisons", [1, 3, 10])
def test_a_check_is_taken_where_a_verdict_is_possible_and_else_its_level_moves_on(plan, num_comparisons):
    levels = check_levels(plan, num_comparisons)
    for n, level in zip(plan, levels, strict=True):
        assert level == 0 or smallest_p(n) <= level / num_comparisons
    taken = [n for n, level in zip(plan, levels, strict=True) if level]
    if taken and taken[-1] == plan[-1]:
        assert check_levels(taken, num_comparisons) == pytest.approx([level for level in levels if level])


def decided(draws, levels, plan):
    """Whether any of the comparisons of each draw, shape (draws, comparisons, n), is decided at any check."""
    found = np.zeros(len(draws), dtype=bool)
    for n, level in zip(plan, levels, strict=True):
        ps = np.minimum(*guarded_p(draws[..., :n]))
        found |= [min(holm(row)) <= level for row in ps]
    return found


@pytest.mark.parametrize(("plan", "num_comparisons"), [([6, 8, 10, 12], 1), ([8, 12, 16], 3)])
def test_false_verdicts_over_all_checks_are_5_percent_at_most(plan, num_comparisons):
    draws = np.random.default_rng(1).normal(size=(1000, num_comparisons, plan[-1]))
    share = decided(draws, check_levels(plan, num_comparisons), plan).mean()
    assert 0.01 < share < 0.05 + 2.5 * math.sqrt(0.05 * 0.95 / 1000)


@pytest.mark.parametrize("plan", [[], [0, 8], [8, 8], [16, 8]])
def test_checks_that_do_not_increase_are_told(plan):
    with pytest.raises(ValueError, match="check_after: must be increasing numbers of seeds, got "):
        check_levels(plan)


def test_conditional_power_by_hand():
    # T+ = 10, T- = 0 of 4 seeds: z = 1.826; (1.826 sqrt 2 - 1.960) / sqrt(1 / 2) = .8796
    assert conditional_power([1.0, 2.0, 3.0, 4.0], 0.0, 8, 0.05) == pytest.approx(0.8105, abs=1e-4)


def test_conditional_power_is_the_share_of_decided_walks():
    rng, t, level = np.random.default_rng(0), 0.25, 0.05
    z = standardized_ranks(np.arange(-3.0, 13.0), 0.0)
    later = z * math.sqrt(t) + rng.normal(z / math.sqrt(t) * (1 - t), math.sqrt(1 - t), size=20_000)
    share = (later >= 1.959964).mean()
    assert conditional_power(np.arange(-3.0, 13.0), 0.0, 64, level) == pytest.approx(share, abs=0.01)


def test_there_is_little_hope_where_neither_side_leads_and_some_seeds_must_be_left():
    assert conditional_power([1.0, -1.0, 2.0, -2.0], 0.0, 16, 0.05) < 0.05
    with pytest.raises(ValueError, match="later_n: must be more than the 2 seeds so far"):
        conditional_power([1.0, 2.0], 0.0, 2, 0.05)
