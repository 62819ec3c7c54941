"""The variance of the fitted curve over a setting, such as training sets; the mean of all its points, unbiased."""

from normbench.evidence.metrics.fitted_curves import final_curves
from normbench.evidence.metrics.group_reducers.base import Group, GroupReducer
from normbench.evidence.statistics.means import mean_of, sample_std


class CurveVarianceOver(GroupReducer):
    """How much what is learned depends on the training set."""

    takes_metric = False
    chooses = False

    def read(self, group: Group) -> float:
        """Return the mean over the grid of the sample variance (n - 1) of the fits."""
        return mean_of(sample_std(points) ** 2 for points in zip(*final_curves(group.runs), strict=True))
