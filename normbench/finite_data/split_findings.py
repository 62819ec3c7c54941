"""Finds what a user should know of splits: fewer folds than by default, rows that are trained on and tested too."""

from collections.abc import Iterator, Sequence

import numpy as np

from normbench.findings import Finding
from normbench.finite_data.finite_rows import FiniteRows
from normbench.finite_data.split_rule import DEFAULT_NUM_FOLDS, SplitRule
from normbench.finite_data.splitting import SplitRows, first_splits, num_folds_of

UNEVEN = 1.5
"""Rows of the largest class over those that it had if all classes had as many: accuracy then says little."""


def split_findings(rule: SplitRule, rows: FiniteRows) -> list[Finding]:
    """Return what a user should know of how the rows are split."""
    splits = first_splits(rule, rows.kinds)
    where = {"folds": f"in {len(splits)} folds ", "random": "under seed 0 ", "fixed": ""}[rule.how]
    found = [*_fewer_folds(rule, rows), *_twins(splits, rows, where), *_unseen(splits, rows, where)]
    return [*found, *_uneven_classes(rows)]


def _fewer_folds(rule: SplitRule, rows: FiniteRows) -> Iterator[Finding]:
    if rule.how != "folds":
        return
    num_folds, counts = num_folds_of(rule, rows.kinds), rows.kinds.units_of_classes()
    things = rows.unit if rows.kinds.groups is None else "groups"
    name = f"class {rows.class_names[counts.argmin()]!r}" if rows.class_names else "the data"
    has = f"{name} {'has' if things == rows.unit else 'is in'} {counts.min()} {things}"
    if not rule.num_folds and num_folds < DEFAULT_NUM_FOLDS:
        what = f"{num_folds} folds: the default {DEFAULT_NUM_FOLDS} does not fit, {has}"
        yield Finding("warning", (), what, way_out="Say dataset.splits: {folds: ...} to have another number.")
    elif counts.min() < num_folds:
        yield Finding("note", (), f"{has}, fewer than the {num_folds} folds: not every seed tests it")


def _twins(splits: Sequence[SplitRows], rows: FiniteRows, where: str) -> Iterator[Finding]:
    same = rows.row_digests
    if len(np.unique(same)) == len(same):
        return
    count = sum(int(np.isin(same[split.test], same[split.train]).sum()) for split in splits)
    if count:
        what = f"{where}{count:,} {rows.unit} that are tested are equal to {rows.unit} of train"
        way_out = "Remove what is repeated, or keep what belongs together in one set by dataset.group."
        yield Finding("warning", (), what, why="What was trained on is no test.", way_out=way_out)


def _unseen(splits: Sequence[SplitRows], rows: FiniteRows, where: str) -> Iterator[Finding]:
    count = sum(rows.num_unseen(split.train, split.test) for split in splits)
    if count:
        what = f"{where}{count:,} {rows.unit} that are tested have a name that no training row has"
        yield Finding("note", (), what, why="It is 0 in the columns of all names.")


def _uneven_classes(rows: FiniteRows) -> Iterator[Finding]:
    if rows.kinds.classes is None:
        return
    counts = np.bincount(rows.kinds.classes)
    share = counts.max() / counts.sum()
    if share * len(counts) >= UNEVEN:
        name = rows.class_names[counts.argmax()] if rows.class_names else str(counts.argmax())
        what = f"class {name!r} has {100 * share:.0f} % of the {rows.unit}, which is the accuracy of saying it always"
        yield Finding("warning", (), what, way_out="Read test_balanced_accuracy beside it.")
