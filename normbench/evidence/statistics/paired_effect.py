"""Compares two arms over the same seeds: effect with interval, exact sign-flip test, Holm's correction, verdict.

The rules are in docs/methods.md, "3. The sign-flip test".
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Literal

from normbench.evidence.statistics.corrections import ALPHA, holm, seeds_for_a_verdict
from normbench.evidence.statistics.means import mean_of, sample_std
from normbench.evidence.statistics.student import exp, mean_and_half_width
from normbench.evidence.statistics.verdicts.power import POWER

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

EXACT_UP_TO = 16
NUM_DRAWS = 2**14 - 1
MAX_SEEDS = 100_000
MAX_SUMMED = 1e300
"""Differences above it are scaled before they are summed."""


@dataclass(frozen=True)
class Effect:
    """An arm against the baseline, paired by seed.

    Attributes:
        metric: The metric that is compared.
        is_ratio: Whether the effect is a ratio (geometric mean over seeds); else a difference (mean over seeds).
        n: Number of seeds that both arms have.
        value: The effect.
        low: Lower end of its 95 % interval, by Student's t on the (logarithmic) differences.
        high: Upper end of the interval.
        size: Mean of the (logarithmic) differences divided by their std; 0.8 is called large.
        p: Two-sided p of the paired sign-flip test.
        p_corrected: p after Holm's correction over the table.
        verdict: better or worse (higher or lower where no direction is better), cannot tell, or too few seeds.
        seeds_needed: Number of seeds that a verdict would need, if the effect is as large as observed.
        never: A direction that the verdict must not have: the better one, if more runs diverged than of the baseline.
    """

    metric: str
    is_ratio: bool
    n: int
    value: float
    low: float
    high: float
    size: float
    p: float
    p_corrected: float = math.nan
    verdict: str = ""
    seeds_needed: int | None = None
    never: Literal["higher", "lower", ""] = ""


def paired_effect(metric: str, arm: Mapping[int, float], baseline: Mapping[int, float], *, by_ratio: bool) -> Effect:
    """Return the effect of an arm on a metric; values by seed.

    Args:
        metric: The metric's name.
        arm: The arm's values.
        baseline: The baseline's values.
        by_ratio: Compare by the ratio where all values are positive, as for losses, whose spread grows with their size.
    """
    seeds = sorted(set(arm).intersection(baseline))
    pairs = [(arm[seed], baseline[seed]) for seed in seeds]
    is_ratio = by_ratio and all(0 < value < math.inf for pair in pairs for value in pair)
    read = math.log if is_ratio else float
    differences = [read(a) - read(b) for a, b in pairs]
    middle, half = mean_and_half_width(differences)
    write = exp if is_ratio else float
    low, high = write(middle - half), write(middle + half)
    return Effect(metric, is_ratio, len(seeds), write(middle), low, high, _size(differences), sign_flip_p(differences))


def _size(differences: Sequence[float]) -> float:
    std = sample_std(differences) if len(differences) > 1 else 0.0
    return mean_of(differences) / std if std else math.nan


def sign_flip_p(differences: Sequence[float]) -> float:
    """Return the two-sided p of the paired sign-flip test of the mean.

    Under the null each difference is as likely as its negative. All 2^n sign patterns up to n = 16, beyond that
    16,383 drawn ones and the observed one (Fisher, 1935; Phipson and Smyth, 2010).

    Example:
        >>> sign_flip_p([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
        0.03125
    """
    import numpy as np

    values = np.asarray(differences, dtype=np.float64)
    if not len(values) or not np.isfinite(values).all():
        return 1.0
    largest = np.abs(values).max()
    if largest > MAX_SUMMED:
        values = values / largest
    observed = abs(values.sum())
    sums = np.abs(_signs(len(values)) @ values)
    tied = 1e-9 * np.abs(values).sum()  # rounding must not break a tie
    reached = int((sums >= observed - tied).sum())
    return reached / len(sums) if len(values) <= EXACT_UP_TO else (reached + 1) / (len(sums) + 1)


@cache
def _signs(n: int) -> "npt.NDArray[np.float64]":
    """Return sign patterns, one per row; of a pattern and its negative only one is needed."""
    import numpy as np

    if n <= EXACT_UP_TO:
        patterns = np.arange(2 ** (n - 1))
        bits = patterns[:, None] >> np.arange(n) & 1
    else:
        bits = np.random.default_rng(0).integers(0, 2, size=(NUM_DRAWS, n))
    return np.asarray(1 - 2 * bits, dtype=np.float64)


def judge_effects(effects: Sequence[Effect], better: Literal["higher", "lower"] | None) -> list[Effect]:
    """Correct the p values of one table and give each effect its verdict.

    Args:
        effects: The effects in one table.
        better: The better direction; without one the verdict is higher or lower.
    """
    corrected = holm([effect.p for effect in effects])
    return [_with_verdict(effect, p, len(effects), better) for effect, p in zip(effects, corrected, strict=True)]


def _with_verdict(effect: Effect, p: float, num_comparisons: int, better: str | None) -> Effect:
    fewest = seeds_for_a_verdict(num_comparisons)
    if effect.n < fewest:
        return replace(effect, p_corrected=p, verdict="too few seeds", seeds_needed=fewest)
    if p > ALPHA:
        needed = _seeds_needed(effect.n, effect.size, fewest)
        return replace(effect, p_corrected=p, verdict="cannot tell", seeds_needed=needed)
    found = "higher" if effect.value > (1 if effect.is_ratio else 0) else "lower"
    verdict = found if better is None else "better" if found == better else "worse"
    if found == effect.never:
        verdict = "cannot tell"
    return replace(effect, p_corrected=p, verdict=verdict)


def seeds_for_power(distances: Sequence[float], fewest: int) -> int | None:
    """Return the number of seeds that find the observed mean distance with probability 0.8."""
    return _seeds_needed(len(distances), _size(distances), fewest) if distances else None


def _seeds_needed(n: int, size: float, fewest: int) -> int | None:
    """Return the number of seeds that find an effect of this size with probability 0.8; None above MAX_SEEDS."""
    if not size or not math.isfinite(size):
        return None
    quantiles = statistics.NormalDist().inv_cdf(1 - ALPHA / 2) + statistics.NormalDist().inv_cdf(POWER)
    if abs(size) < quantiles / MAX_SEEDS:
        return None
    needed = max(fewest, n + 1, math.ceil((quantiles / size) ** 2 + 2))
    return needed if needed <= MAX_SEEDS else None
