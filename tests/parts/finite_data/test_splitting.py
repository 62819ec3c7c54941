"""Splits of finite data: every row once, classes even, groups whole, nothing but rule, kinds and seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normbench.errors import SettingError
from normbench.finite_data.row_kinds import RowKinds
from normbench.finite_data.split_complaints import split_complaints
from normbench.finite_data.split_rule import Shares, SplitRule, read_split_rule
from normbench.finite_data.splitting import num_folds_of, split_rows

FOLDS, RANDOM, FIXED = SplitRule("folds"), SplitRule("random"), SplitRule("fixed")
THREE = 3


@st.composite
def rows(draw, with_groups=False):
    """Rows of 1 to 4 classes, 3 to 40 of each, in any order; perhaps in groups."""
    sizes = draw(st.lists(st.integers(3, 40), min_size=1, max_size=4))
    order = np.random.default_rng(draw(st.integers(0, 99))).permutation(sum(sizes))
    classes = np.repeat(np.arange(len(sizes)), sizes)[order]
    num_groups = draw(st.integers(THREE, 12))
    groups = np.array(draw(st.lists(st.integers(0, num_groups), min_size=len(order), max_size=len(order))))
    return RowKinds(len(classes), draw(st.sampled_from([classes, None])), groups * 7 if with_groups else None)


def rules():
    shares = st.sampled_from([Shares(), Shares(0.5, 0.25, 0.25), Shares(0.8, 0.1, 0.1), Shares(0.2, 0.2, 0.6)])
    folds = st.sampled_from([None, 3, 5]).map(lambda count: SplitRule("folds", count))
    return st.one_of(folds, shares.map(lambda one: SplitRule("random", shares=one)))


def sets(split):
    return [split.train, split.validation, split.test]


@settings(max_examples=25, deadline=None)
@given(rows(), rules(), st.integers(0, 40))
def test_every_row_is_in_one_set_and_none_is_empty(kinds, rule, seed):
    if split_complaints(rule, kinds):
        return
    found = sets(split_rows(rule, kinds, seed))
    assert np.sort(np.concatenate(found)).tolist() == list(range(kinds.num_rows))
    assert all(len(one) for one in found)


@settings(max_examples=25, deadline=None)
@given(rows(), rules(), st.integers(0, 40))
def test_each_class_has_its_share_in_each_set_up_to_two_rows(kinds, rule, seed):
    classes = np.zeros(kinds.num_rows, int) if kinds.classes is None else kinds.classes
    if split_complaints(rule, kinds):
        return
    num_folds = num_folds_of(rule, kinds)
    of_folds = (1 - 2 / num_folds, 1 / num_folds, 1 / num_folds)
    shares = of_folds if rule.how == "folds" else rule.shares.in_order()
    for share, chosen in zip(shares, sets(split_rows(rule, kinds, seed)), strict=True):
        wanted, got = share * np.bincount(classes), np.bincount(classes[chosen], minlength=classes.max() + 1)
        assert (abs(got - wanted) <= 2).all()


@settings(max_examples=25, deadline=None)
@given(rows(), st.sampled_from([FOLDS, RANDOM]), st.integers(0, 40))
def test_each_class_is_in_each_set(kinds, rule, seed):
    """Three rows are enough."""
    if kinds.classes is None:
        return
    for chosen in sets(split_rows(rule, kinds, seed)):
        assert set(kinds.classes[chosen]) == set(kinds.classes)


@settings(max_examples=25, deadline=None)
@given(rows(with_groups=True), rules(), st.integers(0, 40))
def test_no_group_is_in_two_sets_and_no_set_is_empty(kinds, rule, seed):
    if split_complaints(rule, kinds):
        return
    found = [set(kinds.groups[chosen]) for chosen in sets(split_rows(rule, kinds, seed))]
    assert all(found)
    assert sum(map(len, found)) == len(set.union(*found))


@settings(max_examples=15, deadline=None)
@given(st.data(), st.booleans(), st.integers(0, 3))
def test_folds_test_every_row_once_per_repetition_and_validate_on_the_next(data, with_groups, repetition):
    kinds = data.draw(rows(with_groups))
    if split_complaints(FOLDS, kinds):
        return
    count = num_folds_of(FOLDS, kinds)
    splits = [split_rows(FOLDS, kinds, repetition * count + fold) for fold in range(count)]
    assert np.sort(np.concatenate([split.test for split in splits])).tolist() == list(range(kinds.num_rows))
    for split, following in zip(splits, [*splits[1:], splits[0]], strict=True):
        assert split.validation.tolist() == following.test.tolist()


@pytest.mark.parametrize("groups", [None, np.arange(60) // 3, np.repeat(np.arange(12), [*range(1, 11), 0, 5])])
@pytest.mark.parametrize("rule", [FOLDS, RANDOM])
def test_each_repetition_and_each_random_seed_is_another_split(rule, groups):
    kinds = RowKinds(60, np.arange(60) % 2, groups)
    step = num_folds_of(rule, kinds) if rule.how == "folds" else 1
    tested = {tuple(split_rows(rule, kinds, step * number).test) for number in range(6)}
    assert len(tested) >= 5, "two of few groups may meet again"


def test_the_sizes_of_random_splits_are_those_of_any_seed():
    kinds = RowKinds(101, np.repeat(np.arange(4), [3, 7, 40, 51]))
    sizes = {tuple(map(len, sets(split_rows(RANDOM, kinds, seed)))) for seed in range(20)}
    assert len(sizes) == 1
    assert sum(abs(size - share * 101) <= 2 for size, share in zip(*sizes, (0.6, 0.2, 0.2), strict=True)) == THREE


@pytest.mark.parametrize("rule", [FOLDS, RANDOM])
def test_groups_keep_the_shares_of_classes_where_they_can(rule):
    """60 patients of 10 rows, half of them ill: parts differ by less than a patient from their share."""
    patients = np.repeat(np.arange(60), 10)
    kinds = RowKinds(600, (patients % 2), patients)
    count = num_folds_of(rule, kinds)
    shares = (1 - 2 / count, 1 / count, 1 / count) if rule.how == "folds" else rule.shares.in_order()
    for seed in range(5):
        for share, chosen in zip(shares, sets(split_rows(rule, kinds, seed)), strict=True):
            assert abs(np.bincount(kinds.classes[chosen]) - share * 300).max() <= 20


def test_one_large_group_leaves_rows_for_every_set():
    kinds = RowKinds(100, None, np.r_[np.zeros(96, int), 1, 2, 3, 4])
    for rule in (SplitRule("folds", 4), RANDOM):
        for seed in range(8):
            assert all(len(chosen) for chosen in sets(split_rows(rule, kinds, seed)))


def test_a_split_of_numpy_and_of_the_same_rows_read_again_is_the_same():
    kinds, again = (RowKinds(50, np.arange(50) % 3, np.arange(50) // 4) for _ in range(2))
    for rule in (FOLDS, RANDOM):
        assert [x.tolist() for x in sets(split_rows(rule, kinds, 3))] == [
            x.tolist() for x in sets(split_rows(rule, again, 3))
        ]


def test_a_split_stays_as_it_was():
    """The rows of seed 3 in this version: another draw would make other runs of the same data."""
    kinds = RowKinds(12, np.arange(12) % 2)
    assert split_rows(SplitRule("folds", 4), kinds, 3).test.tolist() == [0, 7, 8]
    assert split_rows(RANDOM, kinds, 3).test.tolist() == [0, 9]


def test_fixed_parts_are_those_of_the_data_under_every_seed():
    parts = np.array([0, 0, 0, 1, 2, 2, 0])
    for seed in (0, 5):
        split = split_rows(FIXED, RowKinds(7, None, None, parts), seed)
        assert [one.tolist() for one in sets(split)] == [[0, 1, 2, 6], [3], [4, 5]]


def test_fixed_parts_without_validation_get_a_fifth_of_the_training_rows():
    parts = np.array([0] * 50 + [2] * 10)
    kinds = RowKinds(60, np.arange(60) % 2, np.arange(60) // 2, parts)
    first, again = (split_rows(FIXED, kinds, seed) for seed in (0, 9))
    assert first.test.tolist() == list(range(50, 60))
    assert first.validation.tolist() == again.validation.tolist()
    assert len(first.validation) == 10
    assert not set(kinds.groups[first.validation]) & set(kinds.groups[first.train])


@pytest.mark.parametrize(("sizes", "count"), [([40, 40], 8), ([40, 5], 5), ([3, 9], 3)])
def test_there_are_eight_folds_or_as_many_as_the_smallest_class_fills(sizes, count):
    kinds = RowKinds(sum(sizes), np.repeat(np.arange(len(sizes)), sizes))
    assert num_folds_of(FOLDS, kinds) == count
    assert num_folds_of(SplitRule("folds", 10), kinds) == 10, "what was said stays"


def complaints(rule, kinds, *more):
    return [str(error) for error in split_complaints(rule, kinds, *more)]


def test_a_class_of_two_is_named():
    kinds = RowKinds(9, np.array([0] * 7 + [1] * 2))
    for rule in (FOLDS, RANDOM):
        assert complaints(rule, kinds, ["cow", "gnu"], "images") == [
            ": class 'gnu' must have 3 images or more, got 2. Add images, or leave the class out."
        ]
    kinds = RowKinds(9, np.array([0] * 5 + [1] * 4), np.array([0, 1, 2, 3, 4, 5, 5, 6, 6]))
    assert complaints(FOLDS, kinds, ["cow", "gnu"]) == [
        ": class 'gnu' must be in 3 groups or more, got 2. Add groups, or leave the class out."
    ]


def test_many_classes_of_one_row_are_counted():
    found = complaints(FOLDS, RowKinds(100, np.arange(100)))
    assert len(found) == 6
    assert "95 more classes with fewer" in found[-1]
    assert "task: regression" in found[-1]


def test_too_few_rows_or_groups_are_refused():
    assert "must have 3 rows or more to split, got 2" in complaints(RANDOM, RowKinds(2))[0]
    assert "must have 10 rows or more to split, got 9" in complaints(SplitRule("folds", 10), RowKinds(9))[0]
    assert "must have 3 groups or more to split, got 2" in complaints(FOLDS, RowKinds(9, None, np.arange(9) % 2))[0]


def test_fixed_needs_parts_with_rows_and_every_class_in_train():
    assert "do not say which rows" in complaints(FIXED, RowKinds(9))[0]
    assert "got 'train 9, validation 0, test 0'" in complaints(FIXED, RowKinds(9, parts=np.zeros(9, int)))[0]
    kinds = RowKinds(4, np.array([0, 0, 0, 1]), parts=np.array([0, 0, 1, 2]))
    assert complaints(FIXED, kinds, ["a", "b"]) == [
        ": class 'b' must have rows in train, got 0. Add some, leave the class out, or say splits: folds."
    ]


@pytest.mark.parametrize(
    "said", ["folds", "random", "fixed", {"folds": 5}, {"random": {"train": 0.5, "validation": 0.25, "test": 0.25}}]
)
def test_a_rule_is_written_as_it_was_read(said):
    assert read_split_rule(said).as_yaml() == said


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ("fold", "must say one of folds, random, fixed, got 'fold'"),
        (5, "must say one of"),
        ({"folds": 2}, "folds: must be a whole number from 3 to 1,000, got 2"),
        ({"folds": True}, "folds: must be a whole number"),
        ({"folds": 5, "random": {}}, "must say one of"),
        ({"random": {"test": 1.5}}, "random: must hold shares"),
        ({"random": {"test": 0.5, "validation": 0.5}}, "random: must be shares that make 1 together"),
        ({"random": {"train": 0.5}}, "they are 0.5, 0.2, 0.2"),
        ({"random": {"tests": 0.5}}, "random: must hold shares"),
        ({}, "must say one of"),
        ([], "must say one of"),
    ],
)
def test_another_rule_is_refused(said, refusal):
    with pytest.raises(SettingError, match=refusal.replace("(", r"\(")):
        read_split_rule(said)
