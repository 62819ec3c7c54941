"""Walsh averages of many seeds: those that are searched are, bit by bit, those that are listed."""

import math

import numpy as np
import pytest
from evidence.statistics.drawn_samples import samples
from hypothesis import given, settings
from hypothesis import strategies as st

from normbench.evidence.statistics.verdicts import walsh_search
from normbench.evidence.statistics.verdicts.typical_seed import guarded_interval, typical_seed
from normbench.evidence.statistics.verdicts.walsh import Listed
from normbench.evidence.statistics.verdicts.walsh_search import LISTED_UP_TO, Searched, averages_of_sample

RNG = np.random.default_rng
SIZES = st.sampled_from([1.0, 1e300, 1e-290, 1e-12])


def margins(sample):
    """Numbers between the averages, far from all, and on some of them."""
    finite = [value for value in sample.tolist() if math.isfinite(value)][:3]
    return [0.0, 0.1, -1e9, 1e9, *finite, *(finite[0] / 2 + value / 2 for value in finite)]


@given(samples(most=30), SIZES, st.data())
@settings(max_examples=60, deadline=None)
def test_searched_averages_are_the_listed_ones(drawn, size, data):
    sample = np.array(drawn, dtype=np.float64) * size
    listed, searched = Listed(sample), Searched(sample)
    for margin in margins(sample):
        assert searched.counts_beyond(margin) == listed.counts_beyond(margin)
    rank = data.draw(st.integers(0, len(sample) * (len(sample) + 1) // 2 - 1))
    assert searched.lowered(rank) == listed.lowered(rank)
    assert searched.raised(rank) == listed.raised(rank)
    assert searched.middle() == pytest.approx(listed.middle(), abs=0, rel=0, nan_ok=True)


@pytest.mark.parametrize("decimals", [1, 2, 9])
def test_a_thousand_seeds_with_ties_and_diverged_runs(decimals):
    sample = np.round(RNG(decimals).normal(0.2, 1, size=1000), decimals)
    sample[:7] = [-math.inf, -math.inf, math.inf, math.nan, 1e9, 0.0, 0.0]
    listed, searched = Listed(sample), averages_of_sample(sample)
    assert isinstance(searched, Searched)
    for margin in (0.0, 0.2, 0.05, -3.0):
        assert searched.counts_beyond(margin) == listed.counts_beyond(margin)
    for rank in (0, 1, 2000, 200_000, 250_249, 250_250, 500_000, 500_499):
        assert (searched.lowered(rank), searched.raised(rank)) == (listed.lowered(rank), listed.raised(rank))
    assert searched.middle() == listed.middle()


def test_a_verdict_on_many_seeds_is_that_of_all_averages(monkeypatch):
    sample = np.round(RNG(1).normal(0.1, 1, size=LISTED_UP_TO + 60), 2)
    found, interval = typical_seed(sample, 0.05), guarded_interval(sample[None])
    monkeypatch.setattr(walsh_search, "LISTED_UP_TO", 10_000)
    assert found == typical_seed(sample, 0.05)
    assert [end.tolist() for end in interval] == [end.tolist() for end in guarded_interval(sample[None])]
