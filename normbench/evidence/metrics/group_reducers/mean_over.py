"""The mean over a setting; the worst possible where one of the runs diverged."""

from normbench.evidence.metrics.diverged import Diverged
from normbench.evidence.metrics.group_reducers.base import Group, GroupReducer
from normbench.evidence.statistics.means import mean_of


class MeanOver(GroupReducer):
    """What a seed's runs come to together."""

    is_setting = False
    chooses = False

    def read(self, group: Group) -> float:
        """Return the mean; of a run that diverged what it counts as."""
        values = group.values
        lost = [value for value in values if isinstance(value, Diverged)]
        return lost[0] if lost else mean_of(values)

    def is_ratio(self, of_metric: bool) -> bool:
        """Return what the metric is compared by."""
        return of_metric
