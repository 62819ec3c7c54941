"""Several batches at once through any norm and any model: what they give one by one, for whatever says that it can."""

from copy import deepcopy
from itertools import product

import pytest
import torch
from contracts.model_cases import NORMS, batch, build, first_shape
from contracts.norm_cases import CASES
from contracts.variants import each, label, variants
from torch import nn

from normbench.inspection import reestimation
from normbench.inspection.joined_batches import can_join, tells_batches_apart
from normbench.inspection.reestimation import AVERAGES, reestimate, tracking_layers
from normbench.models.mlp import MLPSpec
from normbench.norms._batch_norm import BatchNorm
from normbench.norms.batch_norm import BatchNormSpec
from normbench.norms.noisy_batch_norm import NoisyBatchNormSpec
from normbench.norms.own import OwnNormSpec

MODELS = [model() for model in variants("models")]


def statistics(model):
    return [layer.get_buffer(name) for layer in tracking_layers(model) for name in AVERAGES]


def assert_close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


def takes_several(layer):
    return bool(tracking_layers(layer)) and tells_batches_apart(layer)


@pytest.mark.parametrize("case", [case for case in CASES.args[1] if takes_several(case.values[0].layer())])
def test_a_layer_normalizes_each_batch_as_if_it_were_alone(case):
    layer = case.layer(age=2)
    batches = [2 + case.batch(3) for _ in range(4)]
    alone, outputs = deepcopy(layer), []
    reestimate(alone, batches, outputs.append)
    layer.momentum = 1.0
    layer.reset_running_stats()
    assert_close(layer.forward_batches(torch.cat(batches), [3] * 4), torch.cat(outputs))
    assert_close(statistics(layer), statistics(alone))


def pairs():
    """Return each model with each norm and a shape that both take, where several batches may pass at once."""
    found = [(model, norm, first_shape(model, norm)) for model, norm in product(MODELS, NORMS)]
    return [pytest.param(*pair, id=f"{label(pair[0])}-{label(pair[1])}") for pair in found if pair[2] and joins(*pair)]


def joins(model, norm, shape):
    network = build(model, norm, shape)
    return bool(tracking_layers(network)) and can_join(network, tracking_layers(network))


def ragged(size, shape):
    """Draw a batch; of sequences one whose samples have other numbers of steps than those of the next."""
    x = batch(size, shape).double()
    if len(shape) == 2:
        x[..., -1] = (torch.arange(shape[0]) < torch.randint(2, shape[0] + 1, (size, 1))).double()
    return x


@pytest.mark.parametrize(("spec", "norm", "shape"), pairs())
def test_a_network_reads_several_batches_as_it_reads_one(spec, norm, shape, monkeypatch):
    model = build(spec, norm, shape, dropout=0.5).double()
    batches = [ragged(size, shape) for size in (3, 3, 3, 2, 2)]
    one_by_one, at_once, expected = deepcopy(model), [], []
    reestimate(model, batches, at_once.append)
    monkeypatch.setattr(reestimation, "can_join", lambda *_: False)
    reestimate(one_by_one, batches, expected.append)
    assert list(map(len, at_once)) == [9, 4]
    assert_close(torch.cat(at_once), torch.cat(expected))
    assert_close(statistics(model), statistics(one_by_one))
    assert not any("forward" in vars(module) for module in model.modules())


@pytest.mark.parametrize("spec", each(MODELS))
def test_every_model_joins_batches_but_not_with_a_norm_that_draws_random_numbers_of_a_batch(spec):
    shapes = {norm.name: first_shape(spec, norm) for norm in (BatchNormSpec(), NoisyBatchNormSpec())}
    assert joins(spec, BatchNormSpec(), shapes["batch_norm"])
    assert not joins(spec, NoisyBatchNormSpec(), shapes["noisy_batch_norm"])


class Renamed(BatchNorm):
    """Computes what batch norm does."""


class Doubled(BatchNorm):
    """Computes something else, of which ``forward_batches`` knows nothing."""

    def forward(self, x):
        return 2 * super().forward(x)


def test_a_layer_with_a_forward_of_its_own_needs_its_own_for_batches_too():
    patched = BatchNorm(3)
    patched.forward = lambda x: x
    layers = (BatchNorm(3), Renamed(3), Doubled(3), patched, nn.BatchNorm1d(3))
    assert [tells_batches_apart(layer) for layer in layers] == [True, True, False, False, False]


def test_networks_of_the_users_and_norms_of_the_users_pass_one_batch_at_a_time():
    own_norm = OwnNormSpec(layer="torch.nn:BatchNorm1d")
    foreign = nn.Sequential(nn.Linear(4, 3), BatchNorm(3))
    mixing = MLPSpec(hidden_features=(5,)).build((4,), (3,), BatchNormSpec(), 0.0)
    mixing.hidden1.activation = Doubled(5)
    found = [MLPSpec().build((4,), (3,), own_norm, 0.0), foreign, mixing]
    assert [can_join(model, tracking_layers(model)) for model in found] == [False] * 3


def test_a_failure_leaves_a_network_as_it_was():
    model = MLPSpec(hidden_features=(5,)).build((4,), (3,), BatchNormSpec(), 0.0)
    before = deepcopy(model.state_dict())
    with pytest.raises(ValueError, match="more than 1 value"):
        reestimate(model, [torch.randn(1, 4)] * 3)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any("forward" in vars(module) for module in model.modules())
    assert model.training
