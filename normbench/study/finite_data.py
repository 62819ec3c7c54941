"""Refuses what a study on finite data cannot ask: checks and more than 16 seeds; and ``about:`` where data are drawn.

The rules are in docs/methods.md, "10. Finite data".
"""

from collections.abc import Iterable, Sequence
from typing import Any

from normbench.datasets.base import FiniteData
from normbench.errors import ConfigError, SettingError
from normbench.study.config import RunConfig

MAX_SPLITS = 16
"""Most seeds of a study on finite data: each is a split of the same rows."""


def refuse_checks(configs: Iterable[RunConfig], checks: Sequence[int], place: str) -> None:
    """Refuse checks after some numbers of seeds where the data are finite.

    Args:
        configs: The arms of the study.
        checks: Numbers of seeds after which checks are planned.
        place: Where they are planned: an option, or a line of the file with its key.

    Raises:
        ConfigError: With what can narrow an interval instead.
    """
    data = _finite_data(configs)
    if data and checks:
        rule = f"must not be planned {_where(data)}, got checks after {', '.join(map(str, checks))} seeds"
        raise ConfigError([f"{place}: {rule}. {_way_out(data)}"])


def refuse_many_splits(configs: Iterable[RunConfig], seeds: Sequence[int], place: str) -> None:
    """Refuse more seeds than there may be splits of finite data; ``place`` is where they are said.

    Raises:
        ConfigError: With what can narrow an interval instead.
    """
    data = _finite_data(configs)
    if data and len(seeds) > MAX_SPLITS:
        rule = f"must be at most {MAX_SPLITS} {_where(data)}, got {len(seeds)}"
        raise ConfigError([f"{place}: {rule}. {_way_out(data)}"])


def _finite_data(configs: Iterable[RunConfig]) -> FiniteData | None:
    """Return the first finite data among the arms of a study; None where each seed draws new data in all of them."""
    return next((found for config in configs if (found := config.dataset.finite)), None)


def _where(data: FiniteData) -> str:
    return f"on finite data, {data.num_rows:,} {data.unit} of which each seed is a split"


def _way_out(data: FiniteData) -> str:
    return f"More seeds cannot narrow this; more {data.unit} can."


def misplaced_about(claims: Sequence[Any], configs: Iterable[RunConfig]) -> list[SettingError]:
    """Return a mistake for each claim that says ``about:`` where each seed draws new data."""
    if _finite_data(configs):
        return []
    rule = "must stand with finite data only"
    way_out = "Leave it out: each seed draws new data, so that every verdict is about new data."
    said = [(i, claim["about"]) for i, claim in enumerate(claims) if isinstance(claim, dict) and "about" in claim]
    return [SettingError(f"claims.{i}.about", rule, about, way_out) for i, about in said]
