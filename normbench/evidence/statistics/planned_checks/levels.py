"""Computes the levels of planned checks, so that a study may stop early and still has 5 % false verdicts in all.

Of the 5 %, the share ln(1 + (e - 1) n / n_last) may be spent up to the check after n seeds: about the same level at
every check (Pocock), for any list of checks. An exact p of few seeds takes few values, and so a check spends less than
its level; what it left is spent by the next one. A check that can find nothing spends nothing.
"""

import math
from collections.abc import Sequence
from functools import cache
from itertools import pairwise

from normbench.evidence.statistics.corrections import ALPHA
from normbench.evidence.statistics.planned_checks.stopped_walk import StoppedWalk
from normbench.evidence.statistics.verdicts.signed_rank import largest_rank_sum, null_cdf
from normbench.evidence.statistics.verdicts.typical_seed import smallest_p

BISECTIONS = 50


def check_levels(check_after: Sequence[int], num_comparisons: int = 1, alpha: float = ALPHA) -> list[float]:
    """Return the level of each check: a p that is corrected for the comparisons decides there if it is not above it.

    The levels hold for Holm's correction at every check: with j true nulls each of them has the error alpha / j.

    Args:
        check_after: Numbers of seeds after which the verdict is looked at, increasing.
        num_comparisons: Comparisons in the table, for which p is corrected.
        alpha: Share of false verdicts over all checks.

    Returns:
        A level for each check; 0 where the check is not taken, as its smallest possible p is above its level.

    References:
        Lan and DeMets (1983), Discrete sequential boundaries for clinical trials, Biometrika 70(3); Pocock (1977),
        Group sequential methods in the design and analysis of clinical trials, Biometrika 64(2).

    Example:
        >>> [round(level, 4) for level in check_levels([8, 16, 32, 64])]
        [0.0097, 0.0123, 0.0183, 0.0266]
        >>> [round(level, 4) for level in check_levels([8, 16, 32], num_comparisons=3)]  # 8 seeds cannot decide
        [0.0, 0.031, 0.029]
    """
    plan = tuple(check_after)
    if not plan or plan[0] < 1 or any(a >= b for a, b in pairwise(plan)):
        raise ValueError(f"check_after: must be increasing numbers of seeds, got {list(plan)}. Write [8, 16, 32].")
    return list(_levels(plan, num_comparisons, alpha))


@cache
def _levels(plan: tuple[int, ...], num_comparisons: int, alpha: float) -> tuple[float, ...]:
    """Follow one walk for each number j of true nulls; the level is the lowest that all of them allow."""
    walks = {j: _Spending(alpha / j) for j in range(1, num_comparisons + 1)}
    levels = []
    for n in plan:
        level = min(j * walk.level_at(n, n / plan[-1]) for j, walk in walks.items())
        is_taken = smallest_p(n) <= level / num_comparisons
        levels.append(level if is_taken else 0.0)
        if is_taken:
            for j, walk in walks.items():
                walk.take(n, level / j)
    return tuple(levels)


class _Spending:
    """How much of its error one comparison has spent over the checks so far."""

    def __init__(self, alpha: float) -> None:
        self._alpha = alpha
        self._spent = 0.0
        self._walk = StoppedWalk()

    def level_at(self, n: int, share: float) -> float:
        """Return the level that spends what may be spent up to this share of the last check's seeds."""
        self._walk.look(n)
        left = self._alpha * math.log1p((math.e - 1) * share) - self._spent
        low, high = 0.0, 1.0
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            low, high = (middle, high) if self._walk.leaving(middle) <= left else (low, middle)
        return low

    def take(self, n: int, level: float) -> None:
        """Spend the largest p of n seeds that is not above the level."""
        possible = largest_possible_p(n, level)
        if possible > 0:
            self._spent += self._walk.leaving(possible)
            self._walk.stop(possible)


def largest_possible_p(n: int, level: float) -> float:
    """Return the largest two-sided p of the signed ranks of n seeds that is not above a level; 0 if there is none.

    Example:
        >>> largest_possible_p(8, 0.0125)
        0.0078125
    """
    rank_sum = largest_rank_sum(null_cdf(n), level / 2)
    return 2 * float(null_cdf(n)[rank_sum]) if rank_sum >= 0 else 0.0
