"""Reads tune: and --tune: the values to try for each arm, each checked with every arm."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from math import prod
from typing import Any

from pydantic import ValidationError

from normbench.errors import ConfigError
from normbench.storage.arm_id import TUNED
from normbench.storage.arm_labels import tuned_label
from normbench.storage.files.located import Located
from normbench.storage.files.yaml_file import read_assignment
from normbench.study.axes import MAX_ARMS, first_repeated, flat_change
from normbench.study.complaints import complaints_about, setting_complaint
from normbench.study.config import RunConfig
from normbench.study.contradictions import contradictions
from normbench.study.fitting import fit_defaults
from normbench.study.size_limits import refuse_too_many_layers

HALF_DECADES = (0.1, 0.316, 1.0, 3.16, 10.0)
"""Factors of the values that ``--tune KEY`` tries, about a factor of 3 apart."""
_PlacedLists = dict[str, tuple[list[Any], list[str]]]
"""Values to try and the place of each, by setting."""


def read_tune(
    file_lists: Mapping[str, list[Any]] | None,
    options: Sequence[str],
    located: Located,
    arms: Mapping[str, Located],
    configs: Collection[RunConfig],
) -> dict[str, tuple[Any, ...]]:
    """Return the values to try by setting; an option replaces the list of the file.

    Args:
        file_lists: The mapping under ``tune:``.
        options: ``KEY=A,B``, or ``KEY`` alone for half decades around the first arm's value.
        located: The file.
        arms: The settings of every arm.
        configs: The same, checked.

    Raises:
        ConfigError: A value that an arm cannot take.
    """
    lists: _PlacedLists = {
        key: (list(values), _places(located, key, len(values))) for key, values in (file_lists or {}).items()
    }
    for text in options:
        key, values = _read_option(text, arms)
        lists[key] = (values, [f"--tune {text}"] * len(values))
    _refuse_too_many(lists, arms, located)
    refuse_too_many_layers(configs, _tune_place(located), sum(len(values) for values, _ in lists.values()))
    complaints = _label_clashes(arms, located) if lists else []
    complaints += [line for settings in arms.values() for line in _values_complaints(settings, lists)]
    complaints += _short_list_complaints(lists)
    if complaints:
        raise ConfigError(list(dict.fromkeys(complaints)))
    return {key: tuple(values) for key, (values, _) in lists.items()}


def _values_complaints(settings: Located, lists: _PlacedLists) -> list[str]:
    """Return what is wrong with an arm at each value of each list."""
    return [
        line
        for key, (values, places) in lists.items()
        for value, place in zip(values, places, strict=True)
        for line in _complaints(settings, key, value, place)
    ]


def _short_list_complaints(lists: _PlacedLists) -> list[str]:
    rule = "must be two different values or more"
    return [
        f"{places[0] if places else '--tune'}: {key}: {rule}, got {values}. Add one."
        for key, (values, places) in lists.items()
        if len(values) < 2 or _has_duplicates(values)
    ]


def _refuse_too_many(lists: _PlacedLists, arms: Mapping[str, Located], located: Located) -> None:
    size = len(arms) * prod(len(values) for values, _ in lists.values())
    if lists and size > MAX_ARMS:
        rule = f"must stand for at most {MAX_ARMS:,} combinations of arms and values, got {size:,}"
        raise ConfigError([f"{_tune_place(located)}: {rule}. Try fewer values."])


def _tune_place(located: Located) -> str:
    return f"{located.place(('tune',)) or '--tune'}: tune"


def _places(located: Located, key: str, size: int) -> list[str]:
    return [located.place(("tune", key, i)) for i in range(size)]


def _complaints(settings: Located, key: str, value: Any, place: str) -> list[str]:
    """Return what is wrong with an arm at this value."""
    changed = settings.overridden(Located({key: value}, {(key,): place}))
    try:
        RunConfig.model_validate(changed.data)
        config = _as_tuned(settings, key, value)
    except ValidationError as error:
        return complaints_about(error, RunConfig, changed)
    found = [setting_complaint(error, changed) for error in contradictions(config)]
    if config.dataset.task == "signal":
        rule = f"must have a validation loss to choose by, which {config.dataset.name} has not"
        found.append(f"{place}: {key}: {rule}. Choose another dataset.")
    return found


def _as_tuned(settings: Located, key: str, value: Any) -> RunConfig:
    """Return an arm at this value, as it is tuned: its defaults are made to fit before the value is set."""
    fitted, _ = fit_defaults(RunConfig.model_validate(settings.data))
    return RunConfig.model_validate(Located(fitted.settings()).overridden(Located({key: value})).data)


def _has_duplicates(values: Sequence[Any]) -> bool:
    return first_repeated([flat_change({"": value}) for value in values]) is not None


def _label_clashes(arms: Iterable[str], located: Located) -> list[str]:
    """Return a complaint for each arm whose name is the label of another arm's tuned version."""
    rule = f"must not be called {TUNED} in a study that tunes, got {{name!r}}. Choose another name."
    tuned_labels = {tuned_label(name) for name in arms}
    names = [name for name in arms if name in tuned_labels]
    return [f"{located.place(('arms', name))}: arms: {rule.format(name=name)}" for name in names]


def _read_option(text: str, arms: Mapping[str, Located]) -> tuple[str, list[Any]]:
    key, equals, values = text.partition("=")
    key = key.strip()
    if equals:
        listed = read_assignment("--tune", f"{key}=[{values}]", shown=text).data[key]
        return key, listed
    given = _value_of(next(iter(arms.values())), key)
    if not isinstance(given, int | float) or isinstance(given, bool) or given <= 0:
        rule = f"must be KEY=A,B where the setting is not a number above 0, got {text!r}"
        raise ConfigError([f"--tune {text}: {rule}. Example: --tune optimizer.lr=0.01,0.1"])
    return key, [float(f"{given * factor:.2g}") for factor in HALF_DECADES]


def _value_of(settings: Located, key: str) -> Any:
    """Return an arm's value of a dotted key, the default where it is not set."""
    found: Any = RunConfig.model_validate(settings.data)
    for step in key.split("."):
        found = getattr(found, step, None)
    return found
