"""OptimizerSpec: build(groups, lr) -> torch optimizer."""

from abc import abstractmethod
from typing import Any, ClassVar

from pydantic import Field
from torch.optim import Optimizer

from normbench.parts import Spec


class OptimizerSpec(Spec):
    """What YAML says about an optimizer; ``weight_decay`` is a setting of the run, its kind is the optimizer's."""

    decay_kind: ClassVar[str]
    """``L2`` adds weight_decay * w to the gradient; ``decoupled`` shrinks w by lr * weight_decay beside the step."""

    lr: float = Field(gt=0)

    @abstractmethod
    def build(self, groups: list[dict[str, Any]], lr: float) -> Optimizer:
        """Make the optimizer for parameter groups that carry their own ``weight_decay``.

        Args:
            groups: As torch takes them, each with ``params`` and ``weight_decay``.
            lr: The step size in use: the spec's, scaled by the batch size where the run asks for that.
        """
