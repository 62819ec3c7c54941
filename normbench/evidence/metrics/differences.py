"""Makes the values of several arms comparable seed by seed: logarithms where ratios count, a diverged run the worst.

The rules are in docs/methods.md, "2. Effects and intervals" and "5. Diverged and collapsed runs".
"""

import math
from collections.abc import Mapping, Sequence

from normbench.evidence.metrics.directions import better_way
from normbench.evidence.metrics.diverged import Diverged
from normbench.evidence.metrics.scales import is_share
from normbench.evidence.statistics.paired_effect import Effect, paired_effect

BySeed = Mapping[int, float]


def comparable_values(metric: str, arms: Sequence[BySeed]) -> tuple[list[dict[int, float]], bool]:
    """Return values whose differences are effects, and whether those are logarithms of ratios.

    They are logarithms where the metric is compared by ratios and all values of runs that did not diverge are positive.
    A diverged run is the worst possible, inf or -inf; nan where neither way of the metric is better.

    Example:
        >>> comparable_values("test_accuracy", [{0: 0.5, 1: Diverged(0.1)}])
        ([{0: 0.5, 1: -inf}], False)
    """
    known = [value for arm in arms for value in arm.values() if not isinstance(value, Diverged)]
    is_ratio = is_share(metric) and all(0 < value < math.inf for value in known)
    read = math.log if is_ratio else float
    worst = worst_possible(metric)
    comparable = [
        {seed: worst if isinstance(value, Diverged) else read(value) for seed, value in arm.items()} for arm in arms
    ]
    return comparable, is_ratio


def worst_possible(metric: str) -> float:
    """Return what a diverged run counts as in tests: inf or -inf, nan where neither way of the metric is better."""
    return {"higher": -math.inf, "lower": math.inf, None: math.nan}[better_way(metric)]


def paired_differences(metric: str, arm: BySeed, baseline: BySeed) -> tuple[dict[int, float], bool]:
    """Return arm less baseline for each seed that both have, and whether these are logarithms of ratios.

    A seed in which both diverged is nan: a tie, which counts for no side.
    """
    (differences,), is_ratio = differences_of_tasks(metric, [(arm, baseline)])
    return differences, is_ratio


def differences_of_tasks(metric: str, pairs: Sequence[tuple[BySeed, BySeed]]) -> tuple[list[dict[int, float]], bool]:
    """Return ``paired_differences`` of an arm and a baseline in each task; logarithms of ratios in all or in none.

    Example:
        >>> differences_of_tasks("test_accuracy", [({0: 0.75, 1: 0.5}, {0: 0.5}), ({4: 1.0}, {4: 0.75})])
        ([{0: 0.25}, {4: 0.25}], False)
    """
    shared = [sorted(set(arm).intersection(baseline)) for arm, baseline in pairs]
    sides = [{seed: of[seed] for seed in seeds} for pair, seeds in zip(pairs, shared, strict=True) for of in pair]
    read, is_ratio = comparable_values(metric, sides)
    found = zip(shared, read[::2], read[1::2], strict=True)
    return [{seed: ours[seed] - theirs[seed] for seed in seeds} for seeds, ours, theirs in found], is_ratio


def metric_effect(metric: str, arm: BySeed, baseline: BySeed) -> Effect:
    """Return the effect of an arm on a metric, values by seed: a ratio of losses, else a difference."""
    differences, is_ratio = paired_differences(metric, arm, baseline)
    return paired_effect(metric, differences, is_ratio=is_ratio)
