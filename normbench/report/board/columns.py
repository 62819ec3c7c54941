"""Chooses the columns of TensorBoard's HParams page: the metrics, and the settings in which the runs shown differ."""

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from normbench.storage.own_metric import NAME
from normbench.storage.run_folder import METRICS_CSV
from normbench.storage.scalar_tags import scalar_tag

METRICS = ("test_dice", "test_accuracy", "test_loss", "noise_free_loss", "train_loss")
"""Columns of metrics.csv that are shown where there are any, the best known first."""
HIDDEN = ("recording.", "device")
"""Settings that decide no number."""
Setting = Any


@dataclass(frozen=True)
class Columns:
    """The columns of the HParams page.

    Attributes:
        metrics: Tags of scalars, the main metric first.
        settings: Settings by dotted key with the values that occur.
    """

    metrics: Sequence[str]
    settings: Mapping[str, Sequence[Setting]]


def choose_columns(arms: Sequence[Mapping[str, Setting]], runs: Iterable[Path]) -> Columns:
    """Return the columns for arms with these settings, of which some runs' folders are given."""
    found = Counter(column for folder in runs for column in _header(folder))
    own = dict.fromkeys(f"test_{arm[NAME]}" for arm in arms if arm.get(NAME))
    metrics = [column for column in dict.fromkeys([*own, *METRICS]) if column in found]
    metrics.sort(key=found.__getitem__, reverse=True)  # first what most runs have
    return Columns([scalar_tag(column) for column in metrics], differing_settings(arms))


def differing_settings(arms: Sequence[Mapping[str, Setting]]) -> dict[str, list[Setting]]:
    """Return the settings with more than one value among the arms that have them, with these values.

    Example:
        >>> arms = [{"norm": "none", "lr": 0.1}, {"norm": "batch_norm", "norm.eps": 1e-5, "lr": 0.1}]
        >>> differing_settings(arms)
        {'norm': ['none', 'batch_norm']}
    """
    values: dict[str, dict[str, Setting]] = {}
    for arm in arms:
        for key, value in arm.items():
            if value is not None and not key.startswith(HIDDEN):
                values.setdefault(key, {}).setdefault(repr(value), value)
    return {key: list(seen.values()) for key, seen in values.items() if len(seen) > 1}


def _header(run: Path) -> list[str]:
    """Return the columns of a run's metrics, which it writes before its first step ends."""
    with suppress(OSError, UnicodeDecodeError), (run / METRICS_CSV).open(newline="", encoding="utf-8") as file:
        return next(csv.reader(file), [])
    return []
