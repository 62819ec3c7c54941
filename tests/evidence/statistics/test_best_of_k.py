"""The best of several arms: who is beaten, by flips counted one by one, and how far behind each arm is at most."""

import math
from itertools import product

import numpy as np
import pytest
from scipy.stats import rankdata

from normbench.evidence.statistics.verdicts.best_of_k import BestOfK, best_of_k, max_rank_p
from normbench.evidence.statistics.verdicts.sign_test import sign_test_p
from normbench.evidence.statistics.verdicts.signed_rank import signed_rank_p
from normbench.evidence.statistics.verdicts.size_ranks import signed_ranks
from normbench.evidence.statistics.verdicts.ties import tolerance_of

RNG = np.random.default_rng


def test_ranks_are_scipys():
    values = np.round(RNG(0).normal(size=(3, 12)), 1)
    expected = np.sign(values) * rankdata(np.abs(values), axis=-1)
    assert np.array_equal(signed_ranks(values), expected)


@pytest.mark.parametrize("decimals", [0, 1, 8])
def test_ranks_compare_every_size_with_every_other(decimals):
    values = np.round(RNG(decimals).normal(size=(20, 15)), decimals)
    values[:10] *= 1 + RNG(9).integers(0, 4, size=(10, 15)) * 2.0**-36  # chains of ties
    values[3, :4] = [math.inf, -math.inf, math.nan, 0.0]
    sizes = np.nan_to_num(np.abs(values), nan=0.0, posinf=math.inf)
    low, high = sizes - tolerance_of(sizes), sizes + tolerance_of(sizes)
    smaller = (high[..., None, :] < low[..., :, None]).sum(axis=-1)
    not_larger = (low[..., None, :] <= high[..., :, None]).sum(axis=-1)
    assert np.array_equal(signed_ranks(values), np.nan_to_num(np.sign(values)) * (smaller + not_larger + 1) / 2)


def test_p_counts_the_flips_whose_best_rival_is_as_good():
    rivals = RNG(1).normal(0.4, 1, size=(3, 6))
    ranks = np.sign(rivals) * rankdata(np.abs(rivals), axis=-1)
    zs = [[signs @ row / math.sqrt(row @ row) for row in ranks] for signs in np.array(list(product((1, -1), repeat=6)))]
    observed = [row.sum() / math.sqrt(row @ row) for row in ranks]
    expected = [np.mean([max(z) >= seen - 1e-12 for z in zs]) for seen in observed]
    assert max_rank_p(rivals) == pytest.approx(expected)


def test_one_rival_has_the_one_sided_p_of_the_signed_ranks():
    from scipy.stats import wilcoxon

    rival = RNG(2).normal(0.5, 1, size=8)
    assert max_rank_p(rival[None])[0] == pytest.approx(wilcoxon(rival, alternative="greater", method="exact").pvalue)
    many = RNG(2).normal(0.3, 1, size=20)
    exact = wilcoxon(many, alternative="greater", method="exact").pvalue
    assert max_rank_p(many[None])[0] == pytest.approx(exact, abs=4 * math.sqrt(exact / 1000))


def test_an_arm_that_is_always_ahead_is_the_best_and_nobody_else():
    level = RNG(3).normal(size=16)
    found = best_of_k([level, level + 1, level - 2])
    assert (found.may_be_best, found.taken) == ((False, True, False), 1)
    assert found.behind == pytest.approx((1.0, -1.0, 3.0))


def test_arms_that_are_equal_may_all_be_best():
    assert best_of_k([np.arange(8.0)] * 3).may_be_best == (True, True, True)
    assert best_of_k([np.arange(8.0)] * 3).behind == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(("k", "rank_level", "sign_level"), [(2, 0.05, 0.05), (3, 0.025, 0.05), (5, 0.0125, 0.025)])
def test_how_far_behind_is_the_first_margin_that_some_rival_is_not_below(k, rank_level, sign_level):
    values = RNG(4).normal(size=(k, 12))

    def all_below(arm, margin):
        rivals = np.delete(values, arm, axis=0) - values[arm]
        ranks, signs = signed_rank_p(rivals, margin)[1], sign_test_p(rivals, margin)[1]
        return ((ranks <= rank_level) & (signs <= sign_level)).all()

    found = best_of_k(values)
    for arm, behind in enumerate(found.behind):
        assert (all_below(arm, behind), all_below(arm, behind + 1e-6)) == (False, True)
    assert found.behind[found.taken] == min(found.behind)


def test_the_sign_guard_keeps_an_arm_that_large_differences_alone_beat():
    rival = np.array([-1.0] * 5 + [10.0 + i for i in range(11)])  # 11 of 16
    assert max_rank_p(rival[None])[0] <= 0.05
    assert best_of_k([np.zeros(16), rival]).may_be_best == (True, True)


def test_runs_that_diverged_are_worst_and_two_of_them_tie():
    bad = np.array([-math.inf] * 7 + [0.0])
    found = best_of_k([bad, np.zeros(8), np.full(8, -math.inf)])
    assert found.may_be_best == (False, True, False)
    assert (found.taken, found.behind[0], found.behind[2]) == (1, math.inf, math.inf)


def test_too_few_seeds_beat_nobody_and_leave_every_distance_open():
    found = best_of_k([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    assert found == BestOfK((True, True), (math.inf, math.inf), None)


@pytest.mark.parametrize("values", [[1.0, 2.0], [[1.0, 2.0]]])
def test_a_single_arm_is_told(values):
    with pytest.raises(ValueError, match="values: must have a row for each of two arms or more, got shape"):
        best_of_k(values)


def test_the_best_arm_is_kept_and_its_distance_right_in_95_percent():
    kept = right = 0
    for seed in range(400):
        found = best_of_k(RNG(seed).normal(size=(4, 8)) + RNG(seed + 1000).normal(size=8))
        kept += found.may_be_best[0]
        right += min(found.behind) >= 0  # all four are equally good
    assert min(kept, right) / 400 >= 0.95 - 2.5 * math.sqrt(0.05 * 0.95 / 400)
