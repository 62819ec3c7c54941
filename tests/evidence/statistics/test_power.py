"""What a number of seeds can find: as in simulated studies, more with more seeds, nothing with too few."""

import math

import numpy as np
import pytest

from normbench.evidence.statistics.verdicts.power import findable_effect
from normbench.evidence.statistics.verdicts.typical_seed import guarded_p


@pytest.mark.parametrize("n", [6, 8, 12])
def test_the_effect_is_found_in_four_of_five_studies(n):
    effect = findable_effect(n)
    draws = np.random.default_rng(7).normal(effect, 1, size=(2000, n))
    assert (guarded_p(draws)[0] <= 0.05).mean() == pytest.approx(0.8, abs=0.04)


def test_more_seeds_find_smaller_effects_and_a_stricter_level_larger_ones():
    effects = [findable_effect(n) for n in (5, 6, 8, 16, 32)]
    assert effects == sorted(effects, reverse=True)
    assert effects[0] == math.inf
    assert findable_effect(8, alpha=0.0125) > findable_effect(8)
    assert findable_effect(0) == math.inf
