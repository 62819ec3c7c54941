"""The words of verdicts on an effect: better or worse, cannot tell, why there is none; on these rows alone."""

from typing import Literal

from normbench.evidence.statistics.verdicts.typical_seed import Side

NO_VERDICT = "no verdict"
"""Where most runs collapsed."""
TOO_FEW, CANNOT_TELL = "too few seeds", "cannot tell"
DEPENDS = "depends on the task"
"""Where tasks disagree."""
ON_THESE_ROWS = " on these rows"
"""Behind a word that names a side, where the seeds are splits of the same rows."""
Better = Literal["higher", "lower"] | None
"""Which way of a metric is better; None where neither is."""
SIDES = ("better", "worse", "higher", "lower", "rises", "falls")


def verdict_word(side: Side, better: Better) -> str:
    """Return the word for a side: better or worse, or higher or lower where no direction is better.

    Example:
        >>> verdict_word("below", "lower"), verdict_word("below", None), verdict_word("", "lower")
        ('better', 'lower', 'cannot tell')
    """
    if not side:
        return CANNOT_TELL
    way = "higher" if side == "above" else "lower"
    return way if better is None else "better" if way == better else "worse"


def on_these_rows(verdict: str) -> str:
    """Return a verdict on the seeds as one on these rows, whose splits the seeds are; other words stay.

    Example:
        >>> on_these_rows("better"), on_these_rows("cannot tell")
        ('better on these rows', 'cannot tell')
    """
    return f"{verdict}{ON_THESE_ROWS}" if verdict in SIDES else verdict
