"""Cosine: the learning rate falls along half a cosine, slowly at first and at the end."""

import math
from typing import Literal

from pydantic import Field

from normbench.schedules.base import ScheduleSpec


class CosineSpec(ScheduleSpec):
    """Falls to ``final`` of the peak along half a cosine, without restarts (Loshchilov and Hutter, SGDR, 2017)."""

    name: Literal["cosine"] = "cosine"
    final: float = Field(0.0, ge=0, le=1, examples=[0.01])
    """What the learning rate falls to, as a share of its peak, 0 to 1: where the step after the last one would be."""

    def after_warmup(self, step: int, num_steps: int) -> float:
        """Return final + (1 - final) (1 + cos(pi p)) / 2, p the share of the steps after the warmup that are made."""
        made = (step - self.warmup) / (num_steps - self.warmup)
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * made)) / 2
