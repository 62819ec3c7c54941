"""Every model's dropout draws from the run's own stream: nothing else moves it, and nothing but training does."""

from itertools import product

import pytest
import torch
from contracts.model_cases import NORMS, batch, build, first_shape
from contracts.variants import all_settings, each, label
from torch.nn.modules.dropout import _DropoutNd

from normbench.any_module.random_states import random_states
from normbench.inspection.probe import probe_model
from normbench.inspection.recompute import checkpoint_activations
from normbench.training.dropout import Dropout, draw_dropout_from

MODELS = all_settings("models")
DRAWING = [norm for norm in NORMS if norm.properties((4, 3, 3), batch_size=4, training=True).random]
PAIRS = [
    pytest.param(model, norm, id=f"{label(model)}-{label(norm)}")
    for model, norm in product(MODELS, DRAWING)
    if first_shape(model, norm)
]


def case_of(model):
    """Return a norm that draws nothing, and an input shape, that the model takes."""
    norm = next(norm for norm in NORMS if norm not in DRAWING and first_shape(model, norm))
    return norm, first_shape(model, norm)


def made(model, norm, shape, seed=1):
    """Return the network in training mode, its dropout drawing from a stream of the seed."""
    torch.default_generator.manual_seed(3)
    network = build(model, norm, shape, dropout=0.4)
    draw_dropout_from(torch.Generator().manual_seed(seed), network)
    return network


def stream_of(network):
    return next(module.stream for module in network.modules() if isinstance(module, Dropout))


def masks_of(network, x):
    """Return the masks of three steps: what each dropout makes of ones in place of its input."""
    masks = []
    for module in network.modules():
        if isinstance(module, _DropoutNd):
            module.register_forward_pre_hook(lambda _, inputs: (torch.ones_like(inputs[0]),))
            module.register_forward_hook(lambda _, _inputs, output: masks.append(output))
    for _ in range(3):
        network(x)
    return masks


def assert_equal(masks, others):
    assert len(masks) == len(others) > 0
    assert all(torch.equal(one, other) for one, other in zip(masks, others, strict=True))


def drawing_first(*_):
    torch.rand(3)


def test_some_norms_draw():
    assert {"noisy_batch_norm", "adain"} <= {norm.name for norm in DRAWING}


@pytest.mark.parametrize(("model", "norm"), PAIRS)
def test_a_norm_that_draws_moves_no_mask(model, norm):
    shape = first_shape(model, norm)
    masks = [masks_of(made(model, kind, shape), batch(4, shape)) for kind in (norm, case_of(model)[0])]
    assert_equal(*masks)


@pytest.mark.parametrize("model", each(MODELS))
def test_a_foreign_draw_anywhere_in_the_network_moves_no_mask(model):
    norm, shape = case_of(model)
    network, drawing, x = made(model, norm, shape), made(model, norm, shape), batch(6, shape)
    for module in drawing.modules():
        module.register_forward_pre_hook(drawing_first)
    assert_equal(masks_of(network, x), masks_of(drawing, x))


@pytest.mark.parametrize("model", each(MODELS))
def test_every_dropout_of_a_model_draws_from_the_one_stream_and_without_dropout_there_is_none(model):
    norm, shape = case_of(model)
    found = [module for module in made(model, norm, shape).modules() if isinstance(module, _DropoutNd)]
    assert found
    assert {type(module) for module in found} == {Dropout}
    assert len({id(module.stream) for module in found}) == 1
    without = build(model, norm, shape, dropout=0.0)
    assert not [module for module in without.modules() if isinstance(module, _DropoutNd)]


@pytest.mark.parametrize("model", each(MODELS))
def test_the_network_draws_nothing_from_torchs_generator_and_in_evaluation_nothing_at_all(model):
    norm, shape = case_of(model)
    network, x, before = made(model, norm, shape), batch(6, shape), torch.random.get_rng_state()
    network(x)
    assert torch.equal(torch.random.get_rng_state(), before)
    states = random_states(network.eval())
    network(x)
    assert all(torch.equal(generator.get_state(), state) for generator, state in states)


@pytest.mark.parametrize("model", each(MODELS))
def test_outside_a_run_it_draws_from_torchs_generator(model):
    norm, shape = case_of(model)
    x, found = batch(6, shape), []
    for seed in (1, 1, 2):
        network = build(model, norm, shape, dropout=0.4)
        torch.default_generator.manual_seed(seed)
        found.append(masks_of(network, x))
    assert_equal(found[0], found[1])
    assert not all(torch.equal(one, other) for one, other in zip(found[0], found[2], strict=True))


@pytest.mark.parametrize("model", each(MODELS))
def test_activation_checkpointing_moves_no_mask_and_leaves_the_stream_where_it_would_stand(model):
    norm, shape = case_of(model)
    x, plain, checkpointed = batch(6, shape), made(model, norm, shape), made(model, norm, shape)
    checkpoint_activations(checkpointed)
    for _ in range(3):
        for network in (plain, checkpointed):
            network.zero_grad()
            network(x).square().sum().backward()
        assert torch.equal(stream_of(plain).get_state(), stream_of(checkpointed).get_state())
        for (name, one), other in zip(plain.named_parameters(), checkpointed.parameters(), strict=True):
            assert torch.equal(one.grad, other.grad), name


@pytest.mark.parametrize("model", each(MODELS))
def test_going_back_twice_through_one_pass_recomputes_with_its_masks_both_times(model):
    norm, shape = case_of(model)
    network, x = made(model, norm, shape), batch(6, shape)
    checkpoint_activations(network)
    loss, grads = network(x).square().sum(), []
    for _ in range(2):
        torch.rand(1, generator=stream_of(network))  # another pass in between
        network.zero_grad()
        loss.backward(retain_graph=True)
        grads.append([parameter.grad.clone() for parameter in network.parameters()])
    assert all(torch.equal(one, other) for one, other in zip(*grads, strict=True))


@pytest.mark.parametrize("model", each(MODELS))
def test_a_probe_leaves_the_stream_and_sees_the_masks_that_training_will_draw(model):
    norm, shape = case_of(model)
    network, x = made(model, norm, shape), batch(6, shape)
    before, outputs = stream_of(network).get_state(), []

    def loss(output):
        outputs.append(output.detach())
        return output.sum()

    probe_model(network, x, loss=loss)
    assert torch.equal(stream_of(network).get_state(), before)
    assert torch.equal(network(x), outputs[0])
