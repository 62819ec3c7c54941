"""Samples for the properties of tests: with ties, with runs that diverged, with pairs of which both diverged."""

import math

from hypothesis import strategies as st

coarse = st.integers(-6, 6).map(lambda tenths: tenths / 10)
"""Tenths as floats, so that sums of them tie except for rounding."""
fine = st.floats(-1e3, 1e3, allow_subnormal=False)
finite = coarse | fine
anything = finite | st.sampled_from([math.inf, -math.inf, math.nan])


def samples(values=anything, fewest=1, most=12):
    return st.lists(values, min_size=fewest, max_size=most)
