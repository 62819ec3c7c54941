"""Running statistics estimated anew: averages by size, through the whole net, and nothing else is touched."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from normbench.inspection.reestimation import reestimate, tracking_layers
from normbench.norms.batch_norm import BatchNormSpec
from normbench.norms.ghost_batch_norm import GhostBatchNormSpec
from normbench.norms.instance_norm import InstanceNormSpec
from normbench.norms.layer_norm import LayerNormSpec
from normbench.norms.switchable_norm import SwitchableNormSpec

SHAPE = (6, 4, 5)


def batches(*sizes):
    return [3 + 2 * torch.randn(size, *SHAPE, dtype=torch.float64) for size in sizes]


def assert_same(y, expected):
    torch.testing.assert_close(y, expected, rtol=1e-12, atol=1e-12)


def weighted(batches, statistic):
    return sum(len(batch) * statistic(batch) for batch in batches) / sum(map(len, batches))


@pytest.mark.parametrize("settings", [{}, {"momentum": None}, {"momentum": 0.0}, {"extra_momenta": (0.5,)}])
def test_batches_count_by_their_size(settings):
    layer, seen = BatchNormSpec(**settings).build(SHAPE).double(), batches(8, 8, 3)
    layer(batches(5)[0] + 100)  # forgotten
    reestimate(layer, seen)
    assert_same(layer.running_mean, torch.cat(seen).mean((0, 2, 3)))
    assert_same(layer.running_var, weighted(seen, lambda batch: batch.var((0, 2, 3))))


def test_instance_and_ghost_statistics_are_their_own():
    instance = InstanceNormSpec(track_running_stats=True).build(SHAPE).double()
    ghost, seen = GhostBatchNormSpec(ghost_size=4).build(SHAPE).double(), batches(8, 4)
    reestimate(nn.Sequential(instance), seen)
    reestimate(ghost, seen)
    chunks = [chunk for batch in seen for chunk in batch.split(4)]
    assert_same(instance.running_var, torch.cat(seen).var((2, 3)).mean(0))
    assert_same(ghost.running_var, weighted(chunks, lambda chunk: chunk.var((0, 2, 3))))


@pytest.mark.parametrize("average", ["moving", "batch"])
def test_switchable_norm_starts_anew(average):
    aged, fresh = (SwitchableNormSpec(average=average).build(SHAPE).double() for _ in range(2))
    seen = batches(8, 8)
    for batch in batches(5, 5, 5):
        aged(batch + 100)
    reestimate(aged, seen)
    reestimate(fresh, seen)
    assert_same(aged.running_mean, torch.cat(seen).mean((0, 2, 3)))
    assert_same(aged.running_mean, fresh.running_mean)
    assert_same(aged.running_var, fresh.running_var)


def deep_net():
    net = nn.Sequential(
        nn.Conv2d(6, 6, 3),
        BatchNormSpec(extra_momenta=(0.01, 0.5)).build(SHAPE),
        nn.ReLU(),
        nn.Dropout(0.5),
        LayerNormSpec().build((6, 2, 3)),
        nn.Conv2d(6, 6, 2),
        BatchNormSpec(momentum=None).build(SHAPE),
    ).double()
    for batch in batches(8, 8):
        net(batch)
    return net


def test_later_layers_see_what_training_would_show_them_but_for_dropout():
    net, (batch,) = deep_net(), batches(16)
    expected = deepcopy(net)
    reestimate(net, [batch])
    expected[3].p = 0.0
    with torch.no_grad():
        y = expected.train()(batch)
        before = expected[:6](batch)
    assert_same(net[6].running_mean, before.mean((0, 2, 3)))
    assert_same(net[6].running_var, before.var((0, 2, 3)))
    n = before[:, 0].numel()
    gap = (net.eval()(batch) / y).mean((0, 2, 3))
    torch.testing.assert_close(gap, torch.full_like(gap, ((n - 1) / n) ** 0.5), rtol=1e-3, atol=0)


def test_nothing_else_changes():
    net = deep_net()
    net[1].eval()
    before, modes, momenta = deepcopy(net.state_dict()), [m.training for m in net.modules()], (0.1, None)
    random_state = torch.get_rng_state()
    again = deepcopy(net)
    seen = batches(8, 8)
    torch.set_rng_state(random_state)
    reestimate(net, seen)
    assert torch.equal(torch.get_rng_state(), random_state)
    changed = {name for name, value in net.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {f"{i}.running_{name}" for i in (1, 6) for name in ("mean", "var")}
    assert [m.training for m in net.modules()] == modes
    assert (net[1].momentum, net[6].momentum) == momenta
    assert all(p.grad is None and p.requires_grad for p in net.parameters())
    reestimate(again, iter(seen))
    assert all(torch.equal(value, net.state_dict()[name]) for name, value in again.state_dict().items())


def test_what_keeps_no_statistics_is_left_alone():
    net = nn.Sequential(BatchNormSpec(track_running_stats=False).build(SHAPE), InstanceNormSpec().build(SHAPE)).double()
    switched_off = BatchNormSpec().build(SHAPE).double()
    switched_off(batches(4)[0])
    switched_off.track_running_stats = False
    before = deepcopy(switched_off.state_dict())
    net.append(switched_off)
    assert tracking_layers(net) == []
    reestimate(net, batches(4))
    assert all(torch.equal(value, before[name]) for name, value in switched_off.state_dict().items())


@pytest.mark.parametrize(
    ("given", "message"), [([], r"^batches: must hold one batch or more"), ([8, 1], "Expected more")]
)
def test_a_failure_leaves_everything_as_it_was(given, message):
    layer = BatchNormSpec().build((6,)).double()
    layer(torch.randn(5, 6).double())
    before = deepcopy(layer.state_dict())
    with pytest.raises(ValueError, match=message):
        reestimate(layer, [torch.randn(size, 6).double() for size in given])
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())
    assert (layer.momentum, layer.training) == (0.1, True)
