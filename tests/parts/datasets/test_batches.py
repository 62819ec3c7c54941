"""Which samples make up each step."""

import pytest
import torch

from normbench.datasets._batches import Batches
from normbench.datasets.base import Split
from normbench.random_streams import stream


def make_batches(num_samples, batch_size, seed=0, with_target=True):
    x = torch.arange(float(num_samples)).unsqueeze(1)
    y = 10 * x if with_target else None
    return Batches(Split(x, y), batch_size, stream(seed, "order"))


def drawn(batches, count):
    return [batches.next().x[:, 0].int().tolist() for _ in range(count)]


@pytest.mark.parametrize(("num_samples", "batch_size"), [(12, 4), (10, 3), (7, 1), (9, 5), (8, 7)])
def test_an_epoch_takes_each_sample_at_most_once_in_full_batches(num_samples, batch_size):
    batches, per_epoch = make_batches(num_samples, batch_size), num_samples // batch_size
    for _ in range(4):
        epoch = drawn(batches, per_epoch)
        assert {len(batch) for batch in epoch} == {batch_size}
        taken = [sample for batch in epoch for sample in batch]
        assert len(set(taken)) == len(taken) == per_epoch * batch_size
        assert set(taken) <= set(range(num_samples))


@pytest.mark.parametrize("max_batches", [None, 2])
def test_an_epoch_at_once_has_the_batches_that_are_drawn_one_by_one(max_batches):
    at_once = make_batches(10, 3).epoch(max_batches)
    expected = drawn(make_batches(10, 3), 3)[::-1][:max_batches]  # drawn from the end of the order
    assert at_once.x[:, 0].tolist() == [sample for batch in expected for sample in batch]
    assert torch.equal(at_once.y, 10 * at_once.x)


def test_samples_left_over_have_their_turn_in_other_epochs():
    batches = make_batches(10, 3)
    left_over = {(set(range(10)) - {s for batch in drawn(batches, 3) for s in batch}).pop() for _ in range(200)}
    assert left_over == set(range(10))


def test_epochs_are_shuffled_anew():
    batches = make_batches(20, 20 // 2)
    epochs = [tuple(map(tuple, drawn(batches, 2))) for _ in range(5)]
    assert len(set(epochs)) == 5


def test_a_seed_gives_the_same_order():
    assert drawn(make_batches(30, 4, seed=3), 25) == drawn(make_batches(30, 4, seed=3), 25)


def test_other_seeds_give_another_order():
    assert drawn(make_batches(30, 4, seed=3), 7) != drawn(make_batches(30, 4, seed=4), 7)


def test_the_order_neither_reads_nor_moves_the_global_random_state():
    state = torch.random.get_rng_state()
    first = drawn(make_batches(30, 4), 20)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.rand(5)
    assert drawn(make_batches(30, 4), 20) == first


def test_targets_stay_with_their_samples():
    batches = make_batches(11, 4)
    for _ in range(6):
        batch = batches.next()
        assert torch.equal(batch.y, 10 * batch.x)


def test_without_targets_batches_have_none():
    assert make_batches(11, 4, with_target=False).next().y is None


def test_a_batch_as_large_as_the_split_is_the_split_itself():
    batches = make_batches(6, 6)
    state = batches.generator.get_state()
    assert batches.next() is batches.next() is batches.split
    assert torch.equal(batches.generator.get_state(), state)
