"""One number per seed read over several arms, or over all seeds of one."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from normbench.errors import ComparisonError
from normbench.evidence.metrics.directions import direction
from normbench.evidence.metrics.fitted_curves import final_curves, truth_of
from normbench.evidence.metrics.group_reducers.base import (
    Group,
    GroupReducer,
    find_group_reducers,
    unfinished_group_reducers,
)
from normbench.evidence.metrics.run_metrics import read_metrics
from normbench.evidence.metrics.scales import is_share
from normbench.evidence.statistics.means import mean_of
from normbench.storage.run_folder import Arm, Run

BySeed = Mapping[int, float]
CURVE_METRICS = ("bias2 curve", "variance curve")


def is_group_metric(metric: str) -> bool:
    """Return whether the metric is read over a group of arms, not off one."""
    word = (metric.split() or [""])[0]
    return word in find_group_reducers() or word in unfinished_group_reducers()


def chooses_runs(metric: str) -> bool:
    """Return whether the metric chooses among the runs of a group, so that collapsed ones leave it its meaning."""
    kind = find_group_reducers().get((metric.split() or [""])[0])
    return is_group_metric(metric) and (kind is None or kind.chooses)


def is_of_settings(metric: str) -> bool:
    """Return whether a metric of several arms is a value of their setting, as ``argbest`` is, and not of a metric."""
    kind = find_group_reducers().get((metric.split() or [""])[0])
    return kind is not None and kind.is_setting


def read_metric(run: Run, metric: str) -> float:
    """Return one metric of a run, as ``read_metrics`` takes it."""
    return read_metrics(run, [metric])[metric]


def read_by_seed(arms: Sequence[Arm], metric: str, read: Callable[[Run, str], float] = read_metric) -> dict[int, float]:
    """Return a metric's value for each seed that all the arms have.

    Args:
        arms: One, or for a group metric several.
        metric: As ``read_metrics`` takes it, or of several arms, or one of CURVE_METRICS.
        read: Reads a metric off a run.

    Raises:
        ComparisonError: The metric means nothing.
        RunFolderError: A file is missing or was changed.
    """
    if metric in CURVE_METRICS:
        return _curve_shares(arms[0].runs, metric)
    if not is_group_metric(metric):
        return {run.seed: read(run, metric) for run in arms[0].runs}
    reducer, key, plain = _group_words(metric)
    settings, way, share = settings_along(arms, key), direction(plain), is_share(plain)
    _check_lines(reducer, settings, key, metric)
    seeds = sorted(set.intersection(*(set(arm.seeds) for arm in arms)))
    runs = [{run.seed: run for run in arm.runs} for arm in arms]
    return {seed: reducer.read(Group([of[seed] for of in runs], settings, plain, way, share, read)) for seed in seeds}


def plain_metric(metric: str) -> str:
    """Return what is read off each run; nothing where it is known to be there."""
    if metric in CURVE_METRICS:
        return ""
    return " ".join(metric.split()[2:]) if is_group_metric(metric) else metric


def settings_along(arms: Sequence[Arm], key: str) -> list[float]:
    """Return each arm's value of a setting.

    Raises:
        ComparisonError: Not a number in each, or the same in all.
    """
    values = [arm.labelled.id.settings.get(key) for arm in arms]
    numbers = [float(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < len(arms) or len(set(numbers)) < 2:
        shown = ", ".join(dict.fromkeys(str(value) for value in values))
        raise ComparisonError(f"{key}: must be a setting whose number differs between the arms, got {shown}.")
    return numbers


def _check_lines(reducer: GroupReducer, settings: Sequence[float], key: str, metric: str) -> None:
    """Refuse a group that has not as many arms at each value of the setting as the reducer compares.

    Raises:
        ComparisonError: Which value has another number of arms.
    """
    wrong = [pair for pair in sorted(Counter(settings).items()) if pair[1] != reducer.num_lines]
    if reducer.num_lines > 1 and wrong:
        setting, count = wrong[0]
        rule = f"must have {reducer.num_lines} arms at each value of {key}"
        raise ComparisonError(f"metric {metric}: {rule}, got {count} at {setting:g}. Name other arms.")


def _group_words(metric: str) -> tuple[GroupReducer, str, str]:
    """Return the reducer, the key and the metric of each run that a group metric names."""
    word, *rest = metric.split()
    if word in unfinished_group_reducers():
        raise ComparisonError(
            f"metric {metric}: must be a finished word, got {word!r}. {unfinished_group_reducers()[word]}"
        )
    kind = find_group_reducers()[word]
    if len(rest) > 1 if kind.takes_metric else len(rest) == 1:
        return kind(), rest[0], " ".join(rest[1:])
    raise ComparisonError(f"metric {metric}: must be {kind.usage()}, got {metric!r}. Add its words.")


def _curve_shares(runs: Sequence[Run], metric: str) -> dict[int, float]:
    """Return each seed's contribution to bias^2 or variance of the fitted curve, averaged over the grid.

    Each contribution compares one fit with the mean of the others, so that their mean over n fits is unbiased:
    variance is the sample variance (n - 1), bias^2 the product of deviations of different fits from the truth.
    """
    if len(runs) < 2:
        return {run.seed: math.nan for run in runs}
    truth, n = truth_of(runs[0]), len(runs)
    curves = dict(zip((run.seed for run in runs), final_curves(runs), strict=True))
    means = [mean_of(points) for points in zip(*curves.values(), strict=True)]
    shares = {}
    for seed, curve in curves.items():
        others = [(n * mean - y) / (n - 1) for mean, y in zip(means, curve, strict=True)]
        if metric == "bias2 curve":
            parts = [(y - f) * (other - f) for y, other, f in zip(curve, others, truth, strict=True)]
        else:
            parts = [(y - mean) * (y - mean) * n / (n - 1) for y, mean in zip(curve, means, strict=True)]
        shares[seed] = mean_of(parts)
    return shares
