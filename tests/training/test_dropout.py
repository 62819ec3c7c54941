"""Dropout of a run: torch's numbers from a stream of its own, which nothing but dropout moves."""

import copy
import math
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - torch's idiom

from normbench.random_streams import dropout_stream, noise_seed, stream
from normbench.study.config import RunConfig
from normbench.training.build import build_training
from normbench.training.dropout import Dropout, draw_dropout_from
from normbench.training.loop import train
from normbench.training.recorders.memory import MemoryRecorder

SHAPES = [(7,), (6, 5), (4, 3, 8, 8), (0, 3)]


def seeded(seed=1):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_outputs_and_gradients_are_those_of_torch_with_its_generator_in_the_same_state(p, dtype, shape):
    ours, torchs = (torch.ones(shape, dtype=dtype).mul_(3).requires_grad_() for _ in range(2))
    layer = Dropout(p, seeded())
    torch.default_generator.manual_seed(1)
    for _ in range(3):
        output, expected = layer(ours), F.dropout(torchs, p)
        assert torch.equal(output, expected)
        output.sum().backward()
        expected.sum().backward()
        assert torch.equal(ours.grad, torchs.grad)


@pytest.mark.parametrize("p", [0.05, 0.3, 0.5, 0.8])
def test_the_share_of_zeros_is_p_and_the_rest_is_scaled_by_one_over_one_minus_p(p):
    output = Dropout(p, seeded())(torch.ones(400, 500))
    share = (output == 0).double().mean().item()
    assert share == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / output.numel()))
    assert output.unique().tolist() == [0, pytest.approx(1 / (1 - p), rel=1e-6)]


def test_no_row_column_or_call_shares_its_mask_with_another():
    layer = Dropout(0.5, seeded())
    masks = [layer(torch.ones(64, 64)) for _ in range(3)]
    for mask in masks:
        assert len(mask.unique(dim=0)) == len(mask.unique(dim=1)) == 64
    assert not any(torch.equal(one, other) for one, other in pairwise(masks))


def test_a_mask_does_not_depend_on_how_the_input_lies_in_memory():
    plain, others = torch.ones(2, 3, 4, 4), [torch.ones(2, 3, 4, 4).to(memory_format=torch.channels_last)]
    others += [torch.ones(4, 4, 3, 2).permute(3, 2, 0, 1), torch.ones(2, 3, 1, 1).expand(2, 3, 4, 4)]
    expected = Dropout(0.5, seeded())(plain)
    assert all(torch.equal(Dropout(0.5, seeded())(other), expected) for other in others)


@pytest.mark.parametrize(("p", "training", "expected"), [(0.5, False, 1.0), (0.0, True, 1.0), (1.0, True, 0.0)])
def test_nothing_is_drawn_where_there_is_nothing_to_draw(p, training, expected):
    layer = Dropout(p, seeded()).train(training)
    assert (layer(torch.ones(50)) == expected).all()
    assert torch.equal(layer.stream.get_state(), seeded().get_state())


def test_neither_generator_moves_the_other():
    layer, before = Dropout(0.5, seeded()), torch.random.get_rng_state()
    first = layer(torch.ones(50))
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.rand(7)
    second = layer(torch.ones(50))
    again = Dropout(0.5, seeded())
    assert torch.equal(again(torch.ones(50)), first)
    assert torch.equal(again(torch.ones(50)), second)


def test_a_copy_goes_on_by_itself_with_one_stream_for_all_its_layers():
    model = nn.Sequential(nn.Dropout(0.5), nn.Dropout(0.5))
    draw_dropout_from(seeded(), model)
    model(torch.ones(9))
    before, copied = model[0].stream.get_state(), copy.deepcopy(model)
    assert copied[0].stream is copied[1].stream
    outputs = [copied(torch.ones(99)) for _ in range(3)]
    assert torch.equal(model[0].stream.get_state(), before)
    assert all(torch.equal(model(torch.ones(99)), output) for output in outputs)


def test_it_works_under_vmap_with_a_mask_for_each_or_one_for_all():
    layer, x = Dropout(0.5, seeded()), torch.ones(3, 40)
    each, shared = (torch.func.vmap(layer, randomness=kind)(x) for kind in ("different", "same"))
    assert len(each.unique(dim=0)) == 3
    assert len(shared.unique(dim=0)) == 1


class Halving(nn.Dropout):
    """Computes something of its own under the name of dropout."""

    def forward(self, x):
        return x / 2


def test_every_plain_dropout_is_replaced_wherever_it_stands_and_no_other():
    inner = nn.ModuleList([nn.Dropout(0.2).eval(), nn.ModuleDict({"a": nn.Dropout(0.3)}), Halving(0.5)])
    last = nn.Dropout(0.4)
    model, generator = nn.ModuleDict({"inner": inner, "last": last, "again": last}), seeded()
    draw_dropout_from(generator, model)
    found = {name: module for name, module in model.named_modules() if isinstance(module, Dropout)}
    assert {name: module.p for name, module in found.items()} == {
        "inner.0": 0.2,
        "inner.1.a": 0.3,
        "last": 0.4,
        "again": 0.4,
    }
    assert {name: module.training for name, module in found.items()} == {
        "inner.0": False,
        "inner.1.a": True,
        "last": True,
        "again": True,
    }
    assert all(module.stream is generator for module in found.values())
    assert type(model["inner"][2]) is Halving


def test_every_seed_replica_and_purpose_has_a_stream_of_its_own():
    streams = [dropout_stream(seed, replica) for seed in (0, 1) for replica in (0, 1)]
    streams += [stream(0, "order"), stream(0, "dropout"), seeded(noise_seed(0, 0)), seeded(noise_seed(1, 0))]
    assert len({torch.rand(4, generator=one).sum().item() for one in streams}) == len(streams) - 1  # the last but one
    assert noise_seed(0, 0) != noise_seed(0, 1)


def masks_of_a_run(**settings):
    """Return the masks of a run that records every second step, what dropout makes of ones in place of its input."""
    given = {"model": "mlp", "dataset": {"name": "gaussian_clusters", "num_samples": 24}, "dropout": 0.5}
    config = RunConfig.model_validate(given | {"batch_size": 8} | settings)
    torch.default_generator.manual_seed(noise_seed(2, 0))
    training, _ = build_training(config, seed=2)
    masks = []
    for module in training.model.modules():
        if isinstance(module, Dropout):
            module.register_forward_pre_hook(lambda _, inputs: (torch.ones_like(inputs[0]),))
            module.register_forward_hook(lambda module, _, output: masks.append(output) if module.training else None)
    train(training, 3, 2, MemoryRecorder())
    return masks


@pytest.mark.usefixtures("small_test_sets")
@pytest.mark.parametrize("arm", [{"norm": "noisy_batch_norm"}, {"norm": "batch_norm"}, {"optimizer": "adam"}])
def test_arms_of_one_seed_have_the_same_masks(arm):
    plain, other = masks_of_a_run(), masks_of_a_run(**arm)
    assert len(plain) == len(other) > 0
    assert all(torch.equal(one, two) for one, two in zip(plain, other, strict=True))


def test_the_stream_is_that_of_the_seed_and_the_replica():
    config = RunConfig.model_validate({"model": "mlp", "dataset": "linear_regression", "dropout": 0.5, "replica": 2})
    training, _ = build_training(config, seed=3)
    (found,) = {
        id(module.stream): module.stream for module in training.model.modules() if isinstance(module, Dropout)
    }.values()
    assert torch.equal(found.get_state(), dropout_stream(3, 2).get_state())
