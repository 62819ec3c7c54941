"""Every model with every norm: shapes, gradients, layers and their names, and that it can learn.

A pair is left out where model and norm refuse each other; three norms must remain for each model.
``NORMBENCH_GOLDEN=1`` writes the names of layers and parameters anew, which are also TensorBoard's tags.
"""

import json
import os
from itertools import product
from pathlib import Path

import pytest
import torch
from contracts.model_cases import NORMS, NUM_OUTPUTS, batch, build, first_shape
from contracts.variants import all_settings, each, label, variants
from torch.nn.functional import cross_entropy

from normbench.models.base import weighted_layers
from normbench.norms.none import NoneSpec

GOLDEN = Path(__file__).parents[1] / "golden" / "layer_names.json"


def pairs(models):
    """Return each model with each norm and one input shape that both take."""
    taken = [(model, norm, first_shape(model, norm)) for model, norm in product(models, NORMS)]
    return [pytest.param(*pair, id=f"{label(pair[0])}-{label(pair[1])}") for pair in taken if pair[2]]


DEFAULTS = [model() for model in variants("models")]
NARROW = [spec.model_copy(update={"width": 8}) if spec.name == "resnet" else spec for spec in DEFAULTS]
PAIRS = pytest.mark.parametrize(("spec", "norm", "shape"), pairs(DEFAULTS))
PAIRS_WITH_A_NORM = pytest.mark.parametrize(
    ("spec", "norm", "shape"), [pair for pair in pairs(DEFAULTS) if not isinstance(pair.values[1], NoneSpec)]
)


def norms_of(model):
    """Return the norms that were asked for, by the name of their layer."""
    norms = {name: getattr(layer, "norm", None) for name, layer in weighted_layers(model).items()}
    return {name: norm for name, norm in norms.items() if hasattr(norm, "feature_shape")}


@pytest.mark.parametrize("spec", each(all_settings("models")))
def test_a_model_works_with_at_least_three_norms_by_default_and_with_one_in_every_setting(spec):
    assert len([norm for norm in NORMS if first_shape(spec, norm)]) >= (1 if spec.changed() else 3)


@pytest.mark.parametrize(("spec", "norm", "shape"), pairs(all_settings("models")))
def test_a_batch_gives_one_row_of_outputs_per_sample(spec, norm, shape):
    model = build(spec, norm, shape, dropout=0.5)
    for module in (model.train(), model.eval()):
        y = module(batch(4, shape))
        assert y.shape == (4, NUM_OUTPUTS)
        assert y.isfinite().all()


@PAIRS
def test_every_parameter_gets_a_gradient(spec, norm, shape):
    model = build(spec, norm, shape)
    model(batch(8, shape)).square().mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.dim() < 2 or parameter.grad.abs().max() > 0, name  # a bias before a norm has none


@PAIRS
def test_the_norms_asked_for_follow_their_layers(spec, norm, shape):
    model = build(spec, norm, shape)
    asked_for = norms_of(build(spec, NoneSpec(), shape))
    built = norms_of(model)
    assert built.keys() <= asked_for.keys()
    assert {name: type(layer) for name, layer in built.items()} == {
        name: type(norm.build(asked_for[name].feature_shape)) for name in built
    }
    assert len(built) >= len(asked_for) / 2  # an rnn has none on its state where one would look at the batch
    assert all(model.get_submodule(f"{name}.norm") is layer for name, layer in built.items())


@PAIRS_WITH_A_NORM
def test_norms_see_the_feature_shape_they_were_built_for(spec, norm, shape):
    model, seen = build(spec, norm, shape), {}
    for name, layer in norms_of(model).items():
        layer.register_forward_pre_hook(lambda _, inputs, name=name: seen.update({name: tuple(inputs[0].shape[1:])}))
    model(batch(4, shape))
    assert seen == {name: layer.feature_shape for name, layer in norms_of(model).items()}


@pytest.mark.parametrize(("spec", "norm", "shape"), pairs(NARROW))  # convolutions take most of the time
def test_a_model_learns_eight_samples_by_heart(spec, norm, shape):
    model = build(spec, norm, shape)
    x, y = batch(8, shape), torch.arange(8) % NUM_OUTPUTS
    optimizer = torch.optim.Adam(model.parameters(), lr=6e-3)
    losses = []
    while len(losses) <= 200 and (not losses or losses[-1] >= 0.05 * losses[0]):
        loss = cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.05 * losses[0]


@pytest.mark.parametrize("spec", each(DEFAULTS))
def test_dropout_changes_outputs_in_training_alone(spec):
    shape = first_shape(spec, NoneSpec())
    model, x = build(spec, NoneSpec(), shape, dropout=0.5), batch(4, shape)
    assert not torch.equal(model.train()(x), model(x))
    assert torch.equal(model.eval()(x), model(x))


def names_of(model):
    norms = tuple(f"{name}.norm." for name in weighted_layers(model))
    parameters = [name for name, _ in model.named_parameters() if not name.startswith(norms)]
    return {"layers": list(weighted_layers(model)), "parameters": parameters}


@pytest.fixture(scope="module")
def golden_names():
    if os.environ.get("NORMBENCH_GOLDEN") == "1":
        names = {spec.name: names_of(build(spec, NoneSpec(), first_shape(spec, NoneSpec()))) for spec in DEFAULTS}
        GOLDEN.write_text(json.dumps(names, indent=2) + "\n")
    return json.loads(GOLDEN.read_text())


@PAIRS
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_names_of_layers_and_parameters_are_the_golden_ones(spec, norm, shape, dropout, golden_names):
    assert spec.name in golden_names, f"{GOLDEN.name} lacks {spec.name}. Run pytest with NORMBENCH_GOLDEN=1."
    assert names_of(build(spec, norm, shape, dropout)) == golden_names[spec.name]


@pytest.mark.parametrize("spec", each(all_settings("models")))
def test_layers_are_listed_from_input_to_output(spec):
    norm = next(norm for norm in (NoneSpec(), *NORMS) if first_shape(spec, norm))
    shape = first_shape(spec, norm)
    model, order = build(spec, norm, shape), []
    for name, layer in weighted_layers(model).items():
        layer.register_forward_hook(lambda *_, name=name: order.append(name))
    model(batch(4, shape))
    assert list(dict.fromkeys(order)) == list(weighted_layers(model))
