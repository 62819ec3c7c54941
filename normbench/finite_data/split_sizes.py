"""Counts the training rows that every seed has at least, of each class and of all."""

from dataclasses import dataclass

import numpy as np

from normbench.finite_data.row_kinds import RowKinds
from normbench.finite_data.split_rule import SplitRule
from normbench.finite_data.splitting import first_splits

NUM_RANDOM = 8


@dataclass(frozen=True)
class SplitSizes:
    """Training rows of the seed with fewest.

    Attributes:
        num_train: Of all classes.
        of_classes: Of each class; empty without classes.
    """

    num_train: int
    of_classes: tuple[int, ...]


def split_sizes(rule: SplitRule, kinds: RowKinds) -> SplitSizes:
    """Return the smallest sizes over the seeds of one repetition of folds, or over 8 random splits.

    Without groups they are those of all seeds; with groups a later seed may have a few rows less.
    """
    trained = [split.train for split in first_splits(rule, kinds, num_random=NUM_RANDOM)]
    fewest = min(map(len, trained))
    if kinds.classes is None:
        return SplitSizes(fewest, ())
    num_classes = int(kinds.classes.max()) + 1
    counts = [np.bincount(kinds.classes[train], minlength=num_classes) for train in trained]
    return SplitSizes(fewest, tuple(np.min(counts, axis=0).tolist()))
