"""Layers from which on all is the same for every sample are named with their cause; zero starts by skips are not."""

from collections import OrderedDict
from itertools import pairwise

import pytest
import torch
from foreign_models import plain
from torch import nn

from normbench.evidence.probe.probe_report import read_probe
from normbench.inspection.probe import probe_model

X = torch.randn(16, 32, generator=torch.Generator().manual_seed(0))


class Between(nn.Module):
    """A function between two layers, or beside a skip."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def with_function(function, place, activation=nn.Tanh):
    """A plain network of tanh with a function before one of its layers."""
    model = plain(activation=activation)
    parts = list(model.named_children())
    at = [name for name, _ in parts].index(place)
    parts.insert(at, ("between", Between(function)))
    return nn.Sequential(OrderedDict(parts))


def findings(model, x=X):
    return [one for one in read_probe("", "", [probe_model(model, x)]).findings if one.level != "note"]


SWALLOWING = {
    "product with 0": lambda x: 0 * x,
    "a relu that is shut": lambda x: torch.relu(x - 100),
    "a bound": lambda x: x.clamp(min=5.0),
    "a mean over the batch": lambda x: x.mean(0, keepdim=True).expand(len(x), -1),
    "the first sample": lambda x: x[:1].repeat(len(x), 1),
    "a constant beside it": lambda x: 1e9 + 1e-9 * x,
}


@pytest.mark.parametrize("place", ["dense2", "dense4", "output"])
@pytest.mark.parametrize("name", SWALLOWING)
def test_what_takes_away_all_that_tells_samples_apart_is_named_where_it_does(name, place):
    model = with_function(SWALLOWING[name], place)
    sources = {one.source: one for one in findings(model)}
    assert "constant" in sources, sources
    assert sources["constant"].layers == (place,)
    before = [one for one, _ in model.named_children() if one.startswith("dense")]
    last = before[-1] if place == "output" else f"dense{int(place[5:]) - 1}"
    assert f"between {last} and {place}" in sources["constant"].why


@pytest.mark.parametrize("layer", ["dense1", "dense3", "dense6"])
def test_a_weight_of_zero_without_a_skip_is_named(layer):
    model = plain(activation=nn.Tanh)
    nn.init.zeros_(model.get_submodule(layer).weight)
    (found,) = findings(model)
    assert (found.source, found.layers) == ("constant", (layer,))
    assert found.why == f"{layer}.weight is 0 throughout"


def test_an_output_layer_of_zeros_is_a_note():
    model = plain(activation=nn.Tanh)
    nn.init.zeros_(model.output.weight)
    report = read_probe("", "", [probe_model(model, X)])
    assert report.is_healthy
    (note,) = report.findings
    assert (note.level, note.source, note.layers) == ("note", "constant_output", ("output",))


class Branches(nn.Module):
    """Blocks beside skips, whose branch is switched off in some way."""

    def __init__(self, switch_off):
        super().__init__()
        self.stem, self.head = nn.Linear(32, 32), nn.Linear(32, 4)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(32), nn.Linear(32, 64), nn.GELU(), nn.Linear(64, 32)) for _ in range(3)
        )
        self.gates = nn.ParameterList(nn.Parameter(torch.ones(())) for _ in range(3))
        with torch.no_grad():
            switch_off(self)

    def forward(self, x):
        x = self.stem(x)
        for block, gate in zip(self.blocks, self.gates, strict=True):
            x = x + gate * block(x)
        return self.head(x)


SWITCHES = {
    "a gate of 0": lambda model: [gate.zero_() for gate in model.gates],
    "a last layer of 0": lambda model: [nn.init.zeros_(block[3].weight) for block in model.blocks],
    "one gate of 0": lambda model: model.gates[1].zero_(),
    "nothing": lambda _: None,
}


@pytest.mark.parametrize("name", SWITCHES)
def test_a_zero_start_beside_a_skip_is_healthy(name):
    assert findings(Branches(SWITCHES[name])) == []


def test_a_branch_that_a_zero_hides_can_still_be_cut_off():
    """A gate that starts at 0 excuses what lies behind it, and nothing else."""

    def spoil(model):
        SWITCHES["a gate of 0"](model)
        model.blocks[1] = nn.Sequential(*model.blocks[1][:3], Between(lambda x: x.detach()), model.blocks[1][3])

    (found,) = findings(Branches(spoil))
    assert (found.source, found.layers[0]) == ("gradient_cut_off", "blocks.1.1")


def test_one_of_two_outputs_that_is_the_same_for_every_sample():
    class Heads(nn.Module):
        def __init__(self):
            super().__init__()
            self.trunk, self.attend = nn.Linear(32, 8), nn.Linear(8, 8)
            self.good, self.bad = nn.Linear(8, 2), nn.Linear(8, 3)
            nn.init.zeros_(self.attend.weight)

        def forward(self, x):
            x = torch.tanh(self.trunk(x))
            return {"good": self.good(x), "bad": self.bad(self.attend(x))}

    (found,) = findings(Heads())
    assert (found.source, found.layers) == ("constant", ("attend",))
    assert "up to output bad" in found.sentence()


def test_a_signal_that_biases_drown_layer_by_layer():
    torch.manual_seed(0)
    parts = [part for a, b in pairwise([32] * 41) for part in (nn.Linear(a, b), nn.ReLU())]
    found = findings(nn.Sequential(*parts, nn.Linear(32, 2)))
    assert [one.source for one in found] == ["constant", "gradient_vanishes"]
    assert "shrunk from layer to layer" in found[0].why


@pytest.mark.parametrize("x", [torch.zeros(8, 32), torch.ones(8, 32), X[:1].repeat(8, 1)])
def test_samples_that_are_alike_blame_no_layer(x):
    assert [one for one in findings(plain(activation=nn.Tanh), x) if one.source == "constant"] == []


def test_a_single_sample_is_compared_with_another_input():
    model = plain(activation=nn.Tanh)
    nn.init.zeros_(model.dense3.weight)
    (found,) = findings(model, X[:1])
    assert (found.source, found.layers) == ("constant", ("dense3",))
    assert findings(plain(activation=nn.Tanh), X[:1]) == []
