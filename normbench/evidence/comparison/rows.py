"""One arm of a comparison: each metric over its seeds as mean, std and 95 % interval, beside its settings."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from normbench.evidence.comparison.collapses import BY_TASK, CollapseRule, collapsed_seeds
from normbench.evidence.comparison.pair_effects import ArmValues
from normbench.evidence.comparison.split_data import SplitData, read_split_data
from normbench.evidence.metrics.bounded import bounded_values
from normbench.evidence.metrics.diverged import Diverged, is_diverged
from normbench.evidence.metrics.run_metrics import read_metrics
from normbench.evidence.metrics.scales import mean_interval, num_samples_of
from normbench.evidence.statistics.means import mean_of, sample_std
from normbench.evidence.statistics.paired_effect import Effect
from normbench.evidence.statistics.verdicts.collapse import Collapses, count_collapses
from normbench.evidence.statistics.verdicts.sign_test import clopper_pearson
from normbench.storage.arm_id import ArmEntry, LabelledArm
from normbench.storage.run_folder import Arm


@dataclass(frozen=True)
class SeedSummary:
    """Mean, std and 95 % interval of one metric over an arm's seeds.

    Attributes:
        values: The metric's value for each seed.
        n: Number of seeds.
        mean: Mean of the values.
        std: Sample standard deviation (n - 1) of the values; None with one seed.
        low: Lower end of the mean's 95 % interval; None where there is none, as with one seed. See ``mean_interval``.
        high: Upper end of the interval.
        num_diverged: Number of values that were read off runs that diverged, and say only how bad these count.
    """

    values: tuple[float, ...]
    n: int
    mean: float
    std: float | None = None
    low: float | None = None
    high: float | None = None
    num_diverged: int = 0

    @classmethod
    def of(cls, values: Sequence[float], metric: str, num_samples: int | None = None) -> "SeedSummary":
        """Summarize the values of an arm's seeds; ``num_samples`` as in ``mean_interval``."""
        n = len(values)
        mean = mean_of(values)
        num_diverged = sum(isinstance(value, Diverged) for value in values)
        if n < 2 or not all(map(math.isfinite, values)):
            return cls(tuple(values), n, mean, num_diverged=num_diverged)
        ends = mean_interval(metric, values, num_samples)
        low, high = ends if all(map(math.isfinite, ends)) else (None, None)
        return cls(tuple(values), n, mean, sample_std(values), low, high, num_diverged)


@dataclass(frozen=True)
class Row:
    """One arm in a comparison.

    Attributes:
        arm: The arm's label.
        settings: Every setting under a dotted key.
        seeds: Seeds with a finished run.
        num_diverged: Number of its runs that diverged.
        figures: The summary of each metric.
        num_parameters: Number of the model's parameters.
        cpu_ms_per_step: CPU milliseconds per step, mean over seeds.
        quote: Text of a document about the arm.
        effect: Effect on the first metric against the baseline.
        folder: The arm's folder.
        missing_seeds: Seeds of the study, or of another arm, without a finished run here.
        name: The arm's name under ``arms:``; "" where it has none.
        sets: Values that a grid sets, by full key.
        tuned: Keys whose values tuning chose.
        num_collapsed: Number of its runs that collapsed; those that diverged are among them.
        collapsed_seeds: Seeds of these runs.
        collapse_rate: 95 % interval of the share of runs that collapse (Clopper and Pearson, 1934).
        collapses: The collapsed runs of the arm and of its baseline, over the seeds of both.
        total_steps: Number of optimizer steps of a run.
        data: Its finite data and their splits; None where each seed draws new data.
        bounded: Of finite data each metric's values with failed runs at the constant predictor's; else empty.
    """

    arm: str
    settings: Mapping[str, Any]
    seeds: tuple[int, ...]
    num_diverged: int
    figures: Mapping[str, SeedSummary]
    num_parameters: int
    cpu_ms_per_step: float | None
    quote: str = ""
    effect: Effect | None = None
    folder: str = ""
    missing_seeds: tuple[int, ...] = ()
    name: str = ""
    sets: Mapping[str, Any] = field(default_factory=dict)
    tuned: Sequence[str] = ()
    num_collapsed: int = 0
    collapsed_seeds: tuple[int, ...] = ()
    collapse_rate: tuple[float, float] | None = None
    collapses: Collapses | None = None
    total_steps: int | None = None
    data: SplitData | None = None
    bounded: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @cached_property
    def labelled(self) -> LabelledArm:
        """The arm as selectors choose from: its label, its id and the values that a grid sets in it."""
        return ArmEntry(self.arm, self.name, self.sets, self.tuned).with_settings(self.settings)

    @property
    def is_tuned(self) -> bool:
        """Whether tuning chose some of its values."""
        return bool(self.tuned)

    def values_of(self, metric: str) -> ArmValues:
        """Return its value of a metric for each seed, also with failed runs bounded, and its data."""
        by_seed = dict(zip(self.seeds, self.figures[metric].values, strict=True))
        bounded = dict(zip(self.seeds, self.bounded[metric], strict=True)) if self.data else {}
        return ArmValues(by_seed, bounded, self.data)


def read_row(arm: Arm, metrics: Sequence[str], quote: str, seeds: set[int], rule: CollapseRule = BY_TASK) -> Row:
    """Read the row of one arm; ``seeds`` are all seeds of the comparison."""
    collapsed = collapsed_seeds(arm.runs, rule)
    values = [read_metrics(run, metrics) for run in arm.runs]
    data = read_split_data(arm)
    by_metric = {metric: [found[metric] for found in values] for metric in metrics}
    costs = [cost for run in arm.runs if (cost := run.environment.get("cpu_s_per_step")) is not None]
    return Row(
        arm=arm.name,
        settings=arm.settings,
        seeds=arm.seeds,
        num_diverged=sum(is_diverged(run) for run in arm.runs),
        figures={metric: _figure(metric, arm, found) for metric, found in by_metric.items()},
        num_parameters=arm.runs[0].summary["num_parameters"],
        cpu_ms_per_step=1000 * mean_of(costs) if costs else None,
        quote=quote,
        folder=str(arm.folder),
        missing_seeds=tuple(sorted(seeds.difference(arm.seeds))),
        name=arm.labelled.id.name,
        sets=arm.labelled.sets,
        tuned=tuple(sorted(arm.labelled.id.tuned)),
        num_collapsed=len(collapsed),
        collapsed_seeds=collapsed,
        total_steps=arm.runs[0].summary["total_steps"],
        collapse_rate=None if rule.is_quick else clopper_pearson(len(collapsed), len(arm.runs)),
        data=data,
        bounded={metric: _bounded(metric, arm, found, collapsed) for metric, found in by_metric.items() if data},
    )


def _bounded(metric: str, arm: Arm, values: Sequence[float], collapsed: Sequence[int]) -> tuple[float, ...]:
    by_seed = dict(zip(arm.seeds, values, strict=True))
    return tuple(bounded_values(arm.runs, metric, by_seed, frozenset(collapsed)).values())


def _figure(metric: str, arm: Arm, values: Sequence[float]) -> SeedSummary:
    return SeedSummary.of(values, metric, num_samples_of(metric, arm.runs[0].summary))


def count_row_collapses(row: Row, baseline: Row) -> Collapses | None:
    """Count the collapses of an arm and its baseline over the seeds of both; None where no collapse is judged."""
    seeds = sorted(set(row.seeds).intersection(baseline.seeds))
    if not seeds or row.collapse_rate is None:
        return None
    collapsed = [frozenset(arm.collapsed_seeds) for arm in (row, baseline)]
    return count_collapses(*([seed in of_arm for seed in seeds] for of_arm in collapsed))
