"""Which arms a text or a mapping means: a name under arms:, key=value with full or short keys, tuned."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from normbench.errors import ConfigError, SettingError, did_you_mean
from normbench.storage.arm_id import ABSENT, TUNED, ArmId, ArmSet, LabelledArm, comparable, is_at_or_below
from normbench.storage.arm_labels import label_words, short_keys, value_text
from normbench.storage.files.yaml_file import read_assignment

ARM = "arm"
"""In a mapping: the name under ``arms:``."""
MAX_SHOWN = 8
NOT_PINNED = ("recording", "device")
"""What does not tell an arm of a plain file from those it will be compared with; the device is chosen later."""
_COMMAS = re.compile(r",(?![^\[{]*[\]}])")
"""Between words, not inside of [4, 8] or {name: sgd}."""


@dataclass(frozen=True)
class Selector:
    """What arms are asked to be.

    Attributes:
        said: As somebody wrote it, for people.
        names: Under ``arms:``, one of these; none where it does not matter.
        settings: Values by full key.
        is_tuned: Arms at their own settings are meant.
    """

    said: str
    names: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    is_tuned: bool = False

    def means(self, arm: ArmId) -> bool:
        """Return whether an arm is as it is asked to be; tuned ones only where tuned is said."""
        if bool(arm.tuned) is not self.is_tuned or (self.names and arm.name not in self.names):
            return False
        return all(holds(arm.value(key), value) for key, value in self.settings.items())


def holds(found: Any, wanted: Any) -> bool:
    """Return whether a setting has a value, as YAML reads it or as labels write it."""
    if found is ABSENT or found is TUNED:
        return found is wanted
    if comparable(found) == comparable(wanted):
        return True
    return isinstance(wanted, str) and wanted in (value_text(found), value_text(str(found).split(" ")))


def read_selector(said: object, arms: ArmSet, at: str) -> Selector:
    """Return what a text or a mapping asks for, its keys in full.

    Args:
        said: ``"norm=none,lr=0.1"``, ``"default,tuned"`` or ``{norm: none, optimizer.lr: 0.1}``.
        arms: Those of the study.
        at: Where it stands, for the complaint.

    Raises:
        SettingError: A word that no arm has, or a short key that could mean two.
    """
    if isinstance(said, Mapping):
        return _of_mapping(said, arms, at)
    text = str(said)
    names, words = _names_and_words(text, arms)
    is_tuned = str(TUNED) in words
    settings: dict[str, Any] = {}
    for word in words:
        key, equals, _ = word.partition("=")
        if equals and key.strip():
            settings |= _values({_key(key.strip(), arms, at): _value(word, at)})
        elif word != str(TUNED):
            raise unknown(text, arms, at)
    return Selector(text, names, settings, is_tuned)


def _of_mapping(said: Mapping[Any, Any], arms: ArmSet, at: str) -> Selector:
    name, is_tuned = str(said.get(ARM, "")), said.get(str(TUNED)) is True
    names, others = _names_and_words(name, arms) if name else ((), [])
    if others:
        raise unknown(name, arms, at)
    rest = {str(key): value for key, value in said.items() if key not in (ARM, str(TUNED))}
    settings = _values({_key(key, arms, at): value for key, value in rest.items()})
    words = label_words(name, settings, short_keys(dict.fromkeys([*settings, *arms.set_keys])))
    return Selector(",".join([*words, *[str(TUNED)] * is_tuned]), names, settings, is_tuned)


def _names_and_words(text: str, arms: ArmSet) -> tuple[Sequence[str], list[str]]:
    """Return the names that a text means, and its other words.

    A name may hold commas itself: "groups,4" is one, and "groups" means all that have this word.
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


def _value(word: str, at: str) -> Any:
    try:
        (value,) = read_assignment(at, word).data.values()
    except ConfigError as error:
        raise SettingError(at, "must hold values as a config has them", word, str(error)) from None
    return value


def _values(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with a part that is given as a mapping taken apart."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            flat |= {key: value["name"]} if "name" in value else {}
            flat |= {f"{key}.{inner}": v for inner, v in value.items() if inner != "name"}
        else:
            flat[key] = value
    return flat


def _key(said: str, arms: ArmSet, at: str) -> str:
    """Return the full key that a key means: first those the study sets in its arms, then all.

    Raises:
        SettingError: It means none, or could mean two.
    """
    key = said.removesuffix(".name")
    own = [known for known in arms.set_keys if known.rsplit(".", 1)[-1] == key]
    if key in arms.keys or key in arms.set_keys:
        return key
    found = own or [known for known in arms.keys if known.rsplit(".", 1)[-1] == key]
    if len(found) == 1:
        return found[0]
    if found:
        rule = "must be a key that can only mean one setting"
        raise SettingError(at, rule, said, f"Write {' or '.join(found)}.")
    known_keys = dict.fromkeys([*arms.set_keys, *arms.keys])
    rule = f"must be a setting of the arms{_examples(arms)}"
    raise SettingError(at, rule, said, did_you_mean(said, known_keys).strip() or "Write its key as arm.json has it.")


def _examples(arms: ArmSet) -> str:
    shown = list(arms.set_keys)[:MAX_SHOWN]
    return f", such as {', '.join(shown)}" if shown else ""


def select(said: object, arms: ArmSet, at: str) -> tuple[Selector, list[LabelledArm]]:
    """Return what is asked for, and the arms that are so: the one that is labelled so, else all.

    Raises:
        SettingError: None is, or what is asked for could mean two things.
    """
    labelled = labelled_so(said, arms, at)
    if labelled:
        return of_arm(labelled[0], arms), labelled
    selector = read_selector(said, arms, at)
    found = [arm for arm in arms.arms if selector.means(arm.id)]
    if not found:
        raise unknown(selector.said, arms, at)
    return selector, found


def labelled_so(said: object, arms: ArmSet, at: str) -> list[LabelledArm]:
    """Return the arms with this label; none where it is rather a name under ``arms:``, which means more.

    Raises:
        SettingError: It is the label of one arm and the name of another.
    """
    labelled = [arm for arm in arms.arms if arm.label == said]
    called = [arm for arm in arms.arms if arm.id.name and arm.id.name == said]
    if labelled and called and labelled[0] not in called:
        raise not_one(str(said), [called[0], labelled[0]], at)
    return [] if called else labelled


def of_arm(arm: LabelledArm, arms: ArmSet) -> Selector:
    """Return what tells one arm from all others: its name, and all that differs between arms."""
    keys = [*arms.set_keys, *arms.differing] or [key for key in arm.id.settings if not is_at_or_below(key, NOT_PINNED)]
    values = {key: value for key in keys if (value := arm.id.value(key)) is not ABSENT and value is not TUNED}
    return Selector(arm.label, [arm.id.name] if arm.id.name else (), values, bool(arm.id.tuned))


def unknown(said: str, arms: ArmSet, at: str) -> SettingError:
    """Return the complaint that no arm is so."""
    labels = list(dict.fromkeys(arm.label for arm in arms.arms))
    return SettingError(at, f"must be one of {', '.join(labels[:MAX_SHOWN])}", said, did_you_mean(said, labels).strip())


def not_one(said: str, found: Sequence[LabelledArm], at: str) -> SettingError:
    """Return the complaint that several arms are meant where one is needed, with the first two and what differs."""
    first, second = (_told_apart(arm, found) for arm in found[:2])
    more = f" and {len(found) - 2} more" if len(found) > 2 else ""
    rule = f"must mean one arm, could mean {first} or {second}{more}"
    return SettingError(at, rule, said, "Say in what they differ, or write the label of one.")


def _told_apart(arm: LabelledArm, found: Sequence[LabelledArm]) -> str:
    if sum(other.label == arm.label for other in found) == 1:
        return arm.label
    differing = {key: arm.id.value(key) for key in ArmSet(found).differing}
    words = label_words("", {key: value for key, value in differing.items() if value is not ABSENT}, {})
    return f"{arm.label} ({', '.join(words)})"
