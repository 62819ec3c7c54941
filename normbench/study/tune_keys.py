"""tune: and --tune: which values of which settings are tried for each arm, all of them checked."""

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any

from pydantic import ValidationError

from normbench.errors import ConfigError
from normbench.storage.arm_id import TUNED, comparable
from normbench.storage.arm_labels import tuned_label
from normbench.storage.files.located import Located
from normbench.storage.files.yaml_file import read_assignment
from normbench.study.axes import MAX_ARMS, flat_change
from normbench.study.complaints import complaints_about, setting_complaint
from normbench.study.config import RunConfig
from normbench.study.contradictions import contradictions

HALF_DECADES = (0.1, 0.316, 1.0, 3.16, 10.0)


def read_tune(
    said: Mapping[str, list[Any]] | None, options: Sequence[str], located: Located, arms: Mapping[str, Located]
) -> dict[str, tuple[Any, ...]]:
    """Return the values to try by setting; an option goes before what the file says.

    Args:
        said: What stands under ``tune:``.
        options: ``KEY=A,B``, or ``KEY`` alone: half decades around the number the first arm has.
        located: The file.
        arms: The settings of every arm.

    Raises:
        ConfigError: A value that an arm cannot take.
    """
    lists = {key: (list(values), _places(located, key, len(values))) for key, values in (said or {}).items()}
    lists |= {
        key: (values, [f"--tune {text}"] * len(values)) for text in options for key, values in [_option(text, arms)]
    }
    complaints: dict[str, None] = {}
    _refuse_too_many(lists, arms, located)
    if lists:
        complaints |= dict.fromkeys(_clashes(arms, located))
    for settings in arms.values():
        for key, (values, places) in lists.items():
            for value, place in zip(values, places, strict=True):
                complaints |= dict.fromkeys(_complaints(settings, key, value, place))
    for key, (values, places) in lists.items():
        if len(values) < 2 or _has_twins(values):
            rule = f"must be two different values or more, got {values}"
            complaints[f"{places[0] if places else '--tune'}: {key}: {rule}. Add one."] = None
    if complaints:
        raise ConfigError(list(complaints))
    return {key: tuple(values) for key, (values, _) in lists.items()}


def _refuse_too_many(
    lists: Mapping[str, tuple[list[Any], list[str]]], arms: Mapping[str, Located], located: Located
) -> None:
    size = len(arms) * prod(len(values) for values, _ in lists.values())
    if lists and size > MAX_ARMS:
        rule = f"must stand for at most {MAX_ARMS:,} combinations of arms and values, got {size:,}"
        raise ConfigError([f"{located.place(('tune',)) or '--tune'}: tune: {rule}. Try fewer values."])


def _places(located: Located, key: str, size: int) -> list[str]:
    return [located.place(("tune", key, i)) for i in range(size)]


def _complaints(settings: Located, key: str, value: Any, place: str) -> list[str]:
    """Return what is wrong with an arm that takes the value; what is wrong without it is said elsewhere."""
    changed = settings.overridden(Located({key: value}, {(key,): place}))
    try:
        config = RunConfig.model_validate(changed.data)
    except ValidationError as error:
        return complaints_about(error, RunConfig, changed)
    found = [setting_complaint(error, changed) for error in contradictions(config)]
    if config.dataset.task == "signal":
        rule = f"must have a validation loss to choose by, which {config.dataset.name} has not"
        found.append(f"{place}: {key}: {rule}. Choose another dataset.")
    return found


def _has_twins(values: Sequence[Any]) -> bool:
    said = [{key: comparable(inner) for key, inner in flat_change({"": value}).items()} for value in values]
    return any(said.count(one) > 1 for one in said)


def _clashes(arms: Iterable[str], located: Located) -> list[str]:
    """Return a complaint per arm that is called what tuning calls another."""
    rule = f"must not be called {TUNED} in a study that tunes, got {{name!r}}. Choose another name."
    taken = {tuned_label(name) for name in arms}
    names = [name for name in arms if name in taken]
    return [f"{located.place(('arms', name))}: arms: {rule.format(name=name)}" for name in names]


def _option(text: str, arms: Mapping[str, Located]) -> tuple[str, list[Any]]:
    key, equals, values = text.partition("=")
    key = key.strip()
    if equals:
        listed = read_assignment("--tune", f"{key}=[{values}]", shown=text).data[key]
        return key, listed
    given = _given(next(iter(arms.values())), key)
    if not isinstance(given, int | float) or isinstance(given, bool) or given <= 0:
        rule = f"must be KEY=A,B where the setting is not a number above 0, got {text!r}"
        raise ConfigError([f"--tune {text}: {rule}. Example: --tune optimizer.lr=0.01,0.1"])
    return key, [float(f"{given * factor:.2g}") for factor in HALF_DECADES]


def _given(settings: Located, key: str) -> Any:
    """Return an arm's value of a dotted key, its default where nothing is said."""
    found: Any = RunConfig.model_validate(settings.data)
    for step in key.split("."):
        found = getattr(found, step, None)
    return found
