"""Batch renorm against its paper's algorithm in float64, and that statistics are what every way of training makes."""

from copy import deepcopy

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from normbench.inspection.norm_contract.copies import stacked_outputs
from normbench.inspection.recompute import Recomputed
from normbench.inspection.reestimation import reestimate
from normbench.norms._batch_norm import BatchNorm
from normbench.norms._renorm import Limits
from normbench.norms.batch_renorm import BatchRenorm, BatchRenormSpec
from normbench.stacking import RealRows, stacked

OPENING = Limits(r_max=1.5, d_max=0.8, r_max_steps=(1, 5), d_max_steps=(2, 4))
OPEN = Limits(r_max_steps=(0, 0), d_max_steps=(0, 0))
EPS, MOMENTUM = 1e-3, 0.2


def layer_of(limits=OPENING, *, num_features=3, **settings):
    return BatchRenorm(num_features, EPS, MOMENTUM, limits=limits, **settings).double()


def batches(num=7, shape=(4, 3, 2, 2)):
    """Return batches that differ much in mean and std."""
    return [3 * torch.randn(1).double() + (0.3 + k) * torch.randn(shape).double() for k in range(num)]


class Algorithm:
    """The paper's algorithm 1, with limits that open, on (N, C, H, W)."""

    def __init__(self, limits, num_features=3):
        self.limits, self.step = limits, 0
        self.mean = torch.zeros(1, num_features, 1, 1).double()
        self.std = torch.full_like(self.mean, (1 + EPS) ** 0.5)

    def train(self, x):
        mean = x.mean((0, 2, 3), keepdim=True)
        std = (EPS + (x - mean).square().mean((0, 2, 3), keepdim=True)).sqrt()
        r_limit = 1 + (self.limits.r_max - 1) * self.share(*self.limits.r_max_steps)
        d_limit = self.limits.d_max * self.share(*self.limits.d_max_steps)
        r = (std / self.std).clip(1 / r_limit, r_limit).detach()
        d = ((mean - self.mean) / self.std).clip(-d_limit, d_limit).detach()
        self.mean = self.mean + MOMENTUM * (mean.detach() - self.mean)
        self.std = self.std + MOMENTUM * (std.detach() - self.std)
        self.step += 1
        return (x - mean) / std * r + d

    def share(self, first, last):
        return 1.0 if self.step >= last else max(0.0, (self.step - first) / (last - first))


@pytest.mark.parametrize("limits", [OPENING, OPEN])
def test_training_evaluation_and_both_derivatives_are_those_of_the_paper(limits):
    layer, paper = layer_of(limits), Algorithm(limits)
    with torch.no_grad():
        layer.weight.add_(0.5)
        layer.bias.sub_(0.25)
    for x in batches():
        x.requires_grad_()
        y, expected = layer(x), 1.5 * paper.train(x) - 0.25
        torch.testing.assert_close(y, expected)
        for_y = torch.randn_like(x)
        first = [torch.autograd.grad(one, x, for_y, create_graph=True)[0] for one in (y, expected)]
        torch.testing.assert_close(*first)
        torch.testing.assert_close(*(torch.autograd.grad(one.square().sum(), x)[0] for one in first))
    evaluated = layer.eval()(x)
    torch.testing.assert_close(evaluated, 1.5 * (x - paper.mean) / paper.std - 0.25)
    assert layer.num_batches_tracked == len(batches())


def test_the_weight_sees_corrected_values():
    layer, x = layer_of(OPEN), batches(1)[0]
    y = layer(x)
    y.sum().backward()
    torch.testing.assert_close(layer.weight.grad, y.detach().sum((0, 2, 3)))  # weight 1 and bias 0


def test_within_its_limits_training_computes_what_evaluation_does():
    layer = layer_of(Limits(1e3, 1e3, (0, 0), (0, 0)))
    for x in batches():
        expected = deepcopy(layer).eval()(x)
        torch.testing.assert_close(layer(x), expected)


def test_closed_limits_are_batch_norm():
    x, closed = batches(1)[0], Limits(r_max=1.0, d_max=0.0, r_max_steps=(0, 0), d_max_steps=(0, 0))
    torch.testing.assert_close(layer_of(closed)(x), BatchNorm(3, EPS).double()(x))


@pytest.mark.parametrize(
    ("step", "limits"),
    [(0, (1, 0)), (5000, (1, 0)), (15000, (1 + 20 / 35, 2.5)), (25000, (1 + 40 / 35, 5)), (40000, (3, 5))],
)
def test_the_limits_at_a_step_with_the_papers_numbers(step, limits):
    paper = Limits(r_max=3.0, d_max=5.0, r_max_steps=(5000, 40000), d_max_steps=(5000, 25000))
    assert [float(one) for one in paper.at(torch.tensor(step).double())] == pytest.approx(limits)


def test_statistics_are_re_estimated_of_batches_alone_also_where_the_limits_are_open():
    layer, xs, seen = layer_of(OPEN), batches(), []
    layer(xs[0])
    before = layer.num_batches_tracked.clone()
    reestimate(layer, xs, seen.append)
    plain = BatchNorm(3, EPS).double()
    torch.testing.assert_close(torch.cat(seen), torch.cat([plain(x) for x in xs]))
    mean_std = torch.stack([(x.var((0, 2, 3), correction=0) + EPS).sqrt() for x in xs]).mean(0)
    torch.testing.assert_close((layer.running_var + EPS).sqrt(), mean_std)
    torch.testing.assert_close(layer.running_mean, torch.stack([x.mean((0, 2, 3)) for x in xs]).mean(0))
    assert layer.corrects
    assert torch.equal(layer.num_batches_tracked, before)


def test_a_second_pass_of_activation_checkpointing_reads_what_the_first_has_read():
    plain = nn.Sequential(nn.Linear(5, 3), layer_of()).double()
    recomputed = deepcopy(plain)
    recomputed.forward = Recomputed(recomputed)
    for x in batches(5, (4, 5)):
        for network in (plain, recomputed):
            network.zero_grad()
            network(x).square().sum().backward()
        for one, other in zip(plain.parameters(), recomputed.parameters(), strict=True):
            torch.testing.assert_close(other.grad, one.grad)
        torch.testing.assert_close(recomputed.state_dict(), plain.state_dict(), rtol=0, atol=0)


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("affine", [False, True])
def test_layers_of_other_ages_stack(padded, affine):
    alone = [layer_of(affine=affine) for _ in range(3)]
    for age, layer in enumerate(alone):
        for x in batches(2 * age, (4, 3)):
            layer(x)
    members = deepcopy(alone)
    together = stacked(members)
    for _ in range(3):
        x = torch.stack(batches(3, (6, 3))).requires_grad_()
        real = RealRows(torch.tensor([[1, 1, 1, 1, 1, 0], [1, 1, 1, 0, 1, 1], [0, 1, 1, 1, 1, 1]]).bool())
        y = together(x, real) if padded else together(x)
        masks = real.mask if padded else torch.ones(3, 6).bool()
        expected = [layer(rows[mask]) for layer, rows, mask in zip(alone, x, masks, strict=True)]
        torch.testing.assert_close(
            torch.cat([one[mask] for one, mask in zip(y, masks, strict=True)]), torch.cat(expected)
        )
        outputs = (y[masks].square().sum(), torch.cat(expected).square().sum())
        torch.testing.assert_close(*(torch.autograd.grad(one, x)[0] for one in outputs))
    for member, layer in zip(members, alone, strict=True):
        torch.testing.assert_close(dict(member.named_buffers()), dict(layer.named_buffers()))


def test_layers_of_other_ages_pass_vmap():
    layers = [layer_of() for _ in range(3)]
    for age, layer in enumerate(layers):
        for x in batches(2 * age):
            layer(x)
    x = torch.stack(batches(3))
    y, buffers = stacked_outputs(layers, x, "different")
    torch.testing.assert_close(y, torch.stack([layer(one) for layer, one in zip(layers, x, strict=True)]))
    for name, after in buffers.items():
        torch.testing.assert_close(after, torch.stack([layer.get_buffer(name) for layer in layers]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
@pytest.mark.parametrize("scale", [1e4, 1e25, 1e-25])
def test_open_limits_keep_statistics_and_outputs_finite_at_every_scale(dtype, scale):
    layer = BatchRenorm(3, limits=OPEN).to(dtype)
    for sign in (1, -1, 1):
        x = (sign * scale * torch.randn(4, 3)).to(dtype)
        if x.isfinite().all():
            assert layer(x).isfinite().all()
            assert all(buffer.isfinite().all() for buffer in layer.buffers())


def test_settings_that_cannot_be_are_refused():
    for wrong in (
        {"r_max": 0.5},
        {"d_max": -1.0},
        {"r_max_steps": [5, 4]},
        {"d_max_steps": [1]},
        {"r_max_steps": [-1, 4]},
    ):
        with pytest.raises(ValidationError):
            BatchRenormSpec(**wrong)
    spec = BatchRenormSpec(r_max_steps=[0, 0], d_max=0.0)
    found = spec.properties((3,), batch_size=4, training=True)
    assert (found.input_scale, found.feature_shift) == (False, True)
