"""Probing changes nothing, bit for bit, also where the pass raises: every norm in the folder, and foreign models."""

import copy

import pytest
import torch
from contracts.norm_cases import FEATURE_SHAPES, takes
from contracts.variants import variants
from foreign_models import HEALTHY, batch_for
from torch import Tensor, nn

from normbench.errors import SettingError
from normbench.inspection.probe import probe_model
from normbench.inspection.watch.unchanged import leaving_unchanged
from normbench.models.base import Linear, build_norm

NORMS = [spec() for spec in variants("norms")]


class Stopping(nn.Module):
    """Raises after all that came before has been computed."""

    def forward(self, x):
        raise RuntimeError("stop here")


class Wayward(nn.Linear):
    """Changes itself in every way a forward can."""

    def __init__(self):
        super().__init__(3, 3)
        self.register_buffer("seen", torch.zeros(3))
        self.calls, self.history, self.cache = 0, [], torch.ones(2)

    def forward(self, x):
        self.calls += 1
        self.history.append(x.shape)
        self.seen = self.seen + x.detach().sum(0)
        self.register_buffer("late", torch.ones(1))
        self.cache.add_(1)
        self.eval()
        self.extra = "new"
        self.register_forward_hook(lambda *_: None)
        with torch.no_grad():
            self.weight.mul_(0.5)
        self.bias.requires_grad_(False)
        torch.rand(5)
        self.weight.grad = torch.ones(3, 3)
        return super().forward(x)


def snapshot(model):
    """Everything that can be told about a model and the random state, as plain values."""
    modules = {name: (module, dict(vars(module))) for name, module in model.named_modules()}
    plain = {
        name: {key: repr(value) for key, value in fields.items() if not isinstance(value, Tensor | dict)}
        for name, (_, fields) in modules.items()
    }
    hooks = {
        name: [len(v) for k, v in fields.items() if "hook" in k and isinstance(v, dict)]
        for name, (_, fields) in modules.items()
    }
    tensors = {name: (id(tensor), tensor.detach().clone()) for name, tensor in tensors_of(model).items()}
    grads = {name: (id(p.grad), copy.deepcopy(p.grad), p.requires_grad) for name, p in model.named_parameters()}
    return plain, hooks, tensors, grads, torch.random.get_rng_state()


def tensors_of(model):
    attributes = {
        f"{name}:{key}": value
        for name, module in model.named_modules()
        for key, value in vars(module).items()
        if isinstance(value, Tensor)
    }
    return dict(model.named_parameters()) | dict(model.named_buffers()) | attributes


def assert_same(before, after):
    assert before[:2] == after[:2]
    for one, other in zip(before[2:4], after[2:4], strict=True):
        assert one.keys() == other.keys()
        for name in one:
            assert one[name][0] == other[name][0], name
            for a, b in zip(one[name][1:], other[name][1:], strict=True):
                assert torch.equal(a, b) if isinstance(a, Tensor) else a == b, name
    assert torch.equal(before[4], after[4])


def in_mixed_modes(model):
    """Give every second module evaluation mode, and some parameters a gradient."""
    for i, module in enumerate(model.modules()):
        module.training = bool(i % 2 == 0)
    for i, parameter in enumerate(model.parameters()):
        parameter.grad = torch.full_like(parameter, 0.5) if i % 2 else None
    return model


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
