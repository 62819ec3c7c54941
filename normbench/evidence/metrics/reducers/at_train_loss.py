"""The value at the first recorded step whose training loss is VALUE or less; else the last."""

from normbench.evidence.metrics.reducers.base import Recorded, Reducer


class AtTrainLoss(Reducer):
    """Runs that trained at different speeds, where each has come equally far."""

    takes = "VALUE"

    def read(self, recorded: Recorded) -> float:
        """Return the column's value at that step, or at the next that has one."""
        losses = recorded.of("train_loss")
        start = next((step for step, loss in losses if loss <= self.argument), recorded.total_steps)
        return next((value for step, value in recorded.steps if step >= start), recorded.last)
