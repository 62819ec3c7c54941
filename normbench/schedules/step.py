"""Step: the learning rate is multiplied by a factor at certain steps."""

from typing import Annotated, Literal

from pydantic import Field

from normbench.parts import MAX_ENTRIES
from normbench.schedules.base import ScheduleSpec

Milestone = Annotated[float, Field(gt=0, lt=1)]


class StepSpec(ScheduleSpec):
    """Multiplies the learning rate by ``factor`` at each of ``milestones``; by default as He et al., 2016, on CIFAR."""

    name: Literal["step"] = "step"
    milestones: Annotated[tuple[Milestone, ...], Field(strict=False, min_length=1, max_length=MAX_ENTRIES)] = Field(
        (0.5, 0.75), examples=[[0.3, 0.6, 0.9]]
    )
    """Where the learning rate falls, as shares of all steps, each above 0 and below 1: 0.5 is half-way."""
    factor: float = Field(0.1, gt=0, lt=1, examples=[0.2])
    """What the learning rate is multiplied by there, above 0 and below 1."""

    def after_warmup(self, step: int, num_steps: int) -> float:
        """Return factor to the power of the number of milestones passed."""
        return self.factor ** sum(step >= round(milestone * num_steps) for milestone in self.milestones)
