"""Judges the trends of a table by settings; on finite data from splits, about new data.

The rules are in docs/methods.md, "4. Verdicts of a comparison" and "10. Finite data".
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from normbench.evidence.comparison.pair_effects import ArmValues
from normbench.evidence.comparison.split_data import new_data_plan
from normbench.evidence.metrics.differences import comparable_values
from normbench.evidence.statistics.seed_plan import SeedPlan
from normbench.evidence.statistics.sweeps import Trend, judge_trends, measure_trend
from normbench.evidence.statistics.verdict_words import on_these_rows


@dataclass(frozen=True)
class Along:
    """Arms along a numeric setting.

    Attributes:
        metric: What is read off them.
        key: The setting.
        places: Its value in each arm.
        arms: The values of two arms or more.
    """

    metric: str
    key: str
    places: Sequence[float]
    arms: Sequence[ArmValues]


def judged_trends(alongs: Sequence[Along], plan: SeedPlan) -> list[Trend]:
    """Return the trend along each line of a table with its verdict, p corrected over the lines.

    On finite data it is about new data; where nothing can be said of these, about these rows.
    """
    news = [new_data_plan([arm.data for arm in along.arms], [along.metric], plan) for along in alongs]
    found = [_measured(along, is_new=new is not None) for along, new in zip(alongs, news, strict=True)]
    judged = judge_trends(found, [new or plan for new in news])
    return [_worded(trend, along) for trend, along in zip(judged, alongs, strict=True)]


def _measured(along: Along, *, is_new: bool) -> Trend:
    by_seed = [arm.bounded if is_new else arm.by_seed for arm in along.arms]
    values, _ = comparable_values(along.metric, by_seed)
    return measure_trend(along.key, along.places, values)


def _worded(trend: Trend, along: Along) -> Trend:
    is_of_rows = trend.rule.kind != "new data" and any(arm.data for arm in along.arms)
    return replace(trend, verdict=on_these_rows(trend.verdict)) if is_of_rows else trend
