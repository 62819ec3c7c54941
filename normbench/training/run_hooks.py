"""RunHooks: what a run asks and reports while it is made, which decides nothing about its numbers."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

CHECKPOINT_S = 30.0
"""Between two checkpoints, so that a run shorter than that pays nothing and is simply made again."""


@dataclass(frozen=True)
class RunHooks:
    """What a run asks and reports while it is made; none of it changes its numbers.

    Attributes:
        owned: Context manager that raises where the folder is not this run's any more; around each published file.
        checkpoint_s: Seconds between two checkpoints.
        report_step: Gets the updates made and those to make, a few times a second.
        should_stop: Asked after each update; true saves the run and raises ``Interrupted``.
        note: Gets a line for the user about how the run went.
    """

    owned: Callable[[], AbstractContextManager[None]] = nullcontext
    checkpoint_s: float = CHECKPOINT_S
    report_step: Callable[[int, int], None] = lambda *_: None
    should_stop: Callable[[], bool] = lambda: False
    note: Callable[[str], None] = lambda _: None
