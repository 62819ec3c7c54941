"""Finds the baseline arm that each arm is compared with: one that differs only in the settings that are compared.

A baseline fixes some keys. An arm and its baseline may differ in these keys and in keys below them (norm.* below norm;
below an arm's name all keys that named arms set). Every other key must be equal, and tuned in both or in neither.

The rules are in docs/methods.md, "4. Verdicts of a comparison".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from normbench.evidence.comparison.selectors import (
    Selector,
    arms_with_label,
    has_value,
    no_arm_error,
    read_selector,
    selector_of_arm,
    several_arms_error,
)
from normbench.storage.arm_id import ABSENT, TUNED, ArmId, ArmSet, LabelledArm, comparable, is_at_or_below
from normbench.storage.contents.study import StudyContent

NOT_COMPARED = ("recording",)
"""Settings that change no number: arms that differ in them are still paired."""


@dataclass(frozen=True)
class Baseline:
    """The settings of the arms that others are compared with.

    Attributes:
        said: The text that the user wrote, or the fixed keys, for people.
        name: The fixed name under ``arms:``; "" where none is fixed.
        settings: The fixed values by full key.
        is_tuned: Whether it is one of the tuned arms.
        is_one_arm: Whether one arm is the baseline of all others, however they differ.
    """

    said: str
    name: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    is_tuned: bool = False
    is_one_arm: bool = False

    def matches(self, arm: ArmId) -> bool:
        """Return whether an arm is a baseline; a tuned key matches every value."""
        if (self.name and arm.name != self.name) or (self.is_tuned and not arm.tuned):
            return False
        found = [(arm.value(key), wanted) for key, wanted in self.settings.items()]
        return all(value is TUNED or has_value(value, wanted) for value, wanted in found)


def read_baseline(study: StudyContent) -> Baseline | None:
    """Read the baseline from the content of study.json."""
    said = study.get("baseline")
    if said is None or isinstance(said, str):  # a text in version 0.1.0 alone, whose studies are not compared
        return None
    fixed = said.get("name", ""), said.get("settings", {})
    return Baseline(said["said"], *fixed, said.get("is_tuned", False), said.get("is_one_arm", False))


def resolve_baseline(said: object, arms: ArmSet, at: str) -> Baseline:
    """Return the baseline that a file or a command names, with full keys.

    Args:
        said: A name under ``arms:``, a label, or keys and values as text or as a mapping.
        arms: The study's arms.
        at: The dotted key or option that names it, for complaints.

    Raises:
        SettingError: It matches no arm, or could mean two baselines.
    """
    labelled = arms_with_label(said, arms, at)
    if len(labelled) > 1:
        raise several_arms_error(str(said), labelled, at)
    if labelled:
        one = selector_of_arm(labelled[0], arms)
        return Baseline(one.text, labelled[0].id.name, one.settings, one.is_tuned, is_one_arm=True)
    selector = read_selector(said, arms, at)
    if len(selector.names) > 1:
        raise several_arms_error(selector.text, [arm for arm in arms.arms if arm.id.name in selector.names], at)
    wanted = Baseline(selector.text, "".join(selector.names), selector.settings, selector.is_tuned)
    found = [arm for arm in arms.arms if wanted.matches(arm.id)]
    if not found:
        raise no_arm_error(selector.text, arms, at)
    own = {
        key: value
        for key in selector.settings
        for key, value in _variant_settings(key, selector, found, arms, at).items()
    }
    return replace(wanted, settings={**own, **selector.settings})


def _variant_settings(
    key: str, selector: Selector, found: Sequence[LabelledArm], arms: ArmSet, at: str
) -> dict[str, Any]:
    """Return the settings of the part that a key names: of several variants, the one that sets nothing else in it.

    Raises:
        SettingError: Several variants of the part could be meant.
    """
    below = [one for one in arms.keys if one.startswith(f"{key}.") and one not in {*arms.axes, *selector.settings}]
    below = [one for one in below if all(arm.id.value(one) is not TUNED for arm in found)]
    variants: dict[tuple[object, ...], LabelledArm] = {}
    for arm in found:
        variants.setdefault(tuple(comparable(arm.id.value(one)) for one in below), arm)
    given = {one for one in selector.settings if one.startswith(f"{key}.")}
    plain = [arm for arm in variants.values() if {one for one in arm.sets if one in below} <= given]
    chosen = list(variants.values()) if len(variants) == 1 else plain
    if len(chosen) != 1:
        raise several_arms_error(selector.text, list(variants.values()), at)
    values = {one: chosen[0].id.value(one) for one in below}
    return {one: value for one, value in values.items() if value is not ABSENT}


def pair_arms(arms: ArmSet, baseline: Baseline) -> list[int | None]:
    """Return for each arm the index of its baseline arm; None for baselines, and where there is none."""
    free = _keys_that_may_differ(arms, baseline)
    keys = [key for key in arms.differing if key not in free and not is_at_or_below(key, NOT_COMPARED)]
    is_baseline = [baseline.matches(arm.id) for arm in arms.arms]
    rests = [_shared_values(arm.id, () if baseline.is_one_arm else keys, baseline) for arm in arms.arms]
    at: dict[object, int] = {}
    for i, rest in enumerate(rests):
        if is_baseline[i]:
            at.setdefault(rest, i)
    return [None if met else at.get(rest) for met, rest in zip(is_baseline, rests, strict=True)]


def _shared_values(arm: ArmId, keys: Sequence[str], baseline: Baseline) -> tuple[object, ...]:
    """Return the values that an arm and its baseline must share."""
    family = None if baseline.is_tuned else arm.tuned
    return (family, *(comparable(arm.value(key)) for key in keys))


def _keys_that_may_differ(arms: ArmSet, baseline: Baseline) -> set[str]:
    """Return the keys in which an arm and its baseline may differ; a grid's axis only if the baseline fixes it."""
    fixed = [*baseline.settings, *(arms.named if baseline.name else ())]
    tuned = {key for arm in arms.arms for key in arm.id.tuned} if baseline.is_tuned else set()
    below = {key for key in arms.differing if key not in arms.axes and is_at_or_below(key, fixed)}
    return {*baseline.settings, *below, *(key for key in arms.differing if is_at_or_below(key, tuned))}
