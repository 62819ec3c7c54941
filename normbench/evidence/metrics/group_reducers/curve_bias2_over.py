"""The squared bias of the fitted curve's mean over a setting, against the true line; unbiased, so it can be below 0."""

from normbench.evidence.metrics.fitted_curves import final_curves, truth_of
from normbench.evidence.metrics.group_reducers.base import Group, GroupReducer
from normbench.evidence.statistics.means import mean_of, sample_std


class CurveBias2Over(GroupReducer):
    """How far what is learned from many training sets lies from the truth on average."""

    takes_metric = False
    chooses = False

    def read(self, group: Group) -> float:
        """Return the mean over the grid of (mean of n fits - truth)^2 less their variance / n."""
        at_points = zip(zip(*final_curves(group.runs), strict=True), truth_of(group.runs[0]), strict=True)
        n = len(group.runs)
        return mean_of((mean_of(fits) - true) ** 2 - sample_std(fits) ** 2 / n for fits, true in at_points)

    def is_ratio(self, of_metric: bool) -> bool:
        """Return False: it may be 0, or be found below it."""
        return False
