"""Every dataset of which there are only so many rows: bundled ones, and those of the user's by an example."""

import pickle

import numpy as np
import pytest
import torch
from contracts.finite_examples import EXAMPLES, bundled, example, of_the_user

BUNDLED = [pytest.param(lambda _folder, v=variant: v(), id=variant().name) for variant in bundled()]
FILES = {}


def spec_of_example(name, folder):
    if name not in FILES:
        with example(name, folder / name) as FILES[name]:
            FILES[name].mistakes()
    return FILES[name]


EVERY = [
    *BUNDLED,
    *(pytest.param(lambda folder, n=name: spec_of_example(n, folder), id=name) for name in sorted(EXAMPLES)),
]
every = pytest.mark.parametrize("make", EVERY)
SPLITS = ("train", "validation", "test")


def bytes_of(dataset):
    return [tensor.numpy().tobytes() for split in dataset.splits().values() for tensor in (split.x, split.y)]


def test_every_dataset_of_the_users_has_an_example():
    assert set(EXAMPLES) == set(of_the_user())


@every
def test_its_data_can_be_read_and_split(make, empty_folders):
    spec = make(empty_folders)
    assert spec.mistakes() == []
    assert spec.finite.num_rows == spec.num_samples == spec.rows.kinds.num_rows
    assert spec.finite.splits in ("folds", "fixed")


@every
def test_the_same_seed_has_the_same_bytes_and_another_seed_others(make, empty_folders):
    spec = make(empty_folders)
    first, again, other = (bytes_of(spec.build(seed)) for seed in (0, 0, 1))
    assert first == again
    assert first != other


@every
def test_each_row_is_in_one_split_and_tested_once_by_the_folds(make, empty_folders):
    spec = make(empty_folders)
    count = spec.finite.num_folds
    splits = [spec.split_of(seed) for seed in range(count)]
    for chosen in splits:
        assert sorted(np.concatenate(list(chosen.values()))) == list(range(spec.num_samples))
    assert sorted(np.concatenate([chosen["test"] for chosen in splits])) == list(range(spec.num_samples))


@every
def test_a_split_holds_the_rows_that_it_says(make, empty_folders):
    spec = make(empty_folders)
    dataset, chosen = spec.build(2), spec.split_of(2)
    for name in SPLITS:
        split = getattr(dataset, name)
        assert len(split) == len(chosen[name])
        if spec.task == "classification":
            assert split.y.tolist() == spec.rows.kinds.classes[chosen[name]].tolist()


@every
def test_inputs_and_targets_are_what_networks_take(make, empty_folders):
    spec = make(empty_folders)
    for split in spec.build(0).splits().values():
        assert split.x.shape[1:] == spec.input_shape
        assert split.x.dtype == torch.float32
        assert split.x.isfinite().all()
        if spec.task == "classification":
            assert split.y.dtype == torch.int64
            assert set(split.y.tolist()) == set(range(spec.output_shape[0])), "every class is in every split"
        elif spec.task == "regression":
            assert (split.y.dtype, split.y.shape[1:]) == (torch.float32, spec.output_shape)


@every
def test_training_rows_are_standardized_and_the_others_by_them_alone(make, empty_folders):
    spec = make(empty_folders)
    dataset = spec.build(0)
    axes = [0, *range(2, dataset.train.x.ndim)]
    x = dataset.train.x.double()
    std = x.std(axes, correction=0)
    assert torch.allclose(x.mean(axes), torch.zeros_like(std), atol=1e-5)
    assert torch.allclose(std, torch.where(std > 0, 1.0, 0.0).double(), atol=1e-5)
    assert dataset.test.x.mean().abs() > 1e-7, "the rows of other splits tell nothing"


@every
def test_the_declared_sizes_are_the_smallest_of_any_seed(make, empty_folders):
    spec = make(empty_folders)
    trained = [spec.build(seed).train for seed in range(spec.finite.num_folds)]
    assert min(map(len, trained)) == spec.num_train
    if spec.group_sizes:
        counts = torch.stack([torch.bincount(train.y, minlength=len(spec.group_sizes)) for train in trained])
        assert tuple(counts.min(0).values.tolist()) == spec.group_sizes


@every
def test_the_digest_is_of_the_rows_and_the_same_in_another_process(make, empty_folders):
    spec = make(empty_folders)
    (digest,) = spec.digests().values()
    assert len(digest) == 64
    sent = pickle.loads(pickle.dumps(spec))
    assert sent == spec
    assert sent.read().digest == digest
