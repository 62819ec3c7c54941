"""Every dataset that seeds draw: seeds, splits and what it declares."""

import random
from functools import cache
from itertools import combinations

import numpy as np
import pytest
import torch
from contracts.variants import each, settings_of, variants

from normbench.datasets._finite import FiniteDataset

DRAWN = [variant for variant in variants("datasets") if not issubclass(variant, FiniteDataset)]
EVERY_DATASET = pytest.mark.parametrize("spec", each(spec for variant in DRAWN for spec in settings_of(variant)))
DEFAULTS = pytest.mark.parametrize("spec", each(variant() for variant in DRAWN))
SPLITS = ("train", "validation", "test")
SMALLEST_TEST_SET = 2000


@cache
def drawn(spec, seed):
    return spec.build(seed)


def tensors(dataset):
    """Return every tensor of a dataset by split and letter."""
    found = {
        (name, key): getattr(split, key) for name, split in dataset.splits().items() for key in ("x", "y", "group")
    }
    return {key: tensor for key, tensor in found.items() if tensor is not None}


def samples(split):
    """Return the samples as a set of bytes, input and target together."""
    columns = [split.x.flatten(1)] if split.y is None else [split.x.flatten(1), split.y.view(len(split), -1)]
    rows = torch.cat([column.double() for column in columns], dim=1).numpy()
    return {row.tobytes() for row in rows}


@DEFAULTS
def test_the_same_seed_draws_the_same(spec):
    first, again = tensors(drawn(spec, 0)), tensors(spec.build(0))
    assert first.keys() == again.keys()
    assert all(torch.equal(first[key], again[key]) for key in first)


@DEFAULTS
@pytest.mark.parametrize("split", SPLITS)
def test_another_seed_draws_other_samples(spec, split):
    assert samples(getattr(drawn(spec, 0), split)).isdisjoint(samples(getattr(drawn(spec, 1), split)))


@DEFAULTS
def test_the_global_random_state_is_not_touched(spec):
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002 - the state that must not move
    torch.manual_seed(5)
    before = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())  # noqa: NPY002
    spec.build(0)
    after = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())  # noqa: NPY002
    assert after == before


@DEFAULTS
def test_the_global_random_state_decides_nothing(spec):
    torch.manual_seed(6)
    first, again = tensors(drawn(spec, 0)), tensors(spec.build(0))
    assert all(torch.equal(first[key], again[key]) for key in first)


@EVERY_DATASET
@pytest.mark.parametrize(("one", "other"), list(combinations(SPLITS, 2)))
def test_no_sample_is_in_two_splits(spec, one, other):
    dataset = drawn(spec, 0)
    assert samples(getattr(dataset, one)).isdisjoint(samples(getattr(dataset, other)))


@EVERY_DATASET
def test_no_sample_of_an_extra_split_was_trained_on(spec):
    dataset = drawn(spec, 0)
    for name in dataset.extra:
        assert samples(dataset.extra[name]).isdisjoint(samples(dataset.train)), name


@EVERY_DATASET
def test_inputs_are_finite_float32_of_the_declared_shape(spec):
    for (split, letter), tensor in tensors(drawn(spec, 0)).items():
        if letter == "x":
            declared = spec.input_shape if split not in drawn(spec, 0).extra else _grown(spec.input_shape, tensor)
            assert tensor.shape[1:] == declared
            assert tensor.dtype == torch.float32
            assert tensor.isfinite().all()


def _grown(input_shape, x):
    """Return the declared shape with the steps of x: extra sequences (steps, features) may be longer."""
    return (max(input_shape[0], x.shape[1]), input_shape[1]) if len(input_shape) == 2 else input_shape


@EVERY_DATASET
def test_targets_are_what_the_task_needs(spec):
    for split in drawn(spec, 0).splits().values():
        assert CHECKS[spec.task](split, spec.output_shape)


def _are_numbers(split, output_shape):
    y = split.y
    return y.shape == (len(split), *output_shape) and y.dtype == torch.float32 and bool(y.isfinite().all())


def _are_classes(split, output_shape):
    y = split.y
    return y.shape == (len(split),) and y.dtype == torch.int64 and set(y.tolist()) <= set(range(output_shape[0]))


def _are_missing(split, output_shape):  # noqa: ARG001 - as its siblings
    return split.y is None


CHECKS = {
    "regression": _are_numbers,
    "style_transfer": _are_numbers,
    "classification": _are_classes,
    "signal": _are_missing,
}


@DEFAULTS
def test_every_class_is_in_every_split(spec):
    if spec.task != "classification":
        pytest.skip("no classes")
    for split in drawn(spec, 0).splits().values():
        assert set(split.y.tolist()) == set(range(spec.output_shape[0]))


@EVERY_DATASET
def test_the_training_set_has_the_declared_number_of_samples(spec):
    assert len(drawn(spec, 0).train) == spec.num_train


@EVERY_DATASET
def test_the_training_set_has_the_declared_number_of_samples_in_each_group(spec):
    train = drawn(spec, 0).train
    labels = train.y if spec.task == "classification" else train.group
    sizes = () if labels is None else tuple(torch.bincount(labels, minlength=len(spec.group_sizes)).tolist())
    assert sizes == spec.group_sizes


@DEFAULTS
def test_on_a_device_a_dataset_has_the_same_splits(spec):
    dataset = drawn(spec, 0)
    moved = dataset.to(torch.device("meta"))
    assert {key: t.shape for key, t in tensors(moved).items()} == {k: t.shape for k, t in tensors(dataset).items()}
    assert list(moved.splits()) == list(dataset.splits())
    assert all(tensor.is_meta for tensor in tensors(moved).values())


@EVERY_DATASET
def test_the_test_loss_is_precise(spec):
    if spec.task == "signal":
        pytest.skip("no loss")
    dataset = drawn(spec, 0)
    assert len(dataset.test) >= SMALLEST_TEST_SET or dataset.noise_free is not None
