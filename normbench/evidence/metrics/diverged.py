"""What is read off a diverged run is marked as such, and counts as the worst of all runs it is compared with.

The rules are in docs/methods.md, "5. Diverged runs".
"""

import math
from collections.abc import Mapping, Sequence

from normbench.evidence.metrics.directions import better_way
from normbench.storage.run_folder import Run
from normbench.storage.run_status import RunStatus


class Diverged(float):
    """A number read off a diverged run: a comparison never counts it as better than what it is compared with."""


def is_diverged(run: Run) -> bool:
    """Return whether a run ended because its numbers became infinite."""
    return run.summary.get("status") == RunStatus.DIVERGED


def as_bad_as_any(metric: str, arms: Sequence[Mapping[int, float]]) -> list[dict[int, float]]:
    """Count every diverged run of some arms as the worst of all their runs, so that none is better than another.

    Args:
        metric: What was read.
        arms: By seed; left as it is where neither way is better.

    Example:
        >>> as_bad_as_any("test_loss", [{0: Diverged(2.0), 1: 0.5}, {0: 3.0, 1: 0.4}])
        [{0: 3.0, 1: 0.5}, {0: 3.0, 1: 0.4}]
    """
    if better_way(metric) is None:
        return [dict(arm) for arm in arms]
    values = [value for arm in arms for value in arm.values() if not math.isnan(value)]
    worst = (min if better_way(metric) == "higher" else max)(values, default=math.nan)
    return [{seed: worst if _is_known_to_be_bad(value) else value for seed, value in arm.items()} for arm in arms]


def _is_known_to_be_bad(value: float) -> bool:
    return isinstance(value, Diverged) and not math.isnan(value)
