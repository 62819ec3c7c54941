"""The largest value of a setting up to which all runs are stable; half the smallest if none is."""

import math

from normbench.evidence.metrics.diverged import is_diverged
from normbench.evidence.metrics.group_reducers.base import Group, GroupReducer
from normbench.storage.run_folder import Run


class LargestStable(GroupReducer):
    """How far a learning rate can be raised."""

    takes_metric = False

    def read(self, group: Group) -> float:
        """Return the setting before the first unstable one."""
        ordered = sorted(zip(group.settings, group.runs, strict=True), key=lambda pair: pair[0])
        largest = ordered[0][0] / 2
        for setting, run in ordered:
            if not _is_stable(run, group):
                break
            largest = setting
        return largest


def _is_stable(run: Run, group: Group) -> bool:
    """Return whether a run neither diverged nor ended no better than the constant predictor on its training data."""
    constant = run.summary.get("constant_predictor", {}).get("train_loss")
    bound = math.inf if constant is None else constant
    return not is_diverged(run) and group.read(run, "train_loss") < bound
