"""The batches of a stack are those that each run draws for itself, also where their training sets differ in size."""

import pytest
import torch

from normbench.datasets._batches import Batches
from normbench.datasets.base import Split
from normbench.errors import RunFailedError
from normbench.random_streams import stream
from normbench.training.stack.batches import StackedBatches, refuse_small_set


def batches_of(seed, num_samples, batch_size=6, sampling="shuffled"):
    generator = stream(seed, "data")
    x, y = torch.rand(num_samples, 3, generator=generator), torch.arange(num_samples) % 2 if sampling else None
    return Batches(Split(x, y), batch_size, stream(seed, "order"), sampling)


@pytest.mark.parametrize("sampling", ["shuffled", "by_class"])
@pytest.mark.parametrize("sizes", [(20, 20, 20), (20, 31, 13), (12, 40, 12)])
def test_each_slot_gets_the_samples_that_its_run_draws_alone(sizes, sampling):
    together = StackedBatches([batches_of(seed, size, sampling=sampling) for seed, size in enumerate(sizes)])
    alone = [batches_of(seed, size, sampling=sampling) for seed, size in enumerate(sizes)]
    for _ in range(15):  # several epochs, of another length in each
        x, y = together.next()
        for slot, own in enumerate(alone):
            batch = own.next()
            assert torch.equal(x[slot], batch.x)
            assert torch.equal(y[slot], batch.y)


@pytest.mark.parametrize("sizes", [(6, 6, 6), (6, 15, 6), (15, 6, 15)])
def test_a_set_as_large_as_a_batch_is_taken_whole_and_unshuffled(sizes):
    given = [batches_of(seed, size) for seed, size in enumerate(sizes)]
    x, y = StackedBatches(given).next()
    for slot, size in enumerate(sizes):
        own = batches_of(slot, size).next()
        assert torch.equal(x[slot], own.x)
        assert torch.equal(y[slot], own.y)


def test_a_run_may_draw_for_itself_between_two_steps():
    given, alone = [batches_of(seed, 20) for seed in range(3)], [batches_of(seed, 20) for seed in range(3)]
    together = StackedBatches(given)
    for step in range(8):
        drawn = [own.next() for own in given] if step % 3 == 0 else None
        x = [batch.x for batch in drawn] if drawn else together.next()[0]
        assert all(torch.equal(x[slot], own.next().x) for slot, own in enumerate(alone))


def test_a_slot_that_is_not_trained_sees_what_another_sees():
    first, second = batches_of(0, 20), batches_of(1, 20)
    x, _ = StackedBatches([first, second, first]).next()
    assert torch.equal(x[0], x[2])
    assert not torch.equal(x[0], x[1])


def test_a_set_that_fills_no_batch_is_refused():
    refuse_small_set(batches_of(0, 6), 7)
    message = (
        "batch_size: must be at most the 5 training samples of seed 7 in a stack, got 6. "
        "Use a smaller one, or engine: loop."
    )
    with pytest.raises(RunFailedError) as told:
        refuse_small_set(batches_of(0, 5), 7)
    assert str(told.value) == message
