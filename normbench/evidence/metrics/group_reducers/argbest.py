"""The value of a setting whose run is best; the lowest where neither way is better."""

import math

from normbench.evidence.metrics.group_reducers.base import Group, GroupReducer


class ArgBest(GroupReducer):
    """Where the best learning rate lies."""

    def read(self, group: Group) -> float:
        """Return the setting of the best run, the smaller of two equal ones."""
        sign = -1 if group.direction == "higher" else 1
        scored = zip((sign * value for value in group.values), group.settings, strict=True)
        known = [pair for pair in scored if not math.isnan(pair[0])]
        return min(known)[1] if known else math.nan
