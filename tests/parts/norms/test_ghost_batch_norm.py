"""ghost_batch_norm beyond the contract: chunks, and running statistics with batch_norm's memory."""

import pytest
import torch
from torch import nn

from normbench.errors import SettingError
from normbench.norms.batch_norm import BatchNormSpec
from normbench.norms.ghost_batch_norm import GhostBatchNormSpec, chunk_sizes
from normbench.norms.instance_norm import InstanceNormSpec

SHAPE = (6, 4, 5)


def batch(size, shape=SHAPE):
    return 3 + 2 * torch.randn(size, *shape, dtype=torch.float64)


def built(shape=SHAPE, **settings):
    return GhostBatchNormSpec(**settings).build(shape).double()


def assert_same(y, expected):
    torch.testing.assert_close(y, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("shape", "ghost_size", "expected"),
    [
        ((8, 6), 4, [4, 4]),
        ((10, 6), 4, [4, 4, 2]),
        ((9, 6), 4, [4, 5]),  # one value per channel joins the chunk before
        ((9, 6, 5), 4, [4, 4, 1]),
        ((9, 6, 1, 1), 4, [4, 5]),
        ((3, 6), 4, [3]),
        ((1, 6), 4, [1]),
        ((3, 6, 5), 1, [1, 1, 1]),
    ],
)
def test_chunks_follow_each_other_and_the_last_holds_the_rest(shape, ghost_size, expected):
    assert chunk_sizes(shape, ghost_size) == expected


def test_each_chunk_is_normalized_like_a_batch_of_its_own():
    """The documents' devices that do not share statistics: torch's layer on each one's samples."""
    x = batch(10)
    devices = [nn.BatchNorm2d(6).double() for _ in range(3)]
    expected = torch.cat([device(chunk) for device, chunk in zip(devices, x.split(4), strict=True)])
    assert_same(built(ghost_size=4)(x), expected)


@pytest.mark.parametrize("momentum", [None, 0.1, 1.0])
def test_a_step_takes_in_the_chunks_average_weighted_by_size(momentum):
    layer, mean, var = built(ghost_size=4, momentum=momentum), torch.zeros(6).double(), torch.ones(6).double()
    for step in range(1, 4):
        x = batch(10)
        layer(x)
        share = momentum or 1 / step
        chunks, weights = x.split(4), (0.4, 0.4, 0.2)
        mean = (1 - share) * mean + share * sum(w * c.mean((0, 2, 3)) for w, c in zip(weights, chunks, strict=True))
        var = (1 - share) * var + share * sum(w * c.var((0, 2, 3)) for w, c in zip(weights, chunks, strict=True))
    assert_same(layer.running_mean, mean)
    assert_same(layer.running_var, var)
    assert layer.num_batches_tracked == 3


@pytest.mark.parametrize("ghost_size", [2, 4, 8, 100])
def test_the_memory_is_that_of_batch_norm_whatever_the_chunks(ghost_size):
    """The mean of equal chunks' means is the batch's: all running means agree at every step."""
    ghost, plain = built(ghost_size=ghost_size), BatchNormSpec().build(SHAPE).double()
    for _ in range(5):
        x = batch(16)
        ghost(x)
        plain(x)
        assert_same(ghost.running_mean, plain.running_mean)


def test_evaluation_and_small_batches_are_those_of_batch_norm():
    ghost, plain = built(ghost_size=8), BatchNormSpec().build(SHAPE).double()
    for size in (8, 3, 1):
        x = batch(size)
        assert torch.equal(ghost(x), plain(x))
    plain.load_state_dict(ghost.state_dict())
    for size in (16, 9, 1):  # composer's layer refuses batches below its ghost size, in evaluation too
        x = batch(size)
        assert torch.equal(ghost.eval()(x), plain.eval()(x))


def test_chunks_of_one_image_are_instance_norm():
    x = batch(5)
    assert_same(built(ghost_size=1)(x), InstanceNormSpec().build(SHAPE).double()(x))


def test_chunks_of_one_value_are_refused():
    with pytest.raises(SettingError) as refusal:
        GhostBatchNormSpec(ghost_size=1).build((6,))
    assert str(refusal.value) == (
        "ghost_size: must give 2 values per channel or more in features of shape (6,), got 1. Use 2 or more."
    )
    with pytest.raises(SettingError, match=r"^batch_size: must give ghost_batch_norm 2 values per channel"):
        GhostBatchNormSpec().check_batch((6,), 1)


def test_declared_chunks_are_counted():
    properties = GhostBatchNormSpec(ghost_size=4).properties(SHAPE, batch_size=10, training=True)
    assert (properties.averaged_axes, properties.num_statistics) == ("N/G H W", 18)
