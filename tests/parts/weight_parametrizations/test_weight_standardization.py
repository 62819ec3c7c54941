"""Weight standardization and weight norm at the conventions in use, with the sizes of their differences."""

from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - torch's idiom
from torch.nn.utils.parametrizations import weight_norm as torchs_weight_norm

from normbench.errors import SettingError
from normbench.inspection.watch.frame import weights_of
from normbench.inspection.watch.layer_stats import layer_of
from normbench.inspection.watch.parameter_groups import split_parameters
from normbench.models.base import learned_parameters, parametrize_weights, weight_parameters, weighted_layers
from normbench.models.mlp import MLPSpec
from normbench.norms.none import NoneSpec
from normbench.study.config import RunConfig
from normbench.study.contradictions import contradictions
from normbench.training.build import build_model, build_training
from normbench.weight_parametrizations.weight_norm import WeightNorm, WeightNormSpec
from normbench.weight_parametrizations.weight_standardization import WeightStandardization, WeightStandardizationSpec

LINE = {
    "model": {"name": "mlp", "hidden_features": [6, 5]},
    "dataset": {"name": "gaussian_noise", "shape": [4]},
    "num_steps": 0,
}
PARAMETRIZATIONS = ("weight_standardization", "weight_norm")


def filters(*shape, std=1.0):
    return std * torch.randn(shape, dtype=torch.float64)


def by_the_published_code(weight):
    """Mean and unbiased std of each filter; 1e-5 is added to the std."""
    rows = weight.flatten(1)
    centred = rows - rows.mean(1, keepdim=True)
    return (centred / (rows.std(1, keepdim=True) + 1e-5)).view_as(weight)


@pytest.mark.parametrize("shape", [(8, 64, 3, 3), (8, 1, 3, 3), (5, 3), (4, 2, 3)])
def test_with_compat_official_it_is_the_published_code(shape):
    v = filters(*shape)
    torch.testing.assert_close(WeightStandardization(compat="official")(v), by_the_published_code(v))


@pytest.mark.parametrize(("shape", "factor"), [((8, 64, 3, 3), 0.9991), ((8, 1, 3, 3), 0.943), ((8, 3), 0.816)])
def test_the_published_weights_are_smaller_by_the_unbiased_std(shape, factor):
    """norms.md 1.2: sqrt((n - 1) / n)."""
    v = filters(*shape)
    ratio = WeightStandardization(compat="official")(v).std() / WeightStandardization()(v).std()
    assert ratio.item() == pytest.approx(factor, abs=6e-4)


@pytest.mark.parametrize(
    ("parametrization", "std"),
    [
        (WeightStandardization(compat="official"), 0.908),
        (WeightStandardization(), 0.995),
        (WeightStandardization(1e-6), 0.099),
    ],
)
def test_eps_shrinks_weights_of_std_1e_4_as_each_convention_does(parametrization, std):
    """norms.md 1.2: 0.908 as published, 0.995 and 0.099 with eps 1e-10 and 1e-6 inside."""
    found = parametrization(filters(8, 64, 3, 3, std=1e-4)).std(correction=0).item()
    assert found == pytest.approx(std, abs=2e-3)


def test_it_equals_batch_norm_of_the_weights():
    """The form in which timm computes it: one channel per filter."""
    v = filters(8, 4, 3, 3)
    expected = F.batch_norm(v.reshape(1, 8, -1), None, None, training=True, eps=1e-10).view_as(v)
    torch.testing.assert_close(WeightStandardization()(v), expected)


def test_the_layer_ignores_scale_and_mean_of_what_is_learned():
    v = filters(8, 4, 3, 3)
    torch.testing.assert_close(WeightStandardization()(7 * v + 2), WeightStandardization()(v))


def test_a_filter_of_one_weight_is_refused():
    with pytest.raises(SettingError) as refusal:
        WeightStandardizationSpec().build(nn.Conv2d(4, 4, 1, groups=4))
    assert str(refusal.value) == (
        "name: must be put on filters of 2 weights or more, not on weights of shape (4, 1, 1, 1), "
        "got 'weight_standardization'. Use weight_norm."
    )


def test_the_refusal_names_the_layer_before_anything_runs():
    line = {"dataset": {"name": "linear_regression", "num_samples": 64}}
    (found,) = contradictions(trained("weight_standardization", **line))
    assert found.key == "weight_parametrization.name"
    assert found.rule.endswith("not on weights of shape (6, 1) of layer hidden1")


@pytest.mark.parametrize(
    "layer", [nn.Linear(7, 5), nn.Conv2d(3, 4, 3), nn.Conv1d(3, 4, 2)], ids=["linear", "conv2d", "conv1d"]
)
def test_weight_norm_is_that_of_torch(layer):
    torchs = torchs_weight_norm(deepcopy(layer).double())
    before = layer.double().weight.detach().clone()
    WeightNormSpec().build(layer)
    torch.testing.assert_close(layer.weight.detach(), before)
    v, g = weight_parameters(layer)
    with torch.no_grad():
        v.normal_()
        g.normal_()
        for learned, values in zip(torchs.parametrizations.weight.parameters(), (g, v), strict=True):
            learned.copy_(values)
    torch.testing.assert_close(layer.weight, torchs.weight)


def test_weight_norm_leaves_a_row_of_zeros_where_torch_gives_nan():
    layer, torchs = nn.Linear(3, 2), nn.Linear(3, 2)
    for each in (layer, torchs):
        nn.init.zeros_(each.weight)
    WeightNormSpec().build(layer)
    assert torchs_weight_norm(torchs).weight.isnan().all()
    layer(torch.ones(1, 3)).sum().backward()
    assert layer.weight.tolist() == [[0.0] * 3] * 2
    assert weight_parameters(layer)[0].grad.tolist() == [[pytest.approx(1.0)] * 3] * 2  # as without weight norm


def test_gradients_of_v_are_orthogonal_to_v():
    """Salimans and Kingma, 2016, section 2.1: so ||v|| never shrinks under plain gradient steps."""
    v, g = filters(4, 9).requires_grad_(), filters(4, 1)
    WeightNorm()(v, g).pow(3).sum().backward()
    assert (v.grad * v).sum(1).abs().max() < 1e-8


def trained(parametrization, **settings):
    return RunConfig.model_validate(LINE | {"weight_parametrization": parametrization} | settings)


@pytest.mark.parametrize("parametrization", PARAMETRIZATIONS)
def test_the_start_is_the_one_without_a_parametrization(parametrization):
    plain, model = (weights_of(build_model(trained(name), 3)) for name in ("none", parametrization))
    assert all(torch.equal(model[name], weight) for name, weight in plain.items())


def test_what_is_learned_is_filed_under_the_layers_name():
    names = {name: [layer_of(p) for p in weights_of(build_model(trained(name), 0))] for name in PARAMETRIZATIONS}
    layers = ["hidden1", "hidden1.bias", "hidden2", "hidden2.bias", "output", "output.bias"]
    assert sorted(names["weight_standardization"]) == layers
    assert sorted(names["weight_norm"]) == sorted([*layers, "hidden1.g", "hidden2.g"])


@pytest.mark.parametrize("parametrization", PARAMETRIZATIONS)
def test_decay_on_weights_includes_all_that_is_learned_of_them(parametrization):
    model = build_model(trained(parametrization), 0)
    decayed, spared = split_parameters(model, "weights")
    names = {id(parameter): name for name, parameter in learned_parameters(model).items()}
    assert {names[id(parameter)] for parameter in spared} == {"hidden1.bias", "hidden2.bias", "output.bias"}
    assert len(decayed) + len(spared) == len(names)


def test_weight_decay_turns_the_scale_and_not_the_function():
    config = trained("weight_standardization", weight_decay=0.1, decay_on="weights", num_steps=5)
    training, _ = build_training(config, 0)
    layer = training.model.hidden2
    before, learned = layer.weight.detach().clone(), weight_parameters(layer)[0]
    for parameter in training.parameters:
        parameter.grad = torch.zeros_like(parameter)
    norm = learned.norm().item()
    training.optimizer.step()
    assert learned.norm().item() == pytest.approx(norm * (1 - 0.01 * 0.1), rel=1e-4)
    torch.testing.assert_close(layer.weight.detach(), before)


def test_group_norm_with_weight_standardization_is_two_settings():
    model = MLPSpec(hidden_features=(6,)).build((4,), (2,), NoneSpec(), 0.0)
    parametrize_weights(model, WeightStandardizationSpec())
    weight = weighted_layers(model)["hidden1"].weight
    torch.testing.assert_close(weight.std(1, correction=0), torch.ones(6))
    assert (
        trained("weight_standardization", norm="group_norm").settings()["weight_parametrization"]
        == "weight_standardization"
    )
