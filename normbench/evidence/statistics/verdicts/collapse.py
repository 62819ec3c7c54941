"""Counts collapsed runs of two arms: rates with exact intervals, McNemar's exact test.

What a collapse is was declared in the study, before any result: a rule found in the results has false verdicts itself.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from normbench.evidence.statistics.verdicts.sign_test import clopper_pearson, upper_tail


@dataclass(frozen=True)
class Collapses:
    """How many runs of two arms collapsed, over the same seeds.

    Attributes:
        n: Number of seeds.
        first: Collapsed runs of the first arm.
        second: Collapsed runs of the second arm.
        first_rate: 95 % interval of the first arm's rate (Clopper and Pearson, 1934).
        second_rate: 95 % interval of the second arm's rate.
        p: Two-sided p of McNemar's exact test: do the arms collapse equally often?
    """

    n: int
    first: int
    second: int
    first_rate: tuple[float, float]
    second_rate: tuple[float, float]
    p: float


def count_collapses(first: npt.ArrayLike, second: npt.ArrayLike) -> Collapses:
    """Count the collapses of two arms; each is given as one truth value per seed, in the same order of seeds.

    Example:
        >>> found = count_collapses([True, False, False, False], [False, False, False, False])
        >>> found.first, found.second, round(found.second_rate[1], 3), found.p
        (1, 0, 0.602, 1.0)
    """
    one, other = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    n, a, b = len(one), int(one.sum()), int(other.sum())
    p = mcnemar_p(int((one & ~other).sum()), int((other & ~one).sum()))
    return Collapses(n, a, b, clopper_pearson(a, n), clopper_pearson(b, n), p)


def mcnemar_p(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p from the seeds at which one arm alone collapsed: is each arm as likely to be it?

    References:
        McNemar (1947), Note on the sampling error of the difference between correlated proportions or percentages,
        Psychometrika 12(2).

    Example:
        >>> mcnemar_p(6, 0), mcnemar_p(0, 0)
        (0.03125, 1.0)
    """
    return min(1.0, 2 * float(upper_tail(only_first + only_second)[max(only_first, only_second)]))
