"""Selects arms by a text or a mapping: a name under arms:, key=value with full or short keys, tuned."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from normbench.errors import ConfigError, SettingError, did_you_mean, known_names
from normbench.storage.arm_id import ABSENT, TUNED, ArmId, ArmSet, LabelledArm, comparable, is_at_or_below
from normbench.storage.arm_labels import label_words, short_keys, value_text
from normbench.storage.files.yaml_file import read_assignment

ARM = "arm"
"""Key of a mapping that holds a name under ``arms:``."""
MAX_SHOWN = 8
KEYS_NOT_SELECTED = ("recording", "device")
"""Settings by which no arm of a plain file is selected: recording changes no number, the device is set later."""
_COMMAS = re.compile(r",(?![^\[{]*[\]}])")
"""A comma between words, not one inside [4, 8] or {name: sgd}."""


@dataclass(frozen=True)
class Selector:
    """Conditions that select arms.

    Attributes:
        text: The selector as the user wrote it.
        names: Names under ``arms:``, of which an arm must have one; empty accepts every arm.
        settings: Values that an arm must have, by full key.
        is_tuned: Whether tuned arms are selected, and no others.
    """

    text: str
    names: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    is_tuned: bool = False

    def selects(self, arm: ArmId) -> bool:
        """Return whether an arm meets all conditions."""
        if bool(arm.tuned) is not self.is_tuned or (self.names and arm.name not in self.names):
            return False
        return all(has_value(arm.value(key), value) for key, value in self.settings.items())


def has_value(found: Any, wanted: Any) -> bool:
    """Return whether a setting has the wanted value, written as in YAML or as in labels."""
    if found is ABSENT or found is TUNED:
        return found is wanted
    if comparable(found) == comparable(wanted):
        return True
    return isinstance(wanted, str) and wanted in (value_text(found), value_text(str(found).split(" ")))


def read_selector(wanted: object, arms: ArmSet, at: str) -> Selector:
    """Read a selector from a text or a mapping, with full keys.

    Args:
        wanted: ``"norm=none,lr=0.1"``, ``"default,tuned"`` or ``{norm: none, optimizer.lr: 0.1}``.
        arms: The study's arms.
        at: The dotted key or option that holds it, for complaints.

    Raises:
        SettingError: No arm has a word, or a short key could mean two settings.
    """
    if isinstance(wanted, Mapping):
        return _read_mapping(wanted, arms, at)
    text = str(wanted)
    names, words = _names_and_words(text, arms)
    is_tuned = str(TUNED) in words
    settings: dict[str, Any] = {}
    for word in words:
        key, equals, _ = word.partition("=")
        if equals and key.strip():
            settings |= _flat_values({_full_key(key.strip(), arms, at): _read_value(word, at)})
        elif word != str(TUNED):
            raise no_arm_error(text, arms, at)
    return Selector(text, names, settings, is_tuned)


def _read_mapping(wanted: Mapping[Any, Any], arms: ArmSet, at: str) -> Selector:
    name, is_tuned = str(wanted.get(ARM, "")), wanted.get(str(TUNED)) is True
    names, others = _names_and_words(name, arms) if name else ((), [])
    if others:
        raise no_arm_error(name, arms, at)
    rest = {str(key): value for key, value in wanted.items() if key not in (ARM, str(TUNED))}
    settings = _flat_values({_full_key(key, arms, at): value for key, value in rest.items()})
    words = label_words(name, settings, short_keys(dict.fromkeys([*settings, *arms.set_keys])))
    return Selector(",".join([*words, *[str(TUNED)] * is_tuned]), names, settings, is_tuned)


def _names_and_words(text: str, arms: ArmSet) -> tuple[Sequence[str], list[str]]:
    """Return the names under ``arms:`` that a text contains, and its other words.

    A name may contain commas: "groups,4" can be one name, and "groups" selects all names with this word.
    """
    words = [word.strip() for word in _COMMAS.split(text)]
    names = list(dict.fromkeys(arm.id.name for arm in arms.arms if arm.id.name))
    for size in range(len(words), 0, -1):
        for start in range(len(words) - size + 1):
            name = ",".join(words[start : start + size])
            if name in names:
                return [name], words[:start] + words[start + size :]
    mine = {word for word in words if "=" not in word and word != str(TUNED)}
    found = [name for name in names if mine and mine <= set(_COMMAS.split(name))]
    return found, [word for word in words if word not in mine] if found else words


def _read_value(word: str, at: str) -> Any:
    try:
        (value,) = read_assignment(at, word).data.values()
    except ConfigError as error:
        raise SettingError(at, "must hold values as a config has them", word, str(error)) from None
    return value


def _flat_values(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings by full key, where the value of a part may have been a mapping."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            flat |= {key: value["name"]} if "name" in value else {}
            flat |= {f"{key}.{inner}": v for inner, v in value.items() if inner != "name"}
        else:
            flat[key] = value
    return flat


def _full_key(text: str, arms: ArmSet, at: str) -> str:
    """Return the full key of a short one, looked up among the keys that the study sets first, then among all.

    Raises:
        SettingError: No setting ends in the key, or several do.
    """
    key = text.removesuffix(".name")
    own = [known for known in arms.set_keys if known.rsplit(".", 1)[-1] == key]
    if key in arms.keys or key in arms.set_keys:
        return key
    found = own or [known for known in arms.keys if known.rsplit(".", 1)[-1] == key]
    if len(found) == 1:
        return found[0]
    if found:
        rule = "must be a key that can only mean one setting"
        raise SettingError(at, rule, text, f"Write {' or '.join(found)}.")
    known_keys = dict.fromkeys([*arms.set_keys, *arms.keys])
    meant = did_you_mean(text, known_keys).strip() or "Write its key as arm.json has it."
    listed = known_names(text, arms.set_keys, "Some of them", hint=meant, most=MAX_SHOWN) if arms.set_keys else meant
    raise SettingError(at, "must be a setting of the arms", text, listed)


def select(wanted: object, arms: ArmSet, at: str) -> tuple[Selector, list[LabelledArm]]:
    """Return a selector and its arms: the arm with this label if there is one, else all arms that the selector selects.

    Raises:
        SettingError: No arm is selected, or the selector could mean two things.
    """
    labelled = arms_with_label(wanted, arms, at)
    if labelled:
        return selector_of_arm(labelled[0], arms), labelled
    selector = read_selector(wanted, arms, at)
    found = [arm for arm in arms.arms if selector.selects(arm.id)]
    if not found:
        raise no_arm_error(selector.text, arms, at)
    return selector, found


def arms_with_label(wanted: object, arms: ArmSet, at: str) -> list[LabelledArm]:
    """Return the arms with this label; empty if it is also a name under ``arms:``, which selects at least these arms.

    Raises:
        SettingError: The label of one arm is the name of another.
    """
    labelled = [arm for arm in arms.arms if arm.label == wanted]
    called = [arm for arm in arms.arms if arm.id.name and arm.id.name == wanted]
    if labelled and called and labelled[0] not in called:
        raise several_arms_error(str(wanted), [called[0], labelled[0]], at)
    return [] if called else labelled


def selector_of_arm(arm: LabelledArm, arms: ArmSet) -> Selector:
    """Return a selector of one arm: its name, and its values of all settings that differ between arms."""
    keys = [*arms.set_keys, *arms.differing] or [
        key for key in arm.id.settings if not is_at_or_below(key, KEYS_NOT_SELECTED)
    ]
    values = {key: value for key in keys if (value := arm.id.value(key)) is not ABSENT and value is not TUNED}
    return Selector(arm.label, [arm.id.name] if arm.id.name else (), values, bool(arm.id.tuned))


def no_arm_error(text: str, arms: ArmSet, at: str) -> SettingError:
    """Return the error that no arm is selected, with the labels of all arms."""
    labels = list(dict.fromkeys(arm.label for arm in arms.arms))
    return SettingError(at, "must be an arm", text, known_names(text, labels, "Arms", most=MAX_SHOWN))


def several_arms_error(text: str, found: Sequence[LabelledArm], at: str) -> SettingError:
    """Return the error that several arms are selected where one is needed, with the labels of two."""
    first, second = (_distinct_label(arm, found) for arm in found[:2])
    more = f" and {len(found) - 2} more" if len(found) > 2 else ""
    rule = f"must mean one arm, could mean {first} or {second}{more}"
    return SettingError(at, rule, text, "Say in what they differ, or write the label of one.")


def _distinct_label(arm: LabelledArm, found: Sequence[LabelledArm]) -> str:
    if sum(other.label == arm.label for other in found) == 1:
        return arm.label
    differing = {key: arm.id.value(key) for key in ArmSet(found).differing}
    words = label_words("", {key: value for key, value in differing.items() if value is not ABSENT}, {})
    return f"{arm.label} ({', '.join(words)})"
