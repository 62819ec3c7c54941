"""Finds what a user should know of a table: filled gaps, constant columns, columns that may be groups."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normbench.findings import Finding
from normbench.finite_data.row_kinds import RowKinds
from normbench.finite_data.targets import Targets

FEWEST_GROUPS = 10
"""Of fewer values, a target that is the same within each may well be chance, or knowledge."""
MAX_NAMED = 4


def gap_findings(gaps: Mapping[str, int], fill: str, num_dropped: int) -> Iterator[Finding]:
    """Say how many values were missing, and what was done."""
    if num_dropped:
        yield Finding("note", (), f"{num_dropped:,} rows with missing values are left out")
    elif gaps:
        named = ", ".join(f"{name} {count:,}" for name, count in list(gaps.items())[:MAX_NAMED])
        more = f" and {len(gaps) - MAX_NAMED} more columns" if len(gaps) > MAX_NAMED else ""
        of_numbers = "mean, with a column that says where" if fill == "own_category" else fill
        why = f"Numbers are the training rows' {of_numbers}; of names it is one of its own."
        yield Finding("note", (), f"missing values are filled: {named}{more}", why=why)


def constant_findings(values: Mapping[str, NDArray[Any]]) -> Iterator[Finding]:
    """Say which columns have one value in all rows."""
    constant = [name for name, found in values.items() if len(found) and bool((found == found[0]).all())]
    if constant:
        more = f" and {len(constant) - MAX_NAMED} more" if len(constant) > MAX_NAMED else ""
        named = ", ".join(constant[:MAX_NAMED]) + more
        yield Finding("note", (), f"columns with one value in all rows tell nothing: {named}")


def group_findings(columns: Mapping[str, NDArray[Any]], targets: Targets, kinds: RowKinds) -> Iterator[Finding]:
    """Warn of a column whose values come back, each always with the same target: it may be a patient, and no feature.

    Args:
        columns: Columns of categories and of whole numbers, as numbers; also those that no network gets.
        targets: The targets.
        kinds: The rows; of those with groups nothing is said.
    """
    if kinds.groups is not None or kinds.parts is not None:
        return
    target = targets.values if targets.task == "classification" else np.unique(targets.values, return_inverse=True)[1]
    for name, found in columns.items():
        codes = np.unique(found, return_inverse=True)[1].ravel()
        num_values, target = int(codes.max()) + 1, target.ravel()
        if num_values < max(FEWEST_GROUPS, len(targets.class_names) + 1) or 2 * num_values > len(codes):
            continue
        if len(np.unique(codes * (int(target.max()) + 1) + target)) == num_values:
            what = f"column {name!r} may be a group: each of its {num_values:,} values always has the same target"
            why = "Rows of one patient or document in train and test make a test of memory."
            yield Finding("warning", (), what, why=why, way_out=f"If it is one, say dataset.group: {name}.")
