"""Initial weights: the distributions, and that arms of one seed share them."""

import math

import pytest
import torch
from torch import nn

from normbench.models.base import weighted_layers
from normbench.models.lenet import LeNetSpec
from normbench.models.mlp import MLPSpec
from normbench.norms.batch_norm import BatchNormSpec
from normbench.norms.group_norm import GroupNormSpec
from normbench.norms.layer_norm import LayerNormSpec
from normbench.norms.none import NoneSpec
from normbench.norms.scale_shift import ScaleShiftSpec
from normbench.training.initialization import initialize

NORMS = [BatchNormSpec(), LayerNormSpec(), GroupNormSpec(num_groups=2), ScaleShiftSpec()]
IMAGE = (3, 32, 32)
INITS = ["default", "kaiming_normal", "xavier_normal", "normal"]


def lenet(norm=None, dropout=0.0, init="default", scale=1.0, seed=0):
    model = LeNetSpec().build(IMAGE, (10,), norm or NoneSpec(), dropout)
    initialize(model, init, scale, seed)
    return model


def mlp(*widths, init="default", scale=1.0, seed=0, in_features=64):
    model = MLPSpec(hidden_features=widths).build((in_features,), (10,), NoneSpec(), 0.0)
    initialize(model, init, scale, seed)
    return model


def shared_parameters(model, other):
    both = dict(model.named_parameters()).keys() & dict(other.named_parameters()).keys()
    return {name: (model.get_parameter(name), other.get_parameter(name)) for name in both}


def fans(layer):
    weight = layer.weight
    return weight[0].numel(), weight.shape[0] * weight[0][0].numel()


def std_of(weight):
    return weight.detach().double().std(correction=0).item()


@pytest.mark.parametrize("init", INITS)
def test_a_seed_gives_the_same_weights_bit_by_bit(init):
    first = lenet(BatchNormSpec(), init=init, seed=7)
    torch.rand(3)  # whatever else is drawn in between
    second = lenet(BatchNormSpec(), init=init, seed=7)
    for name, parameter in first.named_parameters():
        assert torch.equal(parameter, second.get_parameter(name)), name


@pytest.mark.parametrize("init", INITS)
def test_other_seeds_give_other_weights(init):
    first, second = lenet(init=init, seed=0), lenet(init=init, seed=1)
    for name, layer in weighted_layers(first).items():
        assert not torch.isclose(layer.weight, second.get_parameter(f"{name}.weight")).all(), name


@pytest.mark.parametrize("norm", NORMS, ids=lambda norm: norm.name)
@pytest.mark.parametrize("init", ["default", "kaiming_normal"])
def test_a_norm_and_dropout_move_no_weights(norm, init):
    shared = shared_parameters(lenet(init=init), lenet(norm, dropout=0.5, init=init))
    assert len(shared) == 10
    assert all(torch.equal(*pair) for pair in shared.values())


@pytest.mark.parametrize("init", ["default", "kaiming_normal"])
def test_a_layer_does_not_depend_on_those_after_it(init):
    short, long = mlp(30, 20, init=init), mlp(30, 20, 15, 10, init=init)
    for name in ("hidden1.weight", "hidden1.bias", "hidden2.weight", "hidden2.bias"):
        assert torch.equal(short.get_parameter(name), long.get_parameter(name)), name


@pytest.mark.parametrize("init", ["default", "kaiming_normal"])
def test_a_layer_does_not_depend_on_the_widths_before_it(init):
    narrow, wide = mlp(5, 20, 15, init=init), mlp(50, 20, 15, init=init)
    assert torch.equal(narrow.hidden3.weight, wide.hidden3.weight)
    assert torch.equal(narrow.hidden3.bias, wide.hidden3.bias)


@pytest.mark.parametrize("init", INITS)
def test_layers_of_one_shape_differ(init):
    model = mlp(64, 64, init=init)
    assert not torch.isclose(model.hidden1.weight, model.hidden2.weight).all()


@pytest.mark.parametrize("part", ["weight", "bias"])
def test_default_weights_fill_the_interval_of_torchs_own(part):
    """U(-1/sqrt(fan_in), 1/sqrt(fan_in)), weights and biases alike."""
    for name, layer in weighted_layers(lenet()).items():
        bound, values = 1 / math.sqrt(fans(layer)[0]), layer.get_parameter(part)
        assert values.abs().max() <= bound, name
        if values.numel() > 400:
            assert values.abs().max() > 0.98 * bound
            assert std_of(values) == pytest.approx(bound / math.sqrt(3), rel=5 / math.sqrt(values.numel()))


def test_default_weights_are_those_of_torchs_reset():
    ours, torchs = mlp(300), nn.Linear(64, 300)
    low, high = (torch.quantile(w.detach(), 0.25).item() for w in (ours.hidden1.weight, torchs.weight))
    assert low == pytest.approx(high, rel=0.05)  # a quarter of 19,200 values, of either


@pytest.mark.parametrize(
    ("init", "expected"),
    [
        ("kaiming_normal", lambda fan_in, _: math.sqrt(2 / fan_in)),
        ("xavier_normal", lambda fan_in, fan_out: math.sqrt(2 / (fan_in + fan_out))),
        ("normal", lambda *_: 1.0),
    ],
)
def test_drawn_weights_are_normal_with_the_papers_std(init, expected):
    for name, layer in weighted_layers(lenet(init=init)).items():
        std, size = expected(*fans(layer)), layer.weight.numel()
        assert std_of(layer.weight) == pytest.approx(std, rel=4 / math.sqrt(2 * size)), name
        assert layer.weight.mean().item() == pytest.approx(0, abs=4 * std / math.sqrt(size)), name
        if size > 2000:
            inside = (layer.weight.abs() < std).double().mean().item()
            assert inside == pytest.approx(0.6827, abs=4 * 0.466 / math.sqrt(size)), name


@pytest.mark.parametrize("init", INITS)
def test_biases_stay_torchs_whatever_the_init(init):
    default, drawn = lenet(), lenet(init=init)
    for name, layer in weighted_layers(drawn).items():
        assert torch.equal(layer.bias, default.get_parameter(f"{name}.bias")), name


@pytest.mark.parametrize("init", INITS)
def test_the_scale_multiplies_weights_and_nothing_else(init):
    plain, scaled = lenet(BatchNormSpec(), init=init), lenet(BatchNormSpec(), init=init, scale=0.5)
    weights = {f"{name}.weight" for name in weighted_layers(plain)}
    for name, parameter in plain.named_parameters():
        factor = 0.5 if name in weights else 1.0
        assert torch.equal(scaled.get_parameter(name), factor * parameter), name


def test_a_constant_init_gives_every_weight_the_scale():
    for layer in weighted_layers(lenet(init="constant", scale=0.25)).values():
        assert layer.weight.unique().tolist() == [0.25]


@pytest.mark.parametrize("norm", NORMS, ids=lambda norm: norm.name)
@pytest.mark.parametrize("init", INITS)
def test_norms_start_as_the_identity_of_their_parameters(norm, init):
    model = lenet(norm, init=init, scale=3.0)
    for name in ("conv1.norm", "conv2.norm", "fc1.norm"):
        assert model.get_parameter(f"{name}.weight").unique().tolist() == [1.0]
        assert model.get_parameter(f"{name}.bias").unique().tolist() == [0.0]


def test_running_statistics_start_anew():
    model = lenet(BatchNormSpec())
    model(torch.randn(4, *IMAGE))
    assert model.conv1.norm.running_mean.abs().max() > 0
    initialize(model, "default", 1.0, 0)
    assert (model.conv1.norm.running_mean.unique().tolist(), model.conv1.norm.num_batches_tracked) == ([0.0], 0)


@pytest.mark.parametrize("init", INITS)
def test_the_global_random_state_is_not_touched(init):
    model = MLPSpec(hidden_features=(8, 8)).build((4,), (2,), BatchNormSpec(), 0.5)
    state = torch.random.get_rng_state()
    initialize(model, init, 1.0, 3)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_the_global_random_state_decides_nothing():
    first = mlp(6, seed=1)
    torch.default_generator.manual_seed(99)
    assert torch.equal(first.hidden1.weight, mlp(6, seed=1).hidden1.weight)
