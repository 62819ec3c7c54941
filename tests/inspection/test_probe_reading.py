"""Planted faults are named with the right layer and cause; healthy models are not flagged."""

import math

import pytest
import torch
from foreign_models import HEALTHY, Functional, ResNet, batch_for, encoder, kaiming, plain
from torch import nn

from normbench.evidence.probe.network_reading import LayerReading, NetworkReading
from normbench.evidence.probe.probe_report import read_probe
from normbench.inspection.probe import probe_model
from normbench.scheduling.probe_seeds import probe_config
from normbench.study.config import RunConfig


def read(make, shape, num_seeds=3):
    seeds = []
    for seed in range(num_seeds):
        torch.default_generator.manual_seed(seed)
        seeds.append(probe_model(make(), batch_for(shape), seed=seed))
    return read_probe("planted", "", seeds)


def with_fault(plant, depth=6, width=32):
    """A plain network with one thing wrong."""

    def make():
        model = plain(depth, width)
        with torch.no_grad():
            plant(model)
        return model

    return make


def only_finding(plant, **sizes):
    report = read(with_fault(plant, **sizes), (16, sizes.get("width", 32)))
    assert len(report.findings) == 1, [finding.sentence() for finding in report.findings]
    return report.findings[0]


class Apply(nn.Module):
    """A function between two layers."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def insert(function, before="dense4"):
    """Put a function before a layer."""

    def plant(model):
        layer = model.get_submodule(before)
        model.set_submodule(before, nn.Sequential(Apply(function), layer))

    return plant


@pytest.mark.parametrize("factor", [1e-3, 1e-6])
@pytest.mark.parametrize("layer", ["dense1", "dense4", "dense6"])
def test_weights_that_start_too_small_in_one_layer(layer, factor):
    found = only_finding(lambda model: model.get_submodule(layer).weight.mul_(factor))
    assert (found.source, found.layers) == ("weights_too_small", (layer,))
    gain = float(found.figure.rpartition("multiplies the signal by ")[2])
    assert gain == pytest.approx(2**0.5 * factor, rel=0.1)
    assert "kaiming_normal" in found.way_out


@pytest.mark.parametrize("factor", [30, 1e5])
@pytest.mark.parametrize("layer", ["dense1", "dense4", "output"])
def test_weights_that_start_too_large_in_one_layer(layer, factor):
    found = only_finding(lambda model: model.get_submodule(layer).weight.mul_(factor))
    assert (found.layers[0], found.source) == (layer, "weights_too_large")


@pytest.mark.parametrize("make", [lambda: nn.LSTM(32, 32, batch_first=True), lambda: nn.GRU(32, 32, batch_first=True)])
@pytest.mark.parametrize(("factor", "source"), [(1e-4, "weights_too_small"), (100.0, "weights_too_large")])
def test_weights_of_recurrent_layers_that_start_far_off(make, factor, source):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.fc = make(), nn.Linear(32, 4)
            with torch.no_grad():
                for weight in self.rnn.parameters():
                    weight.mul_(factor)

        def forward(self, x):
            return self.fc(self.rnn(x)[0][:, -1])

    found = read(Net, (16, 5, 32)).findings
    assert (source, "rnn") in [(one.source, one.layers[0]) for one in found]


def test_weights_that_start_too_large_in_all_layers_are_told_once():
    def plant(model):
        for module in model:
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight)

    found = only_finding(plant, width=128)
    assert found.sentence().startswith("dense1 and 6 more layers: the weights are too large, std 1")


def test_weights_too_small_behind_a_norm_are_told_with_what_the_norm_does():
    def make():
        model = ResNet()
        with torch.no_grad():
            model.layer1[1].conv1.weight.mul_(1e-3)
        return model

    (found,) = read(make, (8, 3, 16, 16)).findings
    assert (found.layers[0], found.source) == ("layer1.1.conv1", "weights_too_small")
    assert "BatchNorm2d hides it" in found.why


@pytest.mark.parametrize(("bias", "layer"), [(-20.0, 2), (-5.0, 6), (-1000.0, 1)])
def test_a_layer_that_a_low_bias_holds_shut(bias, layer):
    found = only_finding(lambda model: model.get_submodule(f"dense{layer}").bias.fill_(bias))
    assert (found.layers[0], found.source) == (f"relu{layer}", "dead")
    assert f"the bias of dense{layer} is {bias:.3g} on average" in found.why
    assert found.figure.endswith(" % of its units are 0 for every sample")


def test_most_units_dead_are_dead_units_and_half_of_them_are_not():
    def plant(share):
        return lambda model: model.get_submodule("dense3").bias[: int(128 * share)].fill_(-50.0)

    found = only_finding(plant(0.8), width=128)
    assert (found.layers[0], found.source) == ("relu3", "dead")
    assert read(with_fault(plant(0.4), width=128), (16, 128)).findings == []


def test_a_norms_low_bias_is_named_not_that_of_the_weights():
    def make():
        model = ResNet()
        nn.init.constant_(model.layer2[0].bn1.bias, -8.0)
        return model

    (found,) = read(make, (8, 3, 16, 16)).findings
    assert (found.layers[0], found.source) == ("layer2.0.relu", "dead")
    assert "the bias of layer2.0.bn1 is -8 on average" in found.why


def test_dead_units_that_no_hook_sees_make_all_that_follows_the_same_for_every_input():
    def make():
        model = Functional()
        nn.init.constant_(model.layers[1].bias, -30.0)
        return model

    (found,) = read(make, (16, 16)).findings
    assert (found.layers, found.source) == (("layers.2",), "constant")
    assert "between layers.1 and layers.2" in found.why
    assert "the bias of layers.1 is -30 on average" in found.why


def test_most_units_dead_that_no_hook_sees_are_found_by_the_gradient():
    def make():
        model = Functional()
        nn.init.constant_(model.layers[1].bias[: int(0.9 * 32)], -30.0)
        return model

    (found,) = read(make, (16, 16)).findings
    assert (found.layers[0], found.source) == ("layers.1", "gradient_cut_off")


def test_a_feedforward_part_of_an_encoder_that_is_dead():
    def make():
        model = encoder()
        nn.init.constant_(model.layers[1].linear1.bias, -30.0)
        return model

    (found,) = read(make, (8, 10, 16)).findings
    assert (found.layers[0], found.source) == ("layers.1.linear1", "gradient_cut_off")


def test_a_graph_that_is_cut_is_told_from_dead_units():
    found = only_finding(insert(lambda x: x.detach(), before="dense3"))
    assert found.source == "gradient_cut_off"
    assert found.why == "what follows it is dead, or cut off by detach() or no_grad()"
    assert found.layers[0] == "dense2"


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("layer", ["dense1", "dense5"])
def test_weights_that_are_not_finite(layer, value):
    found = only_finding(lambda model: model.get_submodule(layer).weight[0, 0].fill_(value))
    assert (found.layers[0], found.source, found.why) == (layer, "not_finite", "its weights hold inf or nan")


def test_nan_from_between_two_layers_on():
    found = only_finding(insert(lambda x: (x - x.max()).log() if x.requires_grad else x))
    assert (found.layers[0], found.source) == ("dense4.1", "not_finite")
    assert found.why.startswith("what is computed between relu3 and dense4.1 makes inf or nan")
    assert found.figure == "from here on, in 7 of 13 layers"


def test_an_input_that_is_not_finite():
    seen = probe_model(plain(), torch.full((4, 32), math.nan))
    (found,) = read_probe("planted", "", [seen]).findings
    assert (found.layers[0], found.why) == ("dense1", "the input holds inf or nan")


def test_an_overflow_names_the_numbers_before_it():
    found = only_finding(insert(lambda x: x * 1e38 * 1e38))
    assert (found.layers[0], found.source) == ("dense4.1", "not_finite")
    found = only_finding(insert(lambda x: (x * 1e30).square(), before="dense5"))
    assert found.layers[0] == "dense5.1"


def test_a_gradient_that_is_not_finite_while_the_output_is():
    found = only_finding(insert(lambda x: x + 0 * (x - x.detach()).sqrt()))
    assert (found.layers[0], found.source) == ("relu3", "gradient_not_finite")
    assert found.figure == "from here back, in 6 of 13 layers, while the outputs are finite"


@pytest.mark.parametrize(
    ("scale", "word"), [(1e-5, ["vanishes", "gradient_vanishes"]), (1e5, ["explodes", "gradient_explodes"])]
)
def test_a_scale_between_two_layers_is_named_as_the_single_step_it_is(scale, word):
    report = read(with_fault(insert(lambda x: scale * x)), (16, 32))
    assert [finding.source for finding in report.findings] == word
    assert [finding.layers[0] for finding in report.findings] == ["dense4.1", "dense4.1"]
    assert report.findings[0].why == "what lies between dense3 and dense4.1, a single step"
    assert report.findings[1].why == "what lies between dense4.1 and dense3, a single step"


def deep(gain):
    def make():
        parts = []
        for _ in range(20):
            parts += [kaiming(nn.Linear(64, 64)), nn.ReLU()]
        for layer in parts[::2]:
            layer.weight.data.mul_(gain)
        return nn.Sequential(*parts, nn.Linear(64, 2))

    return make


@pytest.mark.parametrize(("gain", "word"), [(0.4, "vanishes"), (2.5, "explodes")])
def test_what_shrinks_or_grows_in_every_layer_is_told_with_its_factor(gain, word):
    report = read(deep(gain), (16, 64))
    assert [finding.source for finding in report.findings] == [word, f"gradient_{word}"]
    assert report.findings[1].layers[0] == "0"
    assert report.forward.factor == pytest.approx(gain, rel=0.05)
    assert f"each layer multiplies it by {report.forward.factor:.3g}" in report.findings[0].why
    assert report.backward.factor == pytest.approx(gain, rel=0.05)


def test_a_signal_that_float32_loses_is_not_taken_for_dead_units():
    config = {"model": {"name": "mlp", "width": 32, "depth": 120, "bias": False}, "batch_size": 16, "num_steps": 0}
    config["dataset"] = {"name": "gaussian_noise", "shape": [32], "num_samples": 16}
    report = probe_config(RunConfig.model_validate(config), range(2))
    assert [finding.source for finding in report.findings] == ["vanishes"]
    assert report.lines[-2].word == "vanishes"


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_foreign_model_is_not_flagged(name):
    report = read(*HEALTHY[name])
    assert [finding.sentence() for finding in report.findings] == []
    assert {line.word for line in report.lines} <= {"steady", "constant"}


IMAGES = {"dataset": {"name": "gratings", "num_samples": 32}}
WORDS = {"dataset": {"name": "sequences", "num_samples": 32}}
OURS = {
    "mlp, batch norm, 20 layers": {"model": {"name": "mlp", "width": 64, "depth": 20}, "norm": "batch_norm"},
    "mlp, layer norm, 20 layers": {"model": {"name": "mlp", "width": 64, "depth": 20}, "norm": "layer_norm"},
    "mlp, default": {"model": "mlp"},
    "mlp, dropout": {"model": "mlp", "dropout": 0.5, "batch_size": 4},
    "mlp, kaiming, weight norm": {"model": "mlp", "init": "kaiming_normal", "weight_parametrization": "weight_norm"},
    "lenet, batch norm": {"model": "lenet", "norm": "batch_norm", **IMAGES},
    "lenet": {"model": "lenet", **IMAGES},
    "resnet, group norm, standardized": {
        "model": "resnet",
        "norm": "group_norm",
        "weight_parametrization": "weight_standardization",
        **IMAGES,
    },
    "resnet, switchable norm": {"model": {"name": "resnet", "depth": 2}, "norm": "switchable_norm", **IMAGES},
    "rnn, layer norm": {"model": "rnn", "norm": "layer_norm", **WORDS},
    "transformer, rms norm": {"model": {"name": "transformer", "num_layers": 4}, "norm": "rms_norm", **WORDS},
}


@pytest.mark.parametrize("name", OURS)
def test_a_healthy_model_of_normbench_is_not_flagged(name):
    settings = {"dataset": {"name": "gaussian_clusters", "num_samples": 32}, "batch_size": 16, **OURS[name]}
    report = probe_config(RunConfig.model_validate(settings), range(2))
    assert [finding.sentence() for finding in report.findings] == []
    assert {line.word for line in report.lines} == {"steady"}


def seen_as(layer, **figures):
    numbers = {"mean": 0.0, "std": 1.0, "max_abs": 3.0, "zero_share": 0.0, "input_finite": 1.0, "grad_std": 1.0}
    return LayerReading(layer, "Linear", "weights", layer, (4, 4), "", True, numbers | figures)


def test_a_seed_in_which_something_breaks_is_enough():
    seeds = [NetworkReading((seen_as("a"), seen_as("b", std=std, max_abs=std))) for std in (1.0, math.nan, 1.0)]
    (found,) = read_probe("made up", "", seeds).findings
    assert (found.layers[0], found.source) == ("b", "not_finite")


def test_a_layer_that_only_some_seeds_call_is_read_from_those():
    report = read_probe(
        "made up", "", [NetworkReading((seen_as("a"),)), NetworkReading((seen_as("a"), seen_as("b", std=2.0)))]
    )
    assert [(line.layer, line.std.value) for line in report.lines] == [("a", 1.0), ("b", 2.0)]
