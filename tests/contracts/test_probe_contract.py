"""Probing changes nothing, bit for bit, also where the pass raises: every norm in the folder, and foreign models."""

import pytest
import torch
from contracts.norm_cases import FEATURE_SHAPES, takes
from contracts.variants import variants
from foreign_models import HEALTHY, batch_for
from model_snapshots import Stopping, Wayward, assert_same, in_mixed_modes, snapshot
from torch import nn

from normbench.any_module.restore import leaving_unchanged
from normbench.errors import SettingError
from normbench.inspection.probe import probe_model
from normbench.models.base import Linear, build_norm
from normbench.training.dropout import draw_dropout_from

NORMS = [spec() for spec in variants("norms")]


def probe(model, x):
    before = snapshot(model)
    seen = probe_model(model, x)
    assert seen
    assert_same(before, snapshot(model))


def probe_that_raises(model, x):
    before = snapshot(model)
    with pytest.raises(RuntimeError, match="stop here"):
        probe_model(model, x)
    assert_same(before, snapshot(model))


def shapes_of(spec):
    return [shape for shape in FEATURE_SHAPES if takes(spec, shape)]


@pytest.mark.parametrize("spec", NORMS, ids=lambda spec: spec.name)
def test_every_norm_is_left_as_it_was(spec):
    for shape in shapes_of(spec):
        norm, x = build_norm(spec, shape, "layer"), torch.randn(6, *shape)
        probe(nn.Sequential(norm, nn.Flatten(), nn.Linear(x[0].numel(), 2)), x)
        probe_that_raises(nn.Sequential(norm, Stopping()), x)


@pytest.mark.parametrize("spec", [spec for spec in NORMS if takes(spec, (6,))], ids=lambda spec: spec.name)
def test_every_norm_inside_a_layer_of_normbench_is_left_as_it_was(spec):
    layer = Linear(6, 6).followed_by(build_norm(spec, (6,), "layer"), dropout=0.5)
    x = torch.randn(6, 6)
    probe(nn.Sequential(layer, Linear(6, 2)), x)
    probe(in_mixed_modes(nn.Sequential(layer, Linear(6, 2))), x)
    draw_dropout_from(torch.Generator(), layer)
    probe(nn.Sequential(layer, Linear(6, 2)), x)
    probe_that_raises(nn.Sequential(layer, Stopping()), x)


@pytest.mark.parametrize("name", HEALTHY)
def test_a_foreign_model_is_left_as_it_was(name):
    make, shape = HEALTHY[name]
    probe(in_mixed_modes(make()), batch_for(shape))
    probe_that_raises(in_mixed_modes(nn.Sequential(make(), Stopping())), batch_for(shape))


@pytest.mark.parametrize("stops", [False, True])
def test_a_model_that_changes_itself_in_forward_is_put_back(stops):
    model = nn.Sequential(Wayward(), *([Stopping()] if stops else []))
    (probe_that_raises if stops else probe)(model, torch.randn(4, 3))
    assert (model[0].calls, model[0].history, hasattr(model[0], "late")) == (0, [], False)


def test_the_snapshot_sees_what_a_forward_changes():
    """Without being put back, the same model is told to be another."""
    model = Wayward()
    before = snapshot(model)
    model(torch.randn(4, 3))
    with pytest.raises(AssertionError):
        assert_same(before, snapshot(model))


def test_a_graph_from_before_can_still_be_gone_back_through():
    model, x = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ReLU(inplace=True)), torch.randn(6, 4)
    loss = model(x).sum()
    probe_model(model, x)
    loss.backward()
    assert model[0].weight.grad is not None


def test_no_hook_stays_on_a_parameter_that_is_itself_an_output():
    class Place(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(4, 3))

        def forward(self, x):
            return self.weight

    class Added(nn.Module):
        def __init__(self):
            super().__init__()
            self.place, self.dense = Place(), nn.Linear(3, 2)

        def forward(self, x):
            return self.dense(x + self.place(x))

    model = Added()
    probe(model, torch.randn(4, 3))
    assert not model.place.weight._backward_hooks


def test_a_negative_zero_is_put_back_as_one():
    model = nn.Linear(2, 2)
    model.register_buffer("zero", torch.tensor([-0.0]))
    with leaving_unchanged(model):
        model.zero.abs_()
    assert model.zero.signbit().all()


def test_hooks_of_the_users_that_make_a_step_are_not_called():
    model, steps = nn.Linear(3, 2), []
    model.weight.register_post_accumulate_grad_hook(steps.append)
    probe_model(model, torch.randn(4, 3))
    assert steps == []


def test_a_lazy_module_is_refused_before_anything_happens():
    with pytest.raises(SettingError) as error:
        probe_model(nn.Sequential(nn.LazyLinear(3)), torch.randn(2, 4))
    rule = "must have its shape before the model is probed, got 'UninitializedParameter'"
    assert str(error.value) == f"0.weight: {rule}. Call it once on an input first."


def test_what_another_block_changes_is_put_back_too():
    model = nn.Linear(2, 2)
    before = snapshot(model)
    with leaving_unchanged(model):
        model.add_module("more", nn.Linear(1, 1))
        model.weight = nn.Parameter(torch.zeros(2, 2))
    assert_same(before, snapshot(model))
