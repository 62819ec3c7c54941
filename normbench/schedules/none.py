"""None: the learning rate stays the same."""

from typing import Literal

from normbench.schedules.base import ScheduleSpec


class NoneSpec(ScheduleSpec):
    """The same learning rate at every step, after ``warmup`` if that is given."""

    name: Literal["none"] = "none"

    def after_warmup(self, step: int, num_steps: int) -> float:
        """Return 1."""
        return 1.0
