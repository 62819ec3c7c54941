"""The largest less the smallest over a setting; the largest over the smallest where effects are ratios."""

import math

from normbench.evidence.metrics.group_reducers.base import Group, GroupReducer


class RangeOver(GroupReducer):
    """How much a setting matters."""

    is_setting = False

    def read(self, group: Group) -> float:
        """Return max - min or max / min; nan where a value is not finite, or no size."""
        values = group.values
        if not all(map(math.isfinite, values)):
            return math.nan
        low, high = min(values), max(values)
        if group.is_ratio:
            return high / low if low > 0 else math.nan
        return high - low

    def is_ratio(self, of_metric: bool) -> bool:
        """Return what the metric is compared by."""
        return of_metric
