"""Which arms --where leaves: those whose settings are so."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from normbench.errors import ComparisonError, did_you_mean
from normbench.evidence.claims.expectations import TUNED
from normbench.storage.files.yaml_file import read_assignment
from normbench.storage.run_folder import Arm

MAX_SHOWN = 12


@dataclass(frozen=True)
class Condition:
    """One ``--where KEY=VALUE``."""

    key: str
    value: Any


def read_conditions(texts: Sequence[str]) -> list[Condition]:
    """Return what ``--where`` asks for; values are YAML, so that 0.01 and 1e-2 are the same.

    Raises:
        ConfigError: Not KEY=VALUE.
    """
    said = [read_assignment("--where", text).data for text in texts]
    return [Condition(key, value) for data in said for key, value in data.items()]


def value_of(arm: str, settings: Mapping[str, Any], key: str) -> Any:
    """Return an arm's setting under a dotted key; ``norm`` is the part's name, ``arm`` the arm's own.

    Example:
        >>> value_of("norm=none,tuned", {"norm": "none"}, "tuned"), value_of("a", {"norm": "none"}, "norm")
        (True, 'none')
    """
    if key == TUNED:
        return is_tuned(arm)
    return arm if key == "arm" else settings.get(key)


def is_tuned(arm: str) -> bool:
    """Return whether an arm runs at the settings that tuning chose for it."""
    return arm.endswith(f",{TUNED}")


def is_chosen(key: str, tuned_keys: Sequence[str]) -> bool:
    """Return whether tuning chose a setting: it is one of the keys, or a setting of a part that is.

    Example:
        >>> is_chosen("optimizer.lr", ["optimizer"]), is_chosen("batch_size", ["optimizer.lr"])
        (True, False)
    """
    return any(key == tuned or key.startswith(f"{tuned}.") for tuned in tuned_keys)


def select_arms(arms: Sequence[Arm], conditions: Sequence[Condition]) -> list[Arm]:
    """Return the arms for which every condition holds; none where a key is no setting of any of them."""
    known = known_keys(arms)
    return [arm for arm in arms if all(c.key in known and _holds(arm, c) for c in conditions)]


def known_keys(arms: Iterable[Arm]) -> list[str]:
    """Return what ``--where`` can ask of arms: first their own settings, in the order of a config."""
    return [*dict.fromkeys(key for arm in arms for key in arm.settings), TUNED, "arm"]


def check_some_left(arms: Sequence[Arm], conditions: Sequence[Condition]) -> None:
    """Refuse conditions that no arm meets.

    Raises:
        ComparisonError: With the settings there are, or the values of the one asked for.
    """
    known = known_keys(arms)
    for condition in conditions:
        if condition.key not in known:
            shown = ", ".join(known)
            rule = f"must be a setting of the arms: {shown}; got {condition.key!r}"
            raise ComparisonError(f"{_said(condition)}: {rule}.{did_you_mean(condition.key, known)}")
    for condition in conditions:
        if not any(_holds(arm, condition) for arm in arms):
            rule = f"must leave an arm, got none of {len(arms)}"
            way_out = f"There {condition.key} is {_values(arms, condition.key)}."
            raise ComparisonError(f"{_said(condition)}: {rule}. {way_out}")
    if not select_arms(arms, conditions):
        said = " ".join(map(_said, conditions))
        raise ComparisonError(f"{said}: must leave an arm, got none of {len(arms)}. Leave one of them out.")


def _holds(arm: Arm, condition: Condition) -> bool:
    value, wanted = value_of(arm.name, arm.settings, condition.key), condition.value
    if isinstance(wanted, list):
        wanted = " ".join(map(str, wanted))  # as arm.json has it
    if isinstance(value, bool) or isinstance(wanted, bool) or not isinstance(value, int | float):
        return str(value) == str(wanted)
    return bool(value == wanted)


def _said(condition: Condition) -> str:
    return f"--where {condition.key}={written(condition.value)}"


def written(value: Any) -> str:
    """Write a setting as a config has it."""
    return {"True": "true", "False": "false", "None": "null"}.get(str(value), str(value))


def _values(arms: Sequence[Arm], key: str) -> str:
    found = list(dict.fromkeys(written(value_of(arm.name, arm.settings, key)) for arm in arms))
    shown = ", ".join(found[:MAX_SHOWN]) + (" ..." if len(found) > MAX_SHOWN else "")
    return shown or "nothing"
