"""What is read off a diverged run: the worst that it or the constant predictor shows, never what preceded its end."""

import math
from collections.abc import Mapping, Sequence

from normbench.evidence.metrics.columns import Steps, plain_column
from normbench.evidence.metrics.directions import better_way, direction
from normbench.storage.run_folder import Run
from normbench.storage.run_status import RunStatus


class Diverged(float):
    """A number read off a diverged run: a comparison never counts it as better than what it is compared with."""


def is_diverged(run: Run) -> bool:
    """Return whether a run ended because its numbers became infinite."""
    return run.summary.get("status") == RunStatus.DIVERGED


def read_diverged(run: Run, words: Sequence[str], column: str, steps: Steps) -> Diverged:
    """Return what a metric of a diverged run counts as.

    At its end a run counts as the constant predictor, or as its last finite value if that is worse. What reads other
    steps counts as the worst of all that was recorded. It never got to any value, and where neither way is better
    there is no worst: nan.

    Args:
        run: A diverged run.
        words: What stands before the column: ``best``, ``max_after 10``, nothing ...
        column: What is read.
        steps: Its values.
    """
    if words[:1] == ["steps_to"]:
        return Diverged(run.summary["total_steps"])
    if direction(column) is None:
        return Diverged(math.nan)
    finite = [value for _, value in steps if math.isfinite(value)]
    worst = _worst(column, [*(finite[-1:] if words in ([], ["last"]) else finite), *_constant(run, column)])
    if words == ["change"]:
        return Diverged(worst / finite[0] if finite and finite[0] else math.nan)
    return Diverged(worst)


def _constant(run: Run, column: str) -> list[float]:
    plain = "train_loss" if column.startswith("batch_loss") else plain_column(column)
    found = run.summary.get("constant_predictor", {}).get(plain)
    return [float(found)] if found is not None else []


def _worst(metric: str, values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return (min if better_way(metric) == "higher" else max)(known, default=math.nan)


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
    worst = _worst(metric, [value for arm in arms for value in arm.values()])
    return [{seed: worst if _is_known_to_be_bad(value) else value for seed, value in arm.items()} for arm in arms]


def _is_known_to_be_bad(value: float) -> bool:
    return isinstance(value, Diverged) and not math.isnan(value)
