"""Spectral norm: torch's numbers, the exact singular value in the limit, and a bound of 1 on trained layers."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm as torchs_spectral_norm

from normbench.inspection.recompute import checkpoint_activations
from normbench.models.base import parametrize_weights, weight_parameters, weighted_layers
from normbench.models.mlp import MLPSpec
from normbench.norms.none import NoneSpec
from normbench.weight_parametrizations.spectral_norm import SpectralNormSpec

SPEC = SpectralNormSpec()
NUM_STEPS = 30


def parametrized(weight, **settings):
    """Return a dense layer with this weight, and its spectral norm."""
    layer = nn.Linear(*reversed(weight.shape), bias=False, dtype=weight.dtype)
    with torch.no_grad():
        layer.weight.copy_(weight)
    SpectralNormSpec(**settings).build(layer)
    return layer, layer.parametrizations.weight[0]


def largest_singular_value(weight):
    return torch.linalg.svdvals(weight.detach().flatten(1))[0].item()


def network(seed=0):
    torch.default_generator.manual_seed(seed)
    model = MLPSpec(hidden_features=(12, 12)).build((6,), (2,), NoneSpec(), 0.0)
    parametrize_weights(model, SPEC)
    return model


def train(model, num_steps, lr=0.1):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    x = torch.randn(32, 6, generator=torch.Generator().manual_seed(1))
    for _ in range(num_steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), (x[:, 0] > 0).long()).backward()
        optimizer.step()
    return model


@pytest.mark.parametrize("num_iterations", [1, 3])
@pytest.mark.parametrize("make", [lambda: nn.Linear(7, 5), lambda: nn.Conv2d(3, 4, 3)], ids=["linear", "conv2d"])
def test_weights_vectors_and_gradients_are_those_of_torch(make, num_iterations):
    layer, torchs = make().double(), make().double()
    torchs.load_state_dict(layer.state_dict())
    SpectralNormSpec(num_iterations=num_iterations).build(layer)
    torchs_spectral_norm(torchs, n_power_iterations=num_iterations)
    ours, theirs = layer.parametrizations.weight[0], torchs.parametrizations.weight[0]
    theirs._u.copy_(ours.left)
    theirs._v.copy_(ours.right)
    for _ in range(3):
        for one in (layer, torchs):
            one.weight.pow(3).sum().backward()
        torch.testing.assert_close((ours.left, ours.right), (theirs._u, theirs._v), rtol=1e-12, atol=1e-12)
    of_both = [one.parametrizations.weight.original.grad for one in (layer, torchs)]
    torch.testing.assert_close(*of_both, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(layer.eval().weight, torchs.eval().weight, rtol=1e-12, atol=0)


def test_many_iterations_divide_by_the_exact_singular_value():
    weight = torch.randn(9, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    layer, _ = parametrized(weight, init_iterations=100)
    torch.testing.assert_close(layer.weight.detach(), weight / largest_singular_value(weight), rtol=1e-6, atol=0)


def test_each_hidden_layer_stays_within_half_a_percent_of_1_over_thirty_steps():
    model = network()
    before = {name: layer.weight.detach().clone() for name, layer in weighted_layers(model).items()}
    for _ in range(NUM_STEPS):
        train(model, 1)
        model.eval()
        for name, layer in weighted_layers(model).items():
            assert not layer.is_hidden or 1 - 1e-6 <= largest_singular_value(layer.weight) <= 1.005, name
        model.train()
    for name, layer in weighted_layers(model).items():
        assert (layer.weight - before[name]).norm() > 0.1 * before[name].norm(), name


def test_a_pass_in_training_moves_the_vectors_and_one_in_evaluation_does_not():
    layer, held = parametrized(torch.randn(4, 6), init_iterations=1)
    before = held.left.clone()
    layer.eval()(torch.ones(1, 6))
    assert torch.equal(held.left, before)
    layer.train()(torch.ones(1, 6))
    assert not torch.equal(held.left, before)


def test_two_passes_may_go_before_one_backward():
    layer, _ = parametrized(torch.randn(4, 6))
    (layer(torch.ones(1, 6)) - layer(torch.zeros(1, 6))).sum().backward()
    assert weight_parameters(layer)[0].grad.isfinite().all()


def test_after_a_weight_of_zeros_the_vectors_find_the_next_weight():
    weight = torch.randn(4, 6)
    layer, _ = parametrized(torch.zeros(4, 6))
    assert torch.equal(layer(torch.ones(1, 6)), torch.zeros(1, 4))
    with torch.no_grad():
        weight_parameters(layer)[0].copy_(weight)
    for _ in range(100):
        layer(torch.ones(1, 6))
    assert largest_singular_value(layer.weight) == pytest.approx(1, abs=1e-3)


def test_the_vectors_start_from_one_draw_that_moves_no_generator():
    layers = [nn.Linear(6, 4) for _ in range(2)]
    state = torch.default_generator.get_state()
    for layer in layers:
        nn.init.ones_(layer.weight)
        SPEC.build(layer)
    assert torch.equal(torch.default_generator.get_state(), state)
    assert torch.equal(*(layer.parametrizations.weight[0].left for layer in layers))


def test_with_activation_checkpointing_each_step_is_the_same_bit_for_bit():
    plain, checkpointed = network(), network()
    checkpoint_activations(checkpointed)
    for model in (plain, checkpointed):
        train(model, 3)
    theirs = checkpointed.state_dict()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in plain.state_dict().items())
