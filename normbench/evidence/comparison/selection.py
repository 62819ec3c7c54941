"""Which arms --where leaves: those whose settings are so."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from normbench.errors import ComparisonError, did_you_mean
from normbench.evidence.comparison.selectors import ARM, holds
from normbench.storage.arm_id import ABSENT, TUNED, LabelledArm
from normbench.storage.files.yaml_file import read_assignment
from normbench.storage.run_folder import Arm

MAX_SHOWN = 12
IS_TUNED = str(TUNED)
"""A key of ``--where`` and ``--by``: whether an arm runs at its own settings."""


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


def value_of(arm: LabelledArm, key: str) -> Any:
    """Return an arm's setting under a full key, TUNED where it was chosen; ``arm`` is its label, absent is None."""
    if key == IS_TUNED:
        return bool(arm.id.tuned)
    found = arm.label if key == ARM else arm.id.value(key)
    return None if found is ABSENT else found


def select_arms(arms: Sequence[Arm], conditions: Sequence[Condition]) -> list[Arm]:
    """Return the arms for which every condition holds; none where a key is no setting of any of them."""
    known = known_keys(arms)
    return [arm for arm in arms if all(c.key in known and _holds(arm, c) for c in conditions)]


def known_keys(arms: Iterable[Arm]) -> list[str]:
    """Return what ``--where`` can ask of arms: first their own settings, in the order of a config."""
    return [*dict.fromkeys(key for arm in arms for key in arm.settings), IS_TUNED, ARM]


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
    value = value_of(arm.labelled, condition.key)
    return str(value) == condition.value if value is TUNED else holds(value, condition.value)


def _said(condition: Condition) -> str:
    return f"--where {condition.key}={written(condition.value)}"


def written(value: Any) -> str:
    """Write a setting as a config has it."""
    return {"True": "true", "False": "false", "None": "null"}.get(str(value), str(value))


def _values(arms: Sequence[Arm], key: str) -> str:
    found = list(dict.fromkeys(written(value_of(arm.labelled, key)) for arm in arms))
    shown = ", ".join(found[:MAX_SHOWN]) + (" ..." if len(found) > MAX_SHOWN else "")
    return shown or "nothing"
