"""Chooses the steps between two recorded rows at which weights and gradients get histograms, too."""

import math

FEWEST_SLICES = 20
"""Histograms of a tensor over a run, below which their change over time cannot be seen."""


def steps_between(every_steps: int, num_steps: int) -> frozenset[int]:
    """Return how many steps after a row further histograms are taken, so that a run has 20 or more.

    Nothing else is measured there: rows, and what is read from them, stay as they are.

    Example:
        >>> [sorted(steps_between(every, 2000)) for every in (100, 200, 400)]
        [[], [100], [100, 200, 300]]
    """
    span = min(every_steps, num_steps)
    if not span:
        return frozenset()
    parts = min(math.ceil(FEWEST_SLICES / (num_steps // span)), span)
    return frozenset(part * span // parts for part in range(1, parts))
