"""Reads the conditions of --where and selects the arms that meet them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from normbench.errors import ComparisonError, known_names
from normbench.evidence.comparison.selectors import ARM, has_value
from normbench.storage.arm_id import ABSENT, TUNED, LabelledArm
from normbench.storage.files.yaml_file import read_assignment
from normbench.storage.run_folder import Arm

MAX_SHOWN = 12
IS_TUNED = str(TUNED)
"""A key of ``--where`` and ``--by``: whether an arm was tuned."""


@dataclass(frozen=True)
class Condition:
    """One ``--where KEY=VALUE``."""

    key: str
    value: Any


def read_conditions(texts: Sequence[str]) -> list[Condition]:
    """Read the texts of ``--where``; values are YAML, so that 0.01 and 1e-2 are equal.

    Raises:
        ConfigError: A text is not KEY=VALUE.
    """
    assignments = [read_assignment("--where", text).data for text in texts]
    return [Condition(key, value) for data in assignments for key, value in data.items()]


def value_of(arm: LabelledArm, key: str) -> Any:
    """Return an arm's value of a full key: TUNED for a tuned key, the label for ``arm``, None where it has none."""
    if key == IS_TUNED:
        return bool(arm.id.tuned)
    found = arm.label if key == ARM else arm.id.value(key)
    return None if found is ABSENT else found


def select_arms(arms: Sequence[Arm], conditions: Sequence[Condition]) -> list[Arm]:
    """Return the arms that meet every condition; none if no arm has the key of a condition."""
    known = condition_keys(arms)
    return [arm for arm in arms if all(c.key in known and _holds(arm, c) for c in conditions)]


def condition_keys(arms: Iterable[Arm]) -> list[str]:
    """Return all keys that ``--where`` accepts: the arms' settings in the order of a config, tuned and arm."""
    return [*dict.fromkeys(key for arm in arms for key in arm.settings), IS_TUNED, ARM]


def refuse_empty_selection(arms: Sequence[Arm], conditions: Sequence[Condition]) -> None:
    """Refuse conditions that no arm meets.

    Raises:
        ComparisonError: With the list of settings, or of the values of the setting that was named.
    """
    known = condition_keys(arms)
    for condition in conditions:
        if condition.key not in known:
            rule = f"must be a setting of the arms, got {condition.key!r}"
            listed = known_names(condition.key, known, "Settings")
            raise ComparisonError(f"{_condition_text(condition)}: {rule}. {listed}")
    for condition in conditions:
        if not any(_holds(arm, condition) for arm in arms):
            rule = f"must leave an arm, got none of {len(arms)}"
            way_out = f"There {condition.key} is {_values_text(arms, condition.key)}."
            raise ComparisonError(f"{_condition_text(condition)}: {rule}. {way_out}")
    if not select_arms(arms, conditions):
        text = " ".join(map(_condition_text, conditions))
        raise ComparisonError(f"{text}: must leave an arm, got none of {len(arms)}. Leave one of them out.")


def _holds(arm: Arm, condition: Condition) -> bool:
    value = value_of(arm.labelled, condition.key)
    return str(value) == condition.value if value is TUNED else has_value(value, condition.value)


def _condition_text(condition: Condition) -> str:
    return f"--where {condition.key}={setting_text(condition.value)}"


def setting_text(value: Any) -> str:
    """Return a setting's value as text, as YAML writes it."""
    return {"True": "true", "False": "false", "None": "null"}.get(str(value), str(value))


def _values_text(arms: Sequence[Arm], key: str) -> str:
    found = list(dict.fromkeys(setting_text(value_of(arm.labelled, key)) for arm in arms))
    shown = ", ".join(found[:MAX_SHOWN]) + (" ..." if len(found) > MAX_SHOWN else "")
    return shown or "nothing"
