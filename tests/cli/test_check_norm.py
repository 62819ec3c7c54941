"""normbench check-norm: what is measured of a norm is what it declares, and hostile layers get a line each."""

import json
import sys

import pytest
import torch
from command_line import normbench
from contracts.variants import variants

from normbench.inspection.norm_contract.contract import measure_norm

SPECS = {variant().name: variant() for variant in variants("norms")}
SHAPE = (6, 3, 4)
LAYERS = """
import random, sys
import torch
from torch import nn

class RMS(nn.Module):
    def __init__(self, c, eps=1e-5):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(c)), eps
    def forward(self, x):
        over = tuple(range(1, x.dim()))
        return x / (x.square().mean(over, keepdim=True) + self.eps).sqrt() * self.weight.view(-1, *[1] * (x.dim() - 2))

class Detached(RMS):
    def forward(self, x):
        return x / (x.square().mean((0, 2, 3), keepdim=True) + self.eps).sqrt().detach()

class OwnShape(nn.Module):
    def __init__(self, feature_shape):
        super().__init__()
        self.norm = nn.LayerNorm(feature_shape)
    def forward(self, x):
        return self.norm(x)

class Forgets(RMS):
    def __init__(self, c):
        super().__init__(c)
        self.mean = 0
    def forward(self, x):
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * x.mean().detach()
        return x - self.mean

class Draws(RMS):
    def forward(self, x):
        return x + random.random()

class Prints(RMS):
    def forward(self, x):
        print("so many words")
        return super().forward(x)

class InPlace(RMS):
    def forward(self, x):
        return x.sub_(x.mean())

class Flattens(RMS):
    def forward(self, x):
        return x.flatten(1)

class Raises(RMS):
    def forward(self, x):
        raise KeyError("what")

class Exits(RMS):
    def __init__(self, c):
        sys.exit("bye")

class NoModule:
    def __init__(self, c):
        pass
"""


def line_of(words):
    return next(number for number, line in enumerate(LAYERS.splitlines(), start=1) if words in line)


LINES = {"raises": line_of("raise KeyError"), "exits": line_of("sys.exit")}


@pytest.fixture(autouse=True)
def layers(tmp_path, monkeypatch):
    (tmp_path / "hostile_norms.py").write_text(LAYERS)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    sys.modules.pop("hostile_norms", None)


def answers(properties):
    return {one["name"]: (one["holds"], one["figure"]) for one in properties}


@pytest.mark.parametrize("name", SPECS)
def test_what_is_measured_of_a_norm_is_what_it_declares(name):
    spec = SPECS[name]
    training, evaluation = (spec.properties(SHAPE, batch_size=5, training=mode) for mode in (True, False))
    found = {one.name: one for one in measure_norm(spec, SHAPE).properties}
    assert [one.name for one in found.values() if one.is_fault] == []
    yes = {
        "invariant to input scale": training.input_scale,
        "invariant to sample shift": training.sample_shift,
        "invariant to feature shift": training.feature_shift,
        "each sample for itself": training.sample_independent,
        "same in evaluation": training.same_in_eval,
        "random": training.random or evaluation.random,
        "vmap": training.vmap,
    }
    assert {asked: found[asked].holds == "yes" for asked in yes} == yes
    if "|" not in training.averaged_axes:
        axes = training.averaged_axes or "nothing"
        assert found["averages over"].figure.split(" in training")[0].removeprefix("overlapping sets along ") == axes


def test_measuring_leaves_random_states_and_prints_nothing(capsys):
    before = torch.get_rng_state()
    measure_norm(SPECS["noisy_batch_norm"], (4, 3, 3))
    assert torch.equal(torch.get_rng_state(), before)
    assert capsys.readouterr().out == ""


def test_a_norm_of_the_users_own_has_a_line_for_each_property_on_a_screen():
    code, out, err = normbench("check-norm", "hostile_norms:RMS", "--settings", "eps=0.001", "--shape", "4,3,3")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "hostile_norms:RMS · samples of 4x3x3 · it can be trained with"
    assert len(lines) <= 25
    assert max(map(len, lines)) <= 80
    assert "  averages over                C H W" in lines
    assert "  each sample for itself       yes" in lines
    assert any(line.startswith("  invariant to feature shift   no: output changes by") for line in lines)


@pytest.mark.parametrize(
    ("layer", "fault", "figure"),
    [
        ("Forgets", "state_dict round trip", ""),
        ("Draws", "leaves global random states", "it draws from Python"),
        ("InPlace", "leaves its input as it is", "it writes to the tensor that it is given"),
        ("Flattens", "keeps shape, dtype, device", "(5, 4, 3, 3) float32 becomes (5, 36) float32"),
    ],
)
def test_what_training_relies_upon_is_marked_where_it_is_not_so(layer, fault, figure):
    code, out, _ = normbench("check-norm", f"hostile_norms:{layer}", "--shape", "4,3,3", "--json")
    faults = [one for one in json.loads(out)["properties"] if one["is_fault"]]
    assert code == 1
    assert ("no", figure) == answers(faults)[fault]


def test_marked_lines_are_counted_in_the_first():
    code, out, _ = normbench("check-norm", "hostile_norms:Flattens", "--shape", "4,3,3")
    lines = out.splitlines()
    marked = [line for line in lines if line.startswith("! ")]
    assert code == 1
    assert lines[0].endswith(f"{len(marked)} marked !, to be mended")
    assert len(lines) <= 25


def test_detached_statistics_are_still_seen_to_be_averaged():
    code, out, _ = normbench("check-norm", "hostile_norms:Detached", "--shape", "4,3,3", "--json")
    found = answers(json.loads(out)["properties"])
    assert code == 1
    assert found["averages over"] == ("", "N H W")
    assert found["gradients are correct"] == ("no", "in training and in evaluation")


def test_a_layer_that_asks_for_the_shape_gets_it():
    code, out, _ = normbench("check-norm", "hostile_norms:OwnShape", "--shape", "4,3,3")
    assert code == 0
    assert "  averages over                C H W" in out


def test_what_a_layer_prints_is_told_once():
    _, out, err = normbench("check-norm", "hostile_norms:Prints", "--shape", "4,3,3")
    assert out.count("so many words") == 1
    assert err == ""
    assert len(out.splitlines()) <= 25


@pytest.mark.parametrize(
    ("norm", "complaint"),
    [
        ("hostile_norms:Raises", "(5, 8, 6, 6), it ended with hostile_norms.py line {raises}: KeyError: 'what'"),
        ("hostile_norms:Exits", "(8, 6, 6), it ended with hostile_norms.py line {exits}: SystemExit: bye"),
        ("hostile_norms:NoModule", "must make a torch.nn.Module, it made a NoModule"),
        ("hostile_norms:Rms", "must name something in hostile_norms, which has no 'Rms'"),
        ("no_such_module:Norm", "must be a module that Python finds, and there is no module 'no_such_module'"),
        (
            "groupnorm",
            "must be package.module:Class or a norm of normbench, got 'groupnorm'. Did you mean 'group_norm'? Norms: ",
        ),
    ],
)
def test_what_cannot_be_measured_is_one_line(norm, complaint):
    code, out, err = normbench("check-norm", norm)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert complaint.format(**LINES) in err


def test_a_plain_layer_of_torch_can_be_checked_too():
    found = json.loads(normbench("check-norm", "torch.nn:BatchNorm2d", "--shape", "4,3,3", "--json").out)
    told = answers(found["properties"])
    assert told["running statistics"] == ("yes", "running_mean, running_var")
    assert told["averages over"] == ("", "N H W in training, nothing in evaluation")
    assert told["empty batch"] == ("no", "in training")
