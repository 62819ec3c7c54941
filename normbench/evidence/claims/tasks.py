"""Reads ``pool:`` of a claim: the datasets over which it is pooled; and finds its arms in each of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from normbench.errors import SettingError, known_names
from normbench.evidence.comparison.selectors import Selector, several_arms_error
from normbench.storage.arm_id import ABSENT, ArmSet, LabelledArm, is_at_or_below
from normbench.storage.arm_labels import label_words, short_keys, value_text

DATASET = "dataset"
Tasks = Mapping[str, frozenset[str]]
"""The labels of each task's arms, by the task."""


def read_tasks(raw: Any, arms: ArmSet, at: str) -> Tasks:
    """Return the tasks of a claim: each dataset of the study, or those of a list.

    Args:
        raw: ``dataset``, or a list of datasets.
        arms: The study's arms.
        at: The dotted key of ``pool:``, for complaints.

    Raises:
        SettingError: It is something else, or names fewer than two datasets, or one twice.
    """
    if raw != DATASET and not isinstance(raw, list):
        rule = "must be dataset, or a list of datasets of the study"
        raise SettingError(at, rule, raw, f"Example: pool: dataset. {_known(arms)}")
    found = _all_tasks(arms) if raw == DATASET else _named_tasks(raw, arms, at)
    if len(found) < 2:
        way_out = "Put several datasets under grid:, or leave pool out."
        raise SettingError(at, "must be over 2 datasets or more", ", ".join(found) or raw, way_out)
    return found


def _known(arms: ArmSet) -> str:
    return f"Datasets: {', '.join(_all_tasks(arms))}."


def _all_tasks(arms: ArmSet) -> Tasks:
    """Return each dataset with its settings as a task, called by its name and what else differs between datasets."""
    keys = [key for key in arms.differing if is_at_or_below(key, [DATASET])]
    found: dict[str, set[str]] = {}
    for arm in arms.arms:
        found.setdefault(_label(arm, [key for key in keys if key != DATASET]), set()).add(arm.label)
    return {label: frozenset(of) for label, of in found.items()}


def _label(arm: LabelledArm, keys: Sequence[str]) -> str:
    values = {key: value for key in keys if key in arm.sets and (value := arm.id.value(key)) is not ABSENT}
    return ",".join([value_text(arm.id.value(DATASET)), *label_words("", values, short_keys(list(values)))])


def _named_tasks(names: Sequence[Any], arms: ArmSet, at: str) -> Tasks:
    known, found = _all_tasks(arms), {}
    for i, name in enumerate(map(str, names)):
        if name not in known:
            listed = known_names(name, list(known), "Datasets")
            raise SettingError(f"{at}.{i}", "must be a dataset of the study", name, listed)
        if name in found:
            raise SettingError(f"{at}.{i}", "must be a dataset that is not named before", name, _known(arms))
        found[name] = known[name]
    return found


def check_in_every_task(
    selector: Selector, found: Sequence[LabelledArm], tasks: Tasks, at: str, *, may_be_several: bool
) -> None:
    """Refuse a selector that does not select one arm in each task.

    Args:
        selector: The selector.
        found: All arms that it selects.
        tasks: The claim's tasks.
        at: The dotted key of the expectation, for complaints.
        may_be_several: Whether a metric is read over several arms.

    Raises:
        SettingError: It selects none in a task, or several where one is needed.
    """
    for task, labels in tasks.items():
        mine = [arm for arm in found if arm.label in labels]
        if not mine:
            rule = f"must be an arm in every dataset that is pooled, there is none in {task}"
            raise SettingError(at, rule, selector.text, "Name it without the dataset, or list the datasets in pool.")
        if len(mine) > 1 and not may_be_several:
            raise several_arms_error(selector.text, mine, at)
