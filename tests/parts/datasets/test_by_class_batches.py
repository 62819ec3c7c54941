"""Batches of one class each: what BN meets when the samples of a batch are alike."""

import pytest
import torch

from normbench.datasets._batches import Batches
from normbench.datasets.base import Split
from normbench.random_streams import stream
from normbench.study.config import RunConfig
from normbench.study.contradictions import contradictions
from normbench.training.build import build_training

LABELS = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 0])  # six, five and four samples


def make_batches(batch_size, labels=LABELS, group=None, seed=0):
    x = torch.arange(float(len(LABELS))).unsqueeze(1)
    return Batches(Split(x, labels, group), batch_size, stream(seed, "order"), "by_class")


def epoch_of(batches, batch_size, labels=LABELS):
    count = sum(int(size) // batch_size for size in torch.bincount(labels))
    return [batches.next() for _ in range(count)]


def taken(batches):
    return [sample for batch in batches for sample in batch.x[:, 0].int().tolist()]


@pytest.mark.parametrize("batch_size", [1, 2, 3, 4])
def test_every_batch_is_full_and_of_one_class(batch_size):
    batches = make_batches(batch_size)
    for _ in range(4):
        for batch in epoch_of(batches, batch_size):
            assert len(batch) == batch_size
            assert len(set(batch.y.tolist())) == 1
            assert torch.equal(LABELS[batch.x[:, 0].long()], batch.y)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 4])
def test_an_epoch_takes_each_sample_at_most_once(batch_size):
    batches = make_batches(batch_size)
    for _ in range(4):
        samples = taken(epoch_of(batches, batch_size))
        assert len(set(samples)) == len(samples)


def test_each_class_has_as_many_batches_as_it_fills():
    epoch = epoch_of(make_batches(2), 2)
    assert sorted(batch.y[0].item() for batch in epoch) == [0, 0, 0, 1, 1, 2, 2]


def test_samples_left_over_have_their_turn_in_other_epochs():
    batches = make_batches(4)
    seen = {sample for _ in range(40) for sample in taken(epoch_of(batches, 4))}
    assert seen == set(range(len(LABELS)))


def test_classes_come_in_an_order_of_their_own_in_each_epoch():
    batches = make_batches(2)
    orders = {tuple(batch.y[0].item() for batch in epoch_of(batches, 2)) for _ in range(10)}
    assert len(orders) > 5


def test_the_seed_alone_decides_the_order():
    state = torch.random.get_rng_state()
    first, again, other = (taken(epoch_of(make_batches(2, seed=seed), 2)) for seed in (3, 3, 4))
    assert first == again != other
    assert torch.equal(torch.random.get_rng_state(), state)


def test_where_a_split_has_groups_batches_are_of_one_group():
    values = 10 * torch.arange(float(len(LABELS))).unsqueeze(1)
    for batch in epoch_of(make_batches(3, labels=values, group=LABELS), 3):
        assert len(set(batch.group.tolist())) == 1
        assert torch.equal(batch.y, 10 * batch.x)


def config(**changes):
    model = {"name": "mlp", "hidden_features": [4]}
    return RunConfig.model_validate({"model": model, "dataset": "gaussian_clusters", "sampling": "by_class"} | changes)


def test_a_run_by_class_trains_on_batches_of_one_class():
    training, _ = build_training(config(batch_size=8), 0)
    classes = [set(training.batches.next().y.tolist()) for _ in range(30)]
    assert {len(found) for found in classes} == {1}
    assert len(set.union(*classes)) > 5


def test_a_run_by_class_trains_on_batches_of_one_style():
    training, _ = build_training(config(dataset="style_removal", batch_size=8), 0)
    assert {len(set(training.batches.next().group.tolist())) for _ in range(10)} == {1}


def test_an_epoch_by_class_has_the_full_batches_of_each_class():
    dataset = {"name": "gaussian_clusters", "num_classes": 3, "num_samples": 20}  # 7, 7 and 6 samples
    epochs = {"num_epochs": 2, "batch_size": 4, "dataset": dataset}
    assert config(**epochs).total_steps == 2 * 3
    assert config(**epochs, sampling="shuffled").total_steps == 2 * 5


def test_without_classes_there_is_nothing_to_sample_by():
    found = contradictions(config(dataset="linear_regression", batch_size=4))
    rule = "must be shuffled with linear_regression, which has no classes"
    assert [str(error) for error in found] == [f"sampling: {rule}, got 'by_class'. Write sampling: shuffled."]


def test_a_batch_larger_than_a_class_is_refused():
    found = contradictions(config(batch_size=201))
    rule = "must be at most the 200 training samples of the smallest class, with sampling: by_class"
    way_out = "Use a smaller batch or more samples."
    assert [str(error) for error in found] == [f"batch_size: {rule}, got 201. {way_out}"]


def test_a_batch_as_large_as_a_class_is_not():
    assert contradictions(config(batch_size=200)) == []
