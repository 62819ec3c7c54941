"""Takes verdict and p from a tested expectation of which nothing can be said, and leaves it its numbers."""

from dataclasses import replace

from normbench.evidence.claims.margin_test import ExpectationResult
from normbench.evidence.claims.words import CANNOT_TELL
from normbench.evidence.statistics.pooled_effect import NOT_JUDGED


def untold(part: ExpectationResult) -> ExpectationResult:
    """Return a tested expectation without verdict and p, of all tasks together and of each."""
    by_task = [replace(task, verdict=CANNOT_TELL, p_corrected=1.0) for task in part.by_task]
    others = part.other_tasks and replace(part.other_tasks, verdict=NOT_JUDGED, p_corrected=1.0)
    found = replace(part, verdict=CANNOT_TELL, p=1.0, p_corrected=1.0, seeds_needed=None)
    return replace(found, by_task=by_task, other_tasks=others)
