"""The values that tuning tries for an arm: their combinations, each with its config, and lists that are widened."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from pydantic import ValidationError

from normbench.errors import ConfigError
from normbench.own_code.source_folder import reading_from
from normbench.storage.files.located import Located
from normbench.study.config import RunConfig
from normbench.study.contradictions import contradictions
from normbench.study.setting_groups import RecordingConfig

ValueLists = Mapping[str, Sequence[Any]]
"""Values to try, by setting."""


def with_settings(config: RunConfig, values: Mapping[str, Any]) -> RunConfig:
    """Return a config with some settings changed, by dotted key.

    Raises:
        ValidationError: A value is not allowed.
    """
    changed = Located(config.settings()).overridden(Located(dict(values)))
    with reading_from(config.folder):
        return RunConfig.model_validate(changed.data)


def tuning_config(config: RunConfig) -> RunConfig:
    """Return the config with recording reduced to the first and the last step."""
    minimal: dict[str, Any] = {"every_steps": max(1, config.total_steps), "histograms": []}
    minimal |= dict.fromkeys(RecordingConfig.switches(), False)
    return with_settings(config, {f"recording.{key}": value for key, value in minimal.items()})


def candidates_of(config: RunConfig, arm: str, lists: ValueLists) -> list[tuple[dict[str, Any], RunConfig]]:
    """Return the combinations of values that fit together, each with its config."""
    combinations = [dict(zip(lists, values, strict=True)) for values in product(*lists.values())]
    fitting = [values for values in combinations if len(lists) == 1 or _is_allowed(config, values)]
    if not fitting:
        rule = f"must hold values that fit together, got none for {arm}"
        raise ConfigError([f"tune: {', '.join(lists)}: {rule}. Tune one of them."])
    return [(values, tuning_config(with_settings(config, values))) for values in fitting]


def widen(lists: ValueLists, chosen: Mapping[str, Any], config: RunConfig) -> ValueLists | None:
    """Return the lists with one more value at each end where the choice is; None if no list can be widened."""
    wider = {key: list(values) for key, values in lists.items()}
    for key, value in chosen.items():
        beyond = _next_value(lists[key], value)
        if beyond is not None and _is_allowed(config, {**chosen, key: beyond}):
            wider[key].append(beyond)
    return wider if wider != {key: list(values) for key, values in lists.items()} else None


def _next_value(values: Sequence[Any], chosen: Any) -> float | int | None:
    """Return the next value beyond the chosen end of a list of numbers; None if the choice is not at an end or is 0.

    Example:
        >>> _next_value([0.01, 0.1, 0.3], 0.3), _next_value([0.01, 0.1, 0.3], 0.01), _next_value([0.01, 0.1, 0.3], 0.1)
        (0.9, 0.001, None)
    """
    if not is_at_end(values, chosen):
        return None
    ordered = sorted(values)
    end, neighbour = (ordered[0], ordered[1]) if chosen == ordered[0] else (ordered[-1], ordered[-2])
    if end <= 0 or neighbour <= 0:
        return None
    exact = end * end / neighbour
    beyond = max(1, round(exact)) if all(isinstance(v, int) for v in values) else float(f"{exact:.2g}")
    return None if beyond in values else beyond


def is_at_end(values: Sequence[Any], chosen: Any) -> bool:
    """Return whether a number is the lowest or highest of its list; 0 as the lowest does not count."""
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return False
    return bool(chosen == max(values) or (chosen == min(values) and chosen != 0))


def _is_allowed(config: RunConfig, values: Mapping[str, Any]) -> bool:
    try:
        return not contradictions(with_settings(config, values))
    except ValidationError:
        return False
