"""batch_norm beyond the contract: torch's momentum conventions, several momenta at once, and its traps."""

from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap

from normbench.errors import SettingError
from normbench.norms.batch_norm import BatchNormSpec
from normbench.norms.instance_norm import InstanceNormSpec

SHAPE = (6, 4, 5)
MOMENTA = (0.0, 0.01, 0.1, 0.5, 1.0)


def batches(count, size=5, shape=SHAPE):
    return [3 + i + 2 * torch.randn(size, *shape, dtype=torch.float64) for i in range(count)]


def built(shape=SHAPE, **settings):
    return BatchNormSpec(**settings).build(shape).double()


def assert_same(y, expected):
    torch.testing.assert_close(y, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("momentum", [None, *MOMENTA])
def test_running_statistics_are_those_of_torch(momentum):
    layer, reference = built(momentum=momentum), nn.BatchNorm2d(6, momentum=momentum).double()
    for batch in batches(4):
        assert_same(layer(batch), reference(batch))
    assert_same(layer.running_mean, reference.running_mean)
    assert_same(layer.running_var, reference.running_var)
    assert_same(layer.eval()(batch), reference.eval()(batch))


def test_without_momentum_all_batches_count_alike():
    layer, seen = built(momentum=None), batches(7)
    for batch in seen:
        layer(batch)
    assert_same(layer.running_mean, torch.stack([batch.mean((0, 2, 3)) for batch in seen]).mean(0))
    assert_same(layer.running_var, torch.stack([batch.var((0, 2, 3)) for batch in seen]).mean(0))
    assert layer.num_batches_tracked == 7


@pytest.mark.parametrize("momentum", [None, 0.0, 0.1])
def test_extra_momenta_are_what_training_with_each_would_have_left(momentum):
    layer, seen = built(momentum=momentum, extra_momenta=MOMENTA), batches(6)
    references = [nn.BatchNorm2d(6, momentum=extra).double() for extra in MOMENTA]
    for batch in seen:
        layer(batch)
        for reference in references:
            reference(batch)
    assert layer.extra_running_mean.shape == layer.extra_running_var.shape == (len(MOMENTA), 6)
    assert_same(layer.extra_running_mean, torch.stack([reference.running_mean for reference in references]))
    assert_same(layer.extra_running_var, torch.stack([reference.running_var for reference in references]))


def test_extra_momenta_change_nothing_else():
    """B16: training never reads running statistics, so one run carries all momenta."""
    plain, watched = built(), built(extra_momenta=MOMENTA)
    for batch in batches(4):
        x, again = batch.clone().requires_grad_(), batch.clone().requires_grad_()
        y, expected = watched(x), plain(again)
        assert torch.equal(y, expected)
        y.square().sum().backward()
        expected.square().sum().backward()
        assert torch.equal(x.grad, again.grad)
    assert_same(watched.running_mean, plain.running_mean)
    assert_same(watched.running_var, plain.running_var)
    assert_same(watched.eval()(batch), plain.eval()(batch))


@pytest.mark.parametrize("settings", [{"momentum": None}, {"extra_momenta": (0.5, 0.01)}])
def test_own_averages_contract(settings):
    layer = built(**settings)
    before = deepcopy(layer.eval().state_dict())
    layer(batches(1)[0])
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())
    layer.train().float()
    for scale in (1e25, 1e25, 1e-25):
        layer(scale * batches(1)[0].float())
    assert all(buffer.isfinite().all() for buffer in layer.buffers())
    layer.reset_running_stats()
    assert all(torch.equal(value, before[name].to(value.dtype)) for name, value in layer.state_dict().items())


@pytest.mark.parametrize("settings", [{"momentum": None}, {"extra_momenta": (0.5, 0.01)}])
def test_own_averages_under_vmap_equal_a_loop(settings):
    layers, base = [built(**settings) for _ in range(3)], built(**settings)
    for seen, layer in enumerate(layers):
        for batch in batches(seen):
            layer(batch)
    parameters, buffers = stack_module_state(deepcopy(layers))
    xs = torch.stack(batches(3))
    stacked = vmap(lambda p, b, x: functional_call(base, (p, b), (x,)))(parameters, buffers, xs)
    assert_same(stacked, torch.stack([layer(x) for layer, x in zip(layers, xs, strict=True)]))
    after = stack_module_state(layers)[1]
    for name, buffer in buffers.items():
        assert_same(buffer, after[name])


def test_without_running_statistics_evaluation_uses_its_own_batch():
    layer, x = built(track_running_stats=False), batches(1)[0]
    assert list(layer.buffers()) == []
    assert torch.equal(layer.eval()(x), layer.train()(x))
    assert_same(layer(x), nn.BatchNorm2d(6, track_running_stats=False).double()(x))


def test_tracking_switched_off_later_keeps_the_statistics_for_evaluation():
    """Research 1.7, trap 10: buffers stay, evaluation uses them, training no longer updates them."""
    layer, (first, second) = built(), batches(2)
    layer(first)
    kept = deepcopy(layer.state_dict())
    layer.track_running_stats = False
    layer(second)
    assert all(torch.equal(value, kept[name]) for name, value in layer.state_dict().items())
    mean, var = (kept[name].view(-1, 1, 1) for name in ("running_mean", "running_var"))
    assert_same(layer.eval()(second), (second - mean) / (var + 1e-5).sqrt())


@pytest.mark.parametrize("still", ["no_grad", "requires_grad"])
def test_freezing_does_not_stop_the_running_statistics(still):
    """Trap 9: only evaluation mode does."""
    layer, x = built(), batches(1)[0]
    layer.requires_grad_(still != "requires_grad")
    with torch.set_grad_enabled(still != "no_grad"):
        layer(x)
    assert (layer.running_mean - 0.1 * x.mean((0, 2, 3))).abs().max() < 1e-12


@pytest.mark.parametrize(
    "settings", [{}, {"momentum": None}, {"extra_momenta": (0.5,)}, {"track_running_stats": False}]
)
@pytest.mark.parametrize("shape", [(6,), (6, 1, 1)])
def test_one_value_per_channel_is_refused(shape, settings):
    """Trap 1."""
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        built(shape, **settings)(torch.ones(1, *shape, dtype=torch.float64))
    with pytest.raises(SettingError, match=r"^batch_size: must give batch_norm 2 values per channel or more"):
        BatchNormSpec(**settings).check_batch(shape, 1)


def test_a_batch_of_one_image_is_instance_norm():
    """Trap 1: with positions a batch of one runs."""
    x = batches(1, size=1)[0]
    assert_same(built()(x), InstanceNormSpec().build(SHAPE).double()(x))


def test_a_batch_of_two_leaves_one_bit_per_channel():
    """Trap 1: only +-1 is left of two values."""
    y = built((6,))(1e3 * batches(1, size=2, shape=(6,))[0])
    assert_same(y.abs().round(decimals=6), torch.ones_like(y))
    assert_same(y.sum(0), torch.zeros(6, dtype=torch.float64))


@pytest.mark.parametrize(("n", "expected"), [(64, 0.854), (16, 0.524), (4, 0.056)])
def test_the_gap_between_training_and_evaluation_compounds(n, expected):
    """Trap 5: 20 layers, each with a running variance larger by n / (n - 1) than what training divides by."""
    net = nn.Sequential(*(built((6,), momentum=1.0, affine="none", eps=1e-30) for _ in range(20)))
    x = batches(1, size=n, shape=(6,))[0]
    trained = net(x)
    ratio = (net.eval()(x) / trained).mean().item()
    assert ratio == pytest.approx(((n - 1) / n) ** 10, rel=1e-9)
    assert ratio == pytest.approx(expected, abs=1e-3)


def test_extra_momenta_need_running_statistics():
    spec = BatchNormSpec(track_running_stats=False, extra_momenta=(0.5,))
    with pytest.raises(SettingError) as refusal:
        spec.build(SHAPE)
    assert str(refusal.value) == (
        "extra_momenta: must be empty without the running statistics, got [0.5]. Write track_running_stats: true."
    )


def test_extra_momenta_are_shares():
    for wrong in ((1.5,), (-0.1,), ("0.1",)):
        with pytest.raises(ValueError, match="extra_momenta"):
            BatchNormSpec(extra_momenta=wrong)
    assert BatchNormSpec(extra_momenta=[0.1, 1]) == BatchNormSpec(**BatchNormSpec(extra_momenta=(0.1, 1.0)).changed())
