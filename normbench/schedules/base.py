"""ScheduleSpec: the base class of schedules, whose ``build`` returns each step's share of the learning rate."""

from abc import abstractmethod
from collections.abc import Callable

from pydantic import Field

from normbench.parts import Spec

ShareOfStep = Callable[[int], float]
"""From a step, 0 for the first, to its learning rate as a share of the highest one."""


class ScheduleSpec(Spec):
    """The settings of a schedule in YAML; what it gives depends on step and number of steps alone.

    The highest learning rate, the peak, is ``optimizer.lr``. While the first ``warmup`` steps are made it grows in a
    straight line, step s has (s + 1) / (warmup + 1) of it (Goyal et al., Accurate, Large Minibatch SGD, 2017).
    """

    warmup: int = Field(0, ge=0, examples=[100])
    """Steps in which the learning rate grows to its peak, optimizer.lr, before the schedule begins; >= 0."""

    def build(self, num_steps: int) -> ShareOfStep:
        """Return the function from a step to its share of the peak, for a run of this many steps."""

        def share(step: int) -> float:
            return (step + 1) / (self.warmup + 1) if step < self.warmup else self.after_warmup(step, num_steps)

        return share

    @abstractmethod
    def after_warmup(self, step: int, num_steps: int) -> float:
        """Return the share of the peak at a step after the warmup, between 0 and 1.

        Args:
            step: Number of steps made before it, ``warmup`` or more.
            num_steps: Steps of the whole run, more than ``warmup``.
        """
