"""Splits the rows of finite data by seed: a pure function of the rule, of classes, groups and parts, and the seed."""

from dataclasses import dataclass

import numpy as np

from normbench.finite_data.dealing import deal_by_shares, deal_evenly
from normbench.finite_data.row_kinds import Numbers, RowKinds
from normbench.finite_data.split_rule import DEFAULT_NUM_FOLDS, MIN_FOLDS, SplitRule
from normbench.random_streams import stream

TRAIN, VALIDATION, TEST = range(3)
VALIDATION_SHARE = 0.2
"""Of the training rows, where the data say which rows are for tests and name none for validation."""


@dataclass(frozen=True)
class SplitRows:
    """The numbers of the rows in each set, rising; each row is in one of them."""

    train: Numbers
    validation: Numbers
    test: Numbers


def split_rows(rule: SplitRule, kinds: RowKinds, seed: int) -> SplitRows:
    """Return the rows of train, validation and test under a seed.

    ``folds``: seed s tests on fold s mod K of repetition s // K and validates on the next fold of that repetition,
    so that K seeds in a row, from 0 on, test every row once; each repetition deals the rows anew. ``random``: each
    seed draws its own. ``fixed``: the parts of the data, the same under every seed.

    Nothing depends on how many seeds there are, or on what the rows hold.
    """
    return _rows_of({"folds": _by_folds, "random": _at_random, "fixed": _as_given}[rule.how](rule, kinds, seed))


def num_folds_of(rule: SplitRule, kinds: RowKinds) -> int:
    """Return the number of folds: as said, or 8, fewer where a class has fewer rows or groups."""
    smallest = int(kinds.units_of_classes().min())
    return rule.num_folds or max(MIN_FOLDS, min(DEFAULT_NUM_FOLDS, smallest))


def first_splits(rule: SplitRule, kinds: RowKinds, num_random: int = 1) -> list[SplitRows]:
    """Return the splits of the first seeds: all of one repetition of folds, some random ones, or the fixed one."""
    if rule.how != "folds":
        return [split_rows(rule, kinds, seed) for seed in range(num_random if rule.how == "random" else 1)]
    num_folds = num_folds_of(rule, kinds)
    folds = _folds(kinds, num_folds, repetition=0)
    return [_rows_of(_part_of_fold(folds, fold, num_folds)) for fold in range(num_folds)]


def _rows_of(part: Numbers) -> SplitRows:
    train, validation, test = (np.flatnonzero(part == one) for one in (TRAIN, VALIDATION, TEST))
    return SplitRows(train, validation, test)


def _by_folds(rule: SplitRule, kinds: RowKinds, seed: int) -> Numbers:
    num_folds = num_folds_of(rule, kinds)
    repetition, fold = divmod(seed, num_folds)
    return _part_of_fold(_folds(kinds, num_folds, repetition), fold, num_folds)


def _folds(kinds: RowKinds, num_folds: int, repetition: int) -> Numbers:
    return deal_evenly(kinds, num_folds, stream(repetition, "data", "folds"))


def _part_of_fold(folds: Numbers, fold: int, num_folds: int) -> Numbers:
    distance = (folds - fold) % num_folds
    return np.select([distance == 0, distance == 1], [TEST, VALIDATION], TRAIN)


def _at_random(rule: SplitRule, kinds: RowKinds, seed: int) -> Numbers:
    return deal_by_shares(kinds, rule.shares.in_order(), stream(seed, "data", "split"))


def _as_given(_rule: SplitRule, kinds: RowKinds, _seed: int) -> Numbers:
    """Return the parts of the data; without rows for validation a fifth of the training rows, always the same."""
    assert kinds.parts is not None, "split_complaints() finds data without parts"
    if (kinds.parts == VALIDATION).any():
        return kinds.parts
    parts, train = kinds.parts.copy(), np.flatnonzero(kinds.parts == TRAIN)
    shares = (1 - VALIDATION_SHARE, VALIDATION_SHARE)
    parts[train] = deal_by_shares(kinds.take(train), shares, stream(0, "data", "validation"))
    return parts
