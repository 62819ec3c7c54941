"""RunHooks: the callbacks of a run while it is made; none of them changes its numbers."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

CHECKPOINT_S = 30.0
"""Seconds between two checkpoints; a run that is shorter saves none and is made again after an interruption."""


@dataclass(frozen=True)
class RunHooks:
    """The callbacks of a run while it is made; none of them changes its numbers.

    Attributes:
        owned: Context manager around each published file; raises if another process has taken the folder over.
        checkpoint_s: Seconds between two checkpoints.
        report_step: Gets the number of updates made and to make, a few times a second.
        should_stop: Called after each update; if it returns true, the run is saved and raises ``Interrupted``.
        note: Gets lines for the user, such as about a damaged checkpoint.
    """

    owned: Callable[[], AbstractContextManager[None]] = nullcontext
    checkpoint_s: float = CHECKPOINT_S
    report_step: Callable[[int, int], None] = lambda *_: None
    should_stop: Callable[[], bool] = lambda: False
    note: Callable[[str], None] = lambda _: None
