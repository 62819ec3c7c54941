"""What arms are judged against, and which arm is paired with which: those that differ in nothing but what is compared.

A baseline fixes some keys. These may differ between an arm and its baseline, with what hangs below them (norm.* below
norm; below an arm's name what the named arms set); every other key must be equal, a tuned one to a tuned one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from normbench.errors import RunFolderError
from normbench.evidence.comparison.selectors import (
    Selector,
    holds,
    labelled_so,
    not_one,
    of_arm,
    read_selector,
    unknown,
)
from normbench.storage.arm_id import ABSENT, TUNED, ArmId, ArmSet, LabelledArm, comparable, is_at_or_below
from normbench.storage.files.json_files import DELETE_AND_RERUN

NOT_COMPARED = ("recording",)
"""Settings that decide no number: arms may differ in them and still be paired."""


@dataclass(frozen=True)
class Baseline:
    """What arms are judged against.

    Attributes:
        said: As somebody wrote it, or the keys it fixes, for people.
        name: The name under ``arms:`` that it fixes, "" where it fixes none.
        settings: The values it fixes by full key.
        is_tuned: It is one of the arms at their own settings, for all others alike.
        is_one_arm: It is one arm for all others, whatever else differs.
    """

    said: str
    name: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    is_tuned: bool = False
    is_one_arm: bool = False

    def is_met_by(self, arm: ArmId) -> bool:
        """Return whether an arm is a baseline; what is tuned in it has no given value that could be another."""
        if (self.name and arm.name != self.name) or (self.is_tuned and not arm.tuned):
            return False
        found = [(arm.value(key), wanted) for key, wanted in self.settings.items()]
        return all(value is TUNED or holds(value, wanted) for value, wanted in found)


def baseline_of(study: Mapping[str, Any], path: Path) -> Baseline | None:
    """Return the baseline that study.json names; ``path`` is the file's name for messages.

    Raises:
        RunFolderError: What stands there is none.
    """
    said = study.get("baseline")
    try:
        return None if said is None else Baseline(**said)
    except TypeError:
        rule = "baseline: must be what a study's baseline fixes"
        raise RunFolderError(f"{path}: {rule}, got {said!r:.60}. {DELETE_AND_RERUN}") from None


def resolve_baseline(said: object, arms: ArmSet, at: str) -> Baseline:
    """Return the baseline that a file or a command names, with keys and values in full.

    Args:
        said: A name under ``arms:``, a label, or keys and values as text or as a mapping.
        arms: Those of the study, as they are run.
        at: Where it stands, for the complaint.

    Raises:
        SettingError: No arm is so, or it could mean two.
    """
    labelled = labelled_so(said, arms, at)
    if len(labelled) > 1:
        raise not_one(str(said), labelled, at)
    if labelled:
        one = of_arm(labelled[0], arms)
        return Baseline(one.said, labelled[0].id.name, one.settings, one.is_tuned, is_one_arm=True)
    selector = read_selector(said, arms, at)
    if len(selector.names) > 1:
        raise not_one(selector.said, [arm for arm in arms.arms if arm.id.name in selector.names], at)
    wanted = Baseline(selector.said, "".join(selector.names), selector.settings, selector.is_tuned)
    found = [arm for arm in arms.arms if wanted.is_met_by(arm.id)]
    if not found:
        raise unknown(selector.said, arms, at)
    own = {key: value for key in selector.settings for key, value in _variant(key, selector, found, arms, at).items()}
    return replace(wanted, settings={**own, **selector.settings})


def _variant(key: str, selector: Selector, found: Sequence[LabelledArm], arms: ArmSet, at: str) -> dict[str, Any]:
    """Return the settings of the part that a key names: of several variants, the one that sets nothing else in it.

    Raises:
        SettingError: Several variants of the part could be meant.
    """
    below = [one for one in arms.keys if one.startswith(f"{key}.") and one not in {*arms.axes, *selector.settings}]
    below = [one for one in below if all(arm.id.value(one) is not TUNED for arm in found)]
    variants: dict[tuple[object, ...], LabelledArm] = {}
    for arm in found:
        variants.setdefault(tuple(comparable(arm.id.value(one)) for one in below), arm)
    said = {one for one in selector.settings if one.startswith(f"{key}.")}
    plain = [arm for arm in variants.values() if {one for one in arm.sets if one in below} <= said]
    chosen = list(variants.values()) if len(variants) == 1 else plain
    if len(chosen) != 1:
        raise not_one(selector.said, list(variants.values()), at)
    values = {one: chosen[0].id.value(one) for one in below}
    return {one: value for one, value in values.items() if value is not ABSENT}


def paired(arms: ArmSet, baseline: Baseline) -> list[int | None]:
    """Return for each arm the place of the one it is judged against; None for a baseline, and where there is none."""
    free = _free(arms, baseline)
    keys = [key for key in arms.differing if key not in free and not is_at_or_below(key, NOT_COMPARED)]
    are_met = [baseline.is_met_by(arm.id) for arm in arms.arms]
    rests = [_rest(arm.id, () if baseline.is_one_arm else keys, baseline) for arm in arms.arms]
    at: dict[object, int] = {}
    for i, rest in enumerate(rests):
        if are_met[i]:
            at.setdefault(rest, i)
    return [None if met else at.get(rest) for met, rest in zip(are_met, rests, strict=True)]


def _rest(arm: ArmId, keys: Sequence[str], baseline: Baseline) -> tuple[object, ...]:
    """Return what an arm and its baseline must have in common."""
    family = None if baseline.is_tuned else arm.tuned
    return (family, *(comparable(arm.value(key)) for key in keys))


def _free(arms: ArmSet, baseline: Baseline) -> set[str]:
    """Return the keys in which an arm and its baseline may differ; a grid's own axis only where it is fixed itself."""
    fixed = [*baseline.settings, *(arms.named if baseline.name else ())]
    tuned = {key for arm in arms.arms for key in arm.id.tuned} if baseline.is_tuned else set()
    below = {key for key in arms.differing if key not in arms.axes and is_at_or_below(key, fixed)}
    return {*baseline.settings, *below, *(key for key in arms.differing if is_at_or_below(key, tuned))}
