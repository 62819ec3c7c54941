"""Makes the runs of a study check by check, until a check decides or a later one hardly could."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from normbench.evidence.claims.decision import Outcome

if TYPE_CHECKING:
    from normbench.scheduling.studies import StudyRun

Judge = Callable[[Path, Sequence[int], Sequence[int]], Outcome]
"""Judges the runs in a study's folder of the seeds up to a check; gets the numbers of seeds of all checks, too."""


@dataclass(frozen=True)
class End:
    """Why no more seeds were added.

    Attributes:
        why: What the last check found, or "failed" where runs failed before it.
        after: Number of seeds at the end.
        last: Number of seeds at the last check.
    """

    why: Outcome | Literal["failed"]
    after: int
    last: int


def run_checks(
    check_after: Sequence[int],
    make_runs: Callable[[int, int], "StudyRun"],
    judge: Callable[[int], Outcome],
) -> tuple["StudyRun", End]:
    """Make the runs up to one check after the other.

    Args:
        check_after: Numbers of seeds after which checks are planned.
        make_runs: Makes the runs of the first n seeds, of which some were made for the check before.
        judge: Judges the first n seeds.
    """
    made, last = 0, check_after[-1]
    for count in check_after:
        run = make_runs(count, made)
        if run.failures:
            return run, End("failed", count, last)
        outcome = judge(count)
        if outcome != "open":
            break
        made = count
    return run, End(outcome, count, last)
