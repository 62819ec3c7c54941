"""Checks collapse: the limit on a run's last loss or accuracy beyond which it counts as collapsed."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from normbench.datasets.base import OF_NUMBERS
from normbench.errors import ConfigError, known_names
from normbench.evidence.comparison.collapses import MASK_METRICS, METRICS, SPLITS, limit_word, may_judge
from normbench.storage.files.located import Located
from normbench.storage.own_metric import own_metric_of
from normbench.study.config import RunConfig

KEYS = ("metric", "below", "above")
_METRICS_OF_TASK = {
    "classification": METRICS,
    "segmentation": (*METRICS, *MASK_METRICS),
    "signal": (),
} | dict.fromkeys(OF_NUMBERS, tuple(metric for metric in METRICS if metric.endswith("loss")))


def check_collapse(located: Located) -> None:
    """Check the value under ``collapse:`` by itself.

    Raises:
        ConfigError: Every mistake in it, one line each.
    """
    given = located.data.get("collapse")
    complaints = [] if given is None or given is False else list(_complaints(given))
    if complaints:
        raise ConfigError([f"{_place(located, key)}: {key}: {text}" for key, text in complaints])


def refuse_unrecorded_metric(given: Any, configs: Mapping[str, RunConfig], located: Located) -> None:
    """Refuse a metric that the runs of some arm do not record.

    Raises:
        ConfigError: With the metrics that they do.
    """
    for arm, config in configs.items() if given else ():
        own = tuple(f"{split}_{config.metric.name}" for split in SPLITS if config.metric)
        known, of = (*_METRICS_OF_TASK[config.dataset.task], *own), f"{config.dataset.name} (arm {arm})"
        if given["metric"] not in known:
            rule = f"must be recorded for {of}" if known else f"must not be given for {of}"
            way_out = known_names(given["metric"], known) if known else "It has no targets: leave collapse out."
            place = _place(located, "collapse.metric")
            raise ConfigError([f"{place}: collapse.metric: {rule}, got {given['metric']!r}. {way_out}"])


def _place(located: Located, key: str) -> str:
    return located.place(tuple(key.split(".")))


def _complaints(given: Any) -> Iterator[tuple[str, str]]:
    """Yield the key and the text of each mistake."""
    if not isinstance(given, Mapping):
        rule = "must be false, or a mapping of metric and below or above"
        yield "collapse", f"{rule}, got {given!r:.60}. {_example()}"
        return
    for key in given:
        if key not in KEYS:
            yield f"collapse.{key}", f"must be a key of collapse, got {key!r}. {known_names(key, KEYS, 'Keys')}"
    metric = given.get("metric")
    if not may_judge(metric):
        is_said = "metric" in given
        listed = known_names(metric, METRICS, hint="" if is_said else "Add it.")
        yield "collapse.metric", f"must be a known name, got {f'{metric!r:.60}' if is_said else 'nothing'}. {listed}"
    yield from _limit_complaints(given, limit_word(str(metric)) if may_judge(metric) else "")


def _limit_complaints(given: Mapping[str, Any], word: str) -> Iterator[tuple[str, str]]:
    """Yield the mistakes in the limit; ``word`` is the key that the metric takes, "" where that is not known."""
    found = [key for key in ("below", "above") if key in given]
    if not found:
        yield "collapse", f"must hold {word or 'below or above'}, the limit, got {given!r:.60}. {_example(word)}"
    for key in found:
        if word and key != word:
            better = "higher" if word == "below" else "lower"
            rule = f"must be {word} for {given['metric']}, of which {better} is better"
            yield f"collapse.{key}", f"{rule}, got {key}. {_example(word)}"
        elif not _is_limit(given[key], key, given.get("metric")):
            bounds = " above 0" + ", at most 1, as accuracies are" * (key == "below")
            rule = "must be a number" + bounds * (not _has_any_value(given.get("metric")))
            yield f"collapse.{key}", f"{rule}, got {given[key]!r:.60}. {_example(key)}"


def _is_limit(value: Any, key: str, metric: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return is_number and (_has_any_value(metric) or 0 < value <= (1 if key == "below" else math.inf))


def _has_any_value(metric: Any) -> bool:
    """Return whether a metric is one of the user's own that is no share."""
    own = own_metric_of(str(metric))
    return own is not None and not own.is_share


def _example(word: str = "") -> str:
    limit = "train_loss, above: 1.0" if word == "above" else "train_accuracy, below: 0.5"
    return f"Example: collapse: {{metric: {limit}}}"
