"""The documents' own numbers, from normbench's layers. Each test names its row in the list of claims and its document.

R  正则化 (Regularization), 2021-08-15, after https://zhuanlan.zhihu.com/p/265394674
G  BN, GN+WS, MagicGeek2.github.io, after 一文搞懂Batch Normalization,Layer/Instance/Group Norm
V  各种Normalization
"""

from math import gamma, pi, sqrt

import pytest
import torch

from normbench.models.base import Linear
from normbench.norms.batch_norm import BatchNormSpec
from normbench.norms.group_norm import GroupNormSpec
from normbench.norms.instance_norm import InstanceNormSpec
from normbench.norms.layer_norm import LayerNormSpec

PRINTED = 5e-5  # four decimals


def constant_channels(*shape):
    """Return the documents' input: channel i is i + 1 everywhere."""
    num_channels = shape[1]
    return torch.arange(1.0, num_channels + 1).view(1, -1, *(1 for _ in shape[2:])).expand(shape).contiguous()


def num_statistics(spec, x):
    """Count them: one changed value changes all that are normalized with it. The spec must say the same."""
    layer, changed = spec.build(tuple(x.shape[1:])).double(), x.clone()
    changed.view(-1)[0] += 10
    count = x.numel() / int((layer(changed) != layer(x)).sum())
    assert count == spec.properties(tuple(x.shape[1:]), batch_size=len(x), training=True).num_statistics
    return count


def normal(*shape):
    return torch.randn(shape, dtype=torch.float64)


@pytest.mark.parametrize("shape", [(3, 5, 1), (3, 3, 2, 2)], ids=["A1-A2-BatchNorm1d", "A3-BatchNorm2d"])
def test_running_statistics_of_batch_norm_after_two_batches(shape):
    """A1, A2, A3: document R, nn.BatchNorm1d() and nn.BatchNorm2d() with momentum 0.3."""
    layer = BatchNormSpec(momentum=0.3).build(shape[1:])
    for mean, var in (([0.3, 0.6, 0.9, 1.2, 1.5], 0.7), ([0.51, 1.02, 1.53, 2.04, 2.55], 0.49)):
        layer(constant_channels(*shape))
        assert layer.running_mean.tolist() == pytest.approx(mean[: shape[1]], abs=PRINTED)
        assert layer.running_var.tolist() == pytest.approx([var] * shape[1], abs=PRINTED)
        assert (layer.weight.tolist(), layer.bias.tolist()) == ([1.0] * shape[1], [0.0] * shape[1])


def test_batch_norm_of_volumes_has_one_of_everything_per_channel():
    """A4: document R, nn.BatchNorm3d() on (3, 3, 2, 2, 3)."""
    layer = BatchNormSpec(momentum=0.3).build((3, 2, 2, 3))
    layer(constant_channels(3, 3, 2, 2, 3))
    shapes = [tuple(t.shape) for t in (layer.running_mean, layer.running_var, layer.weight, layer.bias)]
    assert shapes == [(3,)] * 4


def test_layer_norm_over_a_sample_gives_minus_one_and_one():
    """A5: document R, nn.LayerNorm([2, 3, 4]) on (8, 2, 3, 4)."""
    layer = LayerNormSpec(over="sample", affine="element").build((2, 3, 4))
    y = layer(constant_channels(8, 2, 3, 4))
    assert tuple(layer.weight.shape) == (2, 3, 4)
    torch.testing.assert_close(y[:, 0], torch.full((8, 3, 4), -1.0), rtol=0, atol=PRINTED)
    torch.testing.assert_close(y[:, 1], torch.full((8, 3, 4), 1.0), rtol=0, atol=PRINTED)


@pytest.mark.parametrize("over", ["map", "row"])
def test_layer_norm_over_constant_values_gives_zeros(over):
    """A5b: document R, "normalized_shape 为 (3, 4) 或者 (4)" on the same input."""
    y = LayerNormSpec(over=over).build((2, 3, 4))(constant_channels(8, 2, 3, 4))
    torch.testing.assert_close(y, torch.zeros_like(y), rtol=0, atol=PRINTED)


@pytest.mark.parametrize(("over", "expected"), [("sample", 8), ("map", 16), ("row", 48), ("position", 96)])
def test_layer_norm_takes_a_mean_and_variance_for_each(over, expected):
    """A5, A5b: document R, 8 on (8, 2, 3, 4) over a sample; over (3, 4), (4) and the channels at one position."""
    assert num_statistics(LayerNormSpec(over=over), normal(8, 2, 3, 4)) == expected


def test_instance_norm_of_constant_maps_gives_zeros():
    """A6: document R, nn.InstanceNorm2d on (3, 3, 2, 2); its printed output is lost."""
    y = InstanceNormSpec().build((3, 2, 2))(constant_channels(3, 3, 2, 2))
    torch.testing.assert_close(y, torch.zeros_like(y), rtol=0, atol=PRINTED)
    assert num_statistics(InstanceNormSpec(), normal(3, 3, 2, 2)) == 9


@pytest.mark.parametrize("side", [3, 2], ids=["text", "code"])
def test_group_norm_of_two_pairs_gives_minus_one_and_one(side):
    """A7: document R, nn.GroupNorm of 4 channels in 2 groups; the text has 3x3 maps, the code 2x2."""
    layer = GroupNormSpec(num_groups=2).build((4, side, side))
    expected = torch.tensor([-1.0, 1.0, -1.0, 1.0]).view(1, 4, 1, 1).expand(2, 4, side, side)
    assert tuple(layer.weight.shape) == (4,)
    torch.testing.assert_close(layer(constant_channels(2, 4, side, side)), expected, rtol=0, atol=PRINTED)


@pytest.mark.parametrize(("num_groups", "same"), [(1, LayerNormSpec()), (6, InstanceNormSpec())])
def test_group_norm_with_one_or_all_groups_is_layer_or_instance_norm(num_groups, same):
    """A7b: document R, "可以看作是 Layer Normalization 的基础上添加了特征分组"."""
    x = normal(4, 6, 3, 3)
    y, expected = (spec.build((6, 3, 3)).double()(x) for spec in (GroupNormSpec(num_groups=num_groups), same))
    torch.testing.assert_close(y, expected, rtol=0, atol=1e-12)


IMAGES = (32, 64, 14, 14)


@pytest.mark.parametrize(
    ("spec", "shape", "expected"),
    [
        (BatchNormSpec(), (32, 784), 784),
        (BatchNormSpec(), IMAGES, 64),
        (LayerNormSpec(), IMAGES, 32),
        (InstanceNormSpec(), IMAGES, 2048),
        (GroupNormSpec(num_groups=4), IMAGES, 128),
    ],
)
def test_number_of_means_and_variances_of_a_batch(spec, shape, expected):
    """A8: document G, 784, 64 and 32 x 64; one per example for layer norm, one per group of 16 maps for group norm."""
    assert num_statistics(spec, normal(*shape)) == expected


def test_groups_are_neighbouring_channels():
    """A8b: document G, "这些分组的 channel 都是默认按照连续的"."""
    layer, x = GroupNormSpec(num_groups=2).build((6, 4, 4)).double(), normal(3, 6, 4, 4)
    inside, across = [2, 0, 1, 3, 5, 4], [3, 1, 2, 0, 4, 5]
    torch.testing.assert_close(layer(x[:, inside]), layer(x)[:, inside], rtol=0, atol=1e-12)
    assert (layer(x[:, across]) - layer(x)[:, across]).abs().amax((2, 3)).min() > 1e-3


@pytest.mark.parametrize("batch_size", [16, 2048])
def test_batch_norm_before_relu_leaves_a_std_near_058(batch_size):
    """A10: document R prints [0.58, 0.59] over 100 layers, 256 wide, at batch 16; here the law, for one layer.

    E y^2 = 1/2 and E y = E |z| / 2, where z^2 / (n - 1) is Beta(1/2, (n - 2)/2): 0.5792 at n = 16, 0.5838 in the limit.
    """
    n = min(batch_size, 300)  # gamma() overflows beyond; the limit is reached
    mean_size = sqrt((n - 1) / pi) * gamma((n - 1) / 2) / gamma(n / 2)
    expected = sqrt(0.5 - mean_size**2 / 4)
    layer = Linear(256, 256, bias=False).followed_by(BatchNormSpec().build((256,)))
    with torch.no_grad():
        stds = []
        for _ in range(40 if batch_size == 16 else 2):
            layer.reset_parameters()
            stds.append(layer(torch.randn(batch_size, 256)).std().item())
    assert torch.tensor(stds).mean().item() == pytest.approx(expected, abs=0.003)  # 4 standard errors of 0.005
    assert expected == pytest.approx({16: 0.5792, 2048: 0.5838}[batch_size], abs=6e-4)


@pytest.mark.parametrize(
    ("spec", "batch_size", "blocks", "averaged"),
    [
        (BatchNormSpec(), 5, 6, (0, 2, 3, 4)),
        (LayerNormSpec(), 1, 1, (2, 3, 4)),
        (InstanceNormSpec(), 1, 6, (2, 3, 4)),
        (GroupNormSpec(num_groups=2), 1, 2, (2, 3, 4)),
    ],
)
def test_std_as_weight_and_mean_as_bias_give_the_input_back(spec, batch_size, blocks, averaged):
    """A14: document R, "那么就实现了恒等映射"; of one sample where each has its own statistics."""
    x = 3 + 2 * normal(batch_size, 6, 4, 4)
    layer = spec.build((6, 4, 4)).double()
    var, mean = torch.var_mean(x.unflatten(1, (blocks, -1)), averaged, correction=0)
    layer.weight.data.copy_((var + spec.eps).sqrt().view(-1).repeat_interleave(6 // blocks))
    layer.bias.data.copy_(mean.view(-1).repeat_interleave(6 // blocks))
    torch.testing.assert_close(layer(x), x, rtol=0, atol=1e-6)


def standardized_moment(x, power):
    centred = x - x.mean(0)
    return (centred**power).mean(0) / centred.square().mean(0) ** (power / 2)


def test_batch_norm_gives_mean_0_and_variance_1_but_keeps_the_shape():
    """A15: document R says "N(0,1)的正态分布"; exponential inputs keep skewness 2 and kurtosis 9, nearly."""
    x = torch.empty(4096, 3, dtype=torch.float64).exponential_()
    y = BatchNormSpec().build((3,)).double()(x)
    torch.testing.assert_close(y.mean(0), torch.zeros(3, dtype=torch.float64), rtol=0, atol=1e-12)
    torch.testing.assert_close(y.var(0, correction=0), torch.ones(3, dtype=torch.float64), rtol=0, atol=2e-5)
    for power, gaussian in ((3, 0.0), (4, 3.0)):
        moment = standardized_moment(y, power)
        torch.testing.assert_close(moment, standardized_moment(x, power), rtol=1e-9, atol=0)
        assert (moment > gaussian + 1).all()


def test_batch_norm_keeps_statistics_from_training_for_inference():
    """A18: document G, "而且 BN 还需要在训练的时候记录"."""
    layer, x = BatchNormSpec().build((6, 4, 4)).double(), 3 + normal(8, 6, 4, 4)
    assert {name for name, _ in layer.named_buffers()} == {"running_mean", "running_var", "num_batches_tracked"}
    trained = layer(x)
    assert (layer.eval()(x) - trained).abs().max() > 0.1


@pytest.mark.parametrize("spec", [LayerNormSpec(), InstanceNormSpec(), GroupNormSpec()])
def test_layer_instance_and_group_norm_keep_nothing_for_inference(spec):
    """A18: document G, "而 LN, IN, GN 则不需要这么做"."""
    layer, x = spec.build((6, 4, 4)).double(), 3 + normal(8, 6, 4, 4)
    assert not list(layer.buffers())
    assert torch.equal(layer.train()(x), layer.eval()(x))


def test_keeping_all_of_the_old_leaves_the_initial_statistics():
    """A19: document V, its momentum 1 (ours 0); it says the first batch's statistics, but they are never taken."""
    layer = BatchNormSpec(momentum=0.0).build((4,))
    for _ in range(3):
        layer(5 + 2 * torch.randn(16, 4))
    assert (layer.running_mean.tolist(), layer.running_var.tolist()) == ([0.0] * 4, [1.0] * 4)


def test_keeping_nothing_of_the_old_leaves_those_of_the_last_batch():
    """A19: document V, its momentum 0 (ours 1): "come from the last seen mini-batch"; the variance is unbiased."""
    layer, batches = BatchNormSpec(momentum=1.0).build((4,)).double(), [5 + 2 * normal(16, 4) for _ in range(3)]
    for batch in batches:
        layer(batch)
    torch.testing.assert_close(layer.running_mean, batches[-1].mean(0), rtol=1e-12, atol=0)
    torch.testing.assert_close(layer.running_var, batches[-1].var(0, correction=1), rtol=1e-12, atol=0)
