"""Finds why rows cannot be split as said: too few of a class, too few groups, parts that are missing."""

from collections.abc import Iterator, Sequence

import numpy as np

from normbench.errors import SettingError
from normbench.finite_data.row_kinds import RowKinds
from normbench.finite_data.split_rule import MIN_FOLDS, NAMES, SplitRule
from normbench.finite_data.splitting import TEST, TRAIN, split_rows

MAX_NAMED = 5
"""Classes that are named one by one in complaints."""
FEWEST_TRAINED = 2


def split_complaints(
    rule: SplitRule, kinds: RowKinds, class_names: Sequence[str] = (), unit: str = "rows"
) -> list[SettingError]:
    """Return a complaint for each reason why the rows cannot be split.

    Args:
        rule: How they are to be split.
        kinds: Their classes, groups and parts.
        class_names: Names of the classes, in the order of their numbers.
        unit: What a row is, in the plural.
    """
    if rule.how == "fixed":
        return list(_of_parts(kinds, class_names, unit))
    return list(_of_rows(rule, kinds, class_names, unit))


def _of_rows(rule: SplitRule, kinds: RowKinds, names: Sequence[str], unit: str) -> Iterator[SettingError]:
    things = unit if kinds.groups is None else "groups"
    fewest = max(MIN_FOLDS, rule.num_folds or 0)
    if kinds.num_units < fewest:
        way_out = f"Add {things}, or say fewer folds." if rule.num_folds else f"Add {things}."
        yield SettingError("splits", f"must have {fewest} {things} or more to split", kinds.num_units, way_out)
    elif kinds.classes is not None:
        yield from _few(kinds.units_of_classes().tolist(), names, things)


def _few(counts: Sequence[int], names: Sequence[str], things: str) -> Iterator[SettingError]:
    """Complain of each class that cannot be in train, validation and test at once."""
    few = [number for number, count in enumerate(counts) if count < MIN_FOLDS]
    has = "be in" if things == "groups" else "have"
    for number in few[:MAX_NAMED]:
        rule = f"class {_name(number, names)} must {has} {MIN_FOLDS} {things} or more"
        yield SettingError("", rule, counts[number], f"Add {things}, or leave the class out.")
    if len(few) > MAX_NAMED:
        rule = f"each class must {has} {MIN_FOLDS} {things} or more"
        got = f"{len(few) - MAX_NAMED:,} more classes with fewer"
        yield SettingError("", rule, got, "If the target is a number, say task: regression.")


def _of_parts(kinds: RowKinds, names: Sequence[str], unit: str) -> Iterator[SettingError]:
    if kinds.parts is None:
        rule = "must be folds or random, the data do not say which rows are train, validation and test"
        yield SettingError("splits", rule, "fixed", "Example: splits: {folds: 8}")
        return
    sizes = np.bincount(kinds.parts, minlength=len(NAMES))
    if sizes[TRAIN] < FEWEST_TRAINED or sizes[TEST] == 0:
        got = ", ".join(f"{name} {size}" for name, size in zip(NAMES, sizes, strict=True))
        rule = f"must have {FEWEST_TRAINED} {unit} or more in train, and some in test"
        yield SettingError("splits", rule, got, "Name them in the data, or say splits: folds.")
    elif kinds.classes is not None:
        yield from _untrained(kinds, names, unit)


def _untrained(kinds: RowKinds, names: Sequence[str], unit: str) -> Iterator[SettingError]:
    """Complain of each class that is validated or tested and never trained on."""
    assert kinds.classes is not None
    train = split_rows(SplitRule("fixed"), kinds, 0).train
    trained = np.bincount(kinds.classes[train], minlength=int(kinds.classes.max()) + 1)
    for number in np.flatnonzero(trained == 0)[:MAX_NAMED]:
        rule = f"class {_name(number, names)} must have {unit} in train"
        yield SettingError("", rule, 0, "Add some, leave the class out, or say splits: folds.")


def _name(number: int, names: Sequence[str]) -> str:
    return repr(names[number]) if names else str(number)
