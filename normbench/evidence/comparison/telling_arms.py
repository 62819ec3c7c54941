"""Ranks the arms of a comparison, and chooses the few that tell its result: the answer's, the baseline, the worst."""

import math
from collections.abc import Sequence
from statistics import median

from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.effects import main_metric
from normbench.evidence.comparison.rows import Row
from normbench.evidence.metrics.directions import direction


def ranked_rows(comparison: StudyComparison) -> list[Row]:
    """Return the rows, the best typical run first; in the study's order where no way of the metric is better.

    A run without a number counts as the worst.
    """
    metric = main_metric(comparison)
    way = direction(metric) if metric else None
    if metric is None or way is None:
        return list(comparison.rows)
    sign = -1 if way == "higher" else 1

    def typical(row: Row) -> float:
        return median(math.inf if math.isnan(value) else sign * value for value in row.figures[metric].values)

    return sorted(comparison.rows, key=typical)


def first_arms(comparison: StudyComparison, count: int) -> list[str]:
    """Return the labels of so many arms, the baseline among them: in the study's order if that is all, else by rank."""
    if len(comparison.rows) <= count:
        return [row.arm for row in comparison.rows]
    ranked = [row.arm for row in ranked_rows(comparison)]
    baseline = _baseline_arms(comparison)[:1]
    best = [arm for arm in ranked if arm not in baseline][: count - len(baseline)]
    return [arm for arm in ranked if arm in {*best, *baseline}]


def telling_arms(comparison: StudyComparison, count: int) -> list[str]:
    """Return the labels of at most so many arms that tell the result, in the study's order.

    These are the arm to take and those equal to it or not told apart from it, the baseline, and the worst. Where places
    are left, the next best follow.
    """
    ranked = [row.arm for row in ranked_rows(comparison)]
    taken, others = _answering_arms(comparison)
    wanted = [*taken, *_baseline_arms(comparison)[:1], *ranked[-1:], *others, *ranked]
    chosen = set(list(dict.fromkeys(wanted))[:count])
    return [row.arm for row in comparison.rows if row.arm in chosen]


def _answering_arms(comparison: StudyComparison) -> tuple[list[str], list[str]]:
    """Return the arms to take, one for each cell of the answer, and those that cannot be told apart from them."""
    cells = comparison.answer.cells if comparison.answer else ()
    taken = [cell.taken for cell in cells if cell.taken]
    return taken, [arm for cell in cells for arm in (*cell.equal_to, *cell.not_told_apart)]


def _baseline_arms(comparison: StudyComparison) -> Sequence[str]:
    """Return the arms that the baseline means; of many one stands for all."""
    against = comparison.against
    return [row.arm for row in comparison.rows if against is not None and against.matches(row.labelled.id)]
