"""Models of awkward kinds are probed as they are, or refused with the true reason: compiled, sparse, complex."""

import copy
import math
import warnings

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

from normbench.errors import SettingError
from normbench.evidence.probe.probe_report import read_probe
from normbench.inspection.probe import probe_model
from normbench.inspection.watch.moments import Moments, pooled


def layers():
    return nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))


def figures(model, x):
    """Return the figures of each layer by name, without warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return {one.layer: one.figures for one in probe_model(model, x)}


def report(model, x, batch_size=None):
    return read_probe("", "", [probe_model(model, x)], batch_size)


class Recomputed(nn.Module):
    """Parts under activation checkpointing of one kind or another."""

    def __init__(self, recompute):
        super().__init__()
        self.block, self.fc, self.recompute = layers()[:3], nn.Linear(8, 2), recompute

    def forward(self, x):
        return self.fc(self.recompute(self.block, x.requires_grad_()))


WAYS = {
    "reentrant": lambda block, x: checkpoint(block, x, use_reentrant=True),
    "not reentrant": lambda block, x: checkpoint(block, x, use_reentrant=False),
    "by segments": lambda block, x: checkpoint_sequential(block, 2, x, use_reentrant=True),
}


@pytest.mark.parametrize("way", WAYS)
def test_activation_checkpointing_changes_no_figure(way):
    plain, x = Recomputed(lambda block, x: block(x)), torch.randn(16, 8)
    recomputed = copy.deepcopy(plain)
    recomputed.recompute = WAYS[way]
    assert figures(recomputed, x) == figures(plain, x)
    function = torch.utils.checkpoint.CheckpointFunction
    assert issubclass(function, torch.autograd.Function), "put back afterwards"


def test_a_compiled_model_has_the_figures_and_names_of_the_one_inside():
    plain, x = layers(), torch.randn(16, 8)
    compiled = torch.compile(plain, backend="eager")
    assert figures(compiled, x) == figures(plain, x)
    assert figures(nn.Sequential(compiled), x).keys() == {f"0.{name}" for name in figures(plain, x)}


@pytest.mark.parametrize("make", [torch.jit.script, lambda model: torch.jit.trace(model, torch.randn(4, 8))])
@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_torchscript_is_refused_with_the_name_of_the_part(make):
    part = make(layers().eval())
    rule = "must be Python code, whose layers can be watched, got "
    for model, name in ((part, "model"), (nn.Sequential(nn.Linear(8, 8), part), "1")):
        with pytest.raises(SettingError, match=f"^{name}: {rule}"):
            probe_model(model, torch.randn(4, 8))


def test_complex_weights_and_signals_have_the_std_of_complex_numbers():
    class Spectral(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(1, 9, dtype=torch.complex64))

        def forward(self, x):
            return torch.fft.rfft(x) * self.weight

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.spectral, self.fc = Spectral(), nn.Linear(16, 2)

        def forward(self, x):
            return self.fc(torch.fft.irfft(self.spectral(x)))

    model, x = Net(), torch.randn(12, 16)
    found = figures(model, x)["spectral"]
    with torch.no_grad():
        output, weight = (torch.fft.rfft(x) * model.spectral.weight).numpy(), model.spectral.weight.numpy()
    assert found["std"] == pytest.approx(output.std(), rel=1e-6)
    assert found["weight_std"] == pytest.approx(weight.std(), rel=1e-6)
    assert found["grad_std"] > 0
    assert report(model, x).is_healthy
    probe_model(model.spectral, x)  # a complex output is gone back from, too


def test_pooled_moments_of_complex_tensors_are_those_of_all_numbers():
    parts = [torch.randn(n, 3, dtype=torch.complex128) + n for n in (2, 5, 9)]
    whole, found = Moments.of(torch.cat(parts), 1), pooled([Moments.of(part, 1) for part in parts])
    assert [found.mean, found.var] == pytest.approx([whole.mean, whole.var])
    assert whole.std == pytest.approx(torch.cat(parts).numpy().std())


def test_a_sparse_gradient_has_the_figures_of_the_dense_one():
    ids = torch.randint(50, (8, 6))
    found = []
    for sparse in (False, True):
        torch.manual_seed(0)
        found.append(figures(nn.Sequential(nn.Embedding(50, 4, sparse=sparse), nn.Linear(4, 2)), ids))
    assert found[0] == found[1]


def test_a_frozen_part_in_inference_mode_is_seen():
    class Frozen(nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone, self.head = layers().requires_grad_(requires_grad=False).eval(), nn.Linear(2, 3)

        def forward(self, x):
            with torch.inference_mode():
                found = self.backbone(x)
            return self.head(found.clone())

    assert list(figures(Frozen(), torch.randn(16, 8))) == [*(f"backbone.{i}" for i in range(4)), "head"]


def test_calls_of_a_shared_module_are_counted():
    shared = nn.Linear(4, 4)
    found = figures(nn.Sequential(shared, nn.Tanh(), shared, nn.Tanh(), shared), torch.randn(8, 4))
    assert {name: one["calls"] for name, one in found.items()} == {"0": 3}


class Tokens(nn.Module):
    """Parameters and buffers beside layers: a class token, places, a weight used by a function, an unused one."""

    def __init__(self):
        super().__init__()
        self.token, self.places = nn.Parameter(torch.randn(1, 1, 8)), nn.Parameter(0.02 * torch.randn(1, 5, 8))
        self.embed, self.tied, self.unused = nn.Linear(6, 8), nn.Linear(3, 8), nn.Linear(2, 2)
        self.register_buffer("scale", torch.ones(8))

    def forward(self, x):
        x = torch.cat([self.token.expand(len(x), -1, -1), self.embed(x)], 1) + self.places
        return nn.functional.linear((x * self.scale)[:, 0] + x.mean(1), self.tied.weight.T)


def test_parameters_in_no_layer_have_rows_and_unused_ones_are_told_without_harm():
    model, x = Tokens(), torch.randn(16, 4, 6)
    rows = {one.layer: one for one in probe_model(model, x)}
    assert list(rows) == ["token", "places", "embed", "tied.weight", "tied.bias", "unused.weight", "unused.bias"]
    weight = model.tied.weight.detach().double()
    assert rows["tied.weight"].figures["weight_std"] == pytest.approx(weight.std(correction=0).item())
    assert all(rows[name].figures["weight_grad_std"] > 0 for name in ("token", "places", "tied.weight"))
    (note,) = report(model, x).findings
    assert (note.level, note.source) == ("note", "unused")
    assert note.what == "parameters that get no gradient: tied.bias, unused.weight, unused.bias"
    assert report(model, x).is_healthy


@pytest.mark.parametrize("name", ["token", "places", "scale"])
def test_what_is_not_finite_beside_layers_is_named(name):
    class After(nn.Sequential):
        def forward(self, x):
            return self[1](self[0](x))

    model = After(Tokens(), nn.Linear(3, 2))
    with torch.no_grad():
        getattr(model[0], name)[..., 0] = math.nan
    (found,) = [one for one in report(model, torch.randn(16, 4, 6)).findings if one.level == "warning"]
    assert (found.source, found.layers) == ("not_finite", ("1",))
    assert found.why.startswith(f"0.{name}, which lies in no layer, holds inf or nan")


def test_a_buffer_with_nan_in_a_layer_is_named():
    class Scaled(nn.Linear):
        def __init__(self):
            super().__init__(4, 4)
            self.register_buffer("factor", torch.tensor([1.0, math.nan, 1, 1]))

        def forward(self, x):
            return super().forward(x) * self.factor

    (found,) = report(nn.Sequential(nn.Linear(4, 4), Scaled()), torch.randn(8, 4)).findings
    assert (found.source, found.layers, found.why) == ("not_finite", ("1",), "its buffer factor holds nan")


def test_outputs_without_a_way_back_are_told():
    class Heads(nn.Module):
        def __init__(self):
            super().__init__()
            self.trunk, self.head = nn.Linear(6, 8), nn.Linear(8, 2)

        def forward(self, x):
            return {"scores": self.head(self.trunk(x).tanh()), "mask": x.new_ones(3), "half": x / 2}

    (note,) = report(Heads(), torch.randn(16, 6)).findings
    assert (note.level, note.what) == ("note", "outputs from which no gradient was sent back: mask, half")
