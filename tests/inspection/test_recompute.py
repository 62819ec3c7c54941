"""Activation checkpointing changes no output, no gradient, no running statistic, no random number and no name."""

from collections import Counter

import pytest
import torch
from contracts.variants import each, variants

from normbench.any_module.random_states import random_states
from normbench.errors import SettingError
from normbench.inspection.losses import predict
from normbench.inspection.recompute import momentum_for_two_updates
from normbench.inspection.watch.watch import grads_by_layer, outputs_by_layer, watching, whole
from normbench.models.base import built_norms
from normbench.norms.batch_norm import BatchNormSpec
from normbench.storage.run_folder import LAYER_STATS_CSV, METRICS_CSV, PROBES_CSV
from normbench.study.config import RunConfig
from normbench.study.contradictions import contradictions
from normbench.training.build import build_model, build_training
from normbench.training.experiment import run_experiment

LINE = {
    "dataset": {"name": "linear_regression", "num_samples": 12},
    "model": {"name": "mlp", "hidden_features": [6, 5]},
}
IMAGES = {"dataset": {"name": "gratings", "num_samples": 12}}
SEQUENCES = {"dataset": {"name": "sequences", "num_samples": 12}}
MODELS = {
    "mlp": LINE,
    "lenet": IMAGES | {"model": {"name": "lenet"}},
    "resnet": IMAGES | {"model": {"name": "resnet", "width": 4}},
    "rnn": SEQUENCES | {"model": {"name": "rnn", "hidden_features": 6}},
    "transformer, pre": SEQUENCES | {"model": {"name": "transformer", "width": 6}},
    "transformer, post": SEQUENCES | {"model": {"name": "transformer", "width": 6, "norm_position": "post"}},
}
EACH_MODEL = pytest.mark.parametrize("name", MODELS)
NORMS = [norm() for norm in variants("norms")]
NUM_STEPS = 3


def config_of(name, *, checkpointing, **settings):
    said = {"batch_size": 4, "dropout": 0.3, "checkpointing": checkpointing} | MODELS[name] | settings
    return RunConfig.model_validate(said)


def trained(config):
    """Return losses and gradients of each step, and the training parts after the last."""
    torch.default_generator.manual_seed(5)
    training, _ = build_training(config, seed=1)
    model, seen = training.model, []
    for _ in range(NUM_STEPS):
        batch = training.batches.next()
        training.optimizer.zero_grad()
        loss = training.loss(model(batch.x), batch.y)
        loss.backward()
        seen.append([loss.detach(), *(parameter.grad.clone() for parameter in model.parameters())])
        training.optimizer.step()
    return seen, training


def assert_same_training(plain, checkpointed):
    (plain_seen, plain_parts), (seen, parts) = plain, checkpointed
    torch.testing.assert_close(seen, plain_seen, rtol=1e-5, atol=1e-6)
    state, plain_state = parts.model.state_dict(), plain_parts.model.state_dict()
    assert list(state) == list(plain_state)
    for name, tensor in state.items():
        if not name.endswith("num_batches_tracked"):  # each batch counts twice
            torch.testing.assert_close(tensor, plain_state[name], rtol=1e-5, atol=1e-6, msg=name)
    x = parts.batches.split.x
    torch.testing.assert_close(predict(parts.model, x), predict(plain_parts.model, x), rtol=1e-5, atol=1e-6)


@EACH_MODEL
@pytest.mark.parametrize("norm", ["none", "layer_norm", "batch_norm"])
def test_a_training_step_with_dropout_is_the_same_bit_for_bit(name, norm):
    """But for running statistics, whose two halves of an update round otherwise than one update."""
    (plain, plain_parts), (checkpointed, parts) = (
        trained(config_of(name, checkpointing=on, norm=norm)) for on in (False, True)
    )
    for seen, others in zip(plain, checkpointed, strict=True):
        assert all(torch.equal(one, other) for one, other in zip(seen, others, strict=True))
    states = [[state for _, state in random_states(made.model)] for made in (plain_parts, parts)]
    assert len(states[0]) == 2
    assert all(torch.equal(one, other) for one, other in zip(*states, strict=True))


@pytest.mark.usefixtures("small_test_sets")
@EACH_MODEL
def test_a_run_with_dropout_writes_the_same_bytes(name, tmp_path):
    for on in (False, True):
        recording = {"every_steps": 2, "diagnostics": True, "tensorboard": False}
        config = config_of(name, checkpointing=on, norm="layer_norm", num_steps=NUM_STEPS, recording=recording)
        (tmp_path / str(on)).mkdir()
        run_experiment(config, 3, tmp_path / str(on), study="s", arm="a")
    for file in (METRICS_CSV, LAYER_STATS_CSV, PROBES_CSV):
        assert (tmp_path / "True" / file).read_bytes() == (tmp_path / "False" / file).read_bytes(), file


@EACH_MODEL
@pytest.mark.parametrize("momentum", [0.1, 0.5, 1.0, None])
def test_batch_norm_comes_out_the_same_in_every_model(name, momentum):
    norm = {"name": "batch_norm", "momentum": momentum}
    runs = [trained(config_of(name, checkpointing=on, norm=norm)) for on in (False, True)]
    assert_same_training(*runs)


@pytest.mark.parametrize("norm", each(NORMS))
def test_every_norm_that_a_resnet_takes_comes_out_the_same(norm):
    try:
        runs = [trained(config_of("resnet", checkpointing=on, norm=norm)) for on in (False, True)]
    except SettingError:
        pytest.skip(f"resnet takes no {norm.name}")
    assert_same_training(*runs)


@pytest.mark.parametrize("ibn", ["a", "b"])
def test_ibn_comes_out_the_same(ibn):
    model = {"name": "resnet", "width": 4, "ibn": ibn}
    assert_same_training(
        *(trained(config_of("resnet", checkpointing=on, model=model, norm="batch_norm")) for on in (False, True))
    )


def test_several_momenta_come_out_the_same():
    norm = {"name": "batch_norm", "extra_momenta": [0.01, 0.9]}
    assert_same_training(*(trained(config_of("mlp", checkpointing=on, norm=norm)) for on in (False, True)))


def test_without_the_correction_the_new_batch_would_count_too_much():
    _, plain = trained(config_of("mlp", checkpointing=False, norm="batch_norm"))
    config = config_of("mlp", checkpointing=True, norm="batch_norm")
    training, _ = build_training(config, seed=1)
    corrected = training.model.hidden1.norm.momentum
    assert corrected == momentum_for_two_updates(plain.model.hidden1.norm.momentum) == pytest.approx(0.0513, abs=1e-4)
    training.model.hidden1.norm.momentum = 0.1
    x = training.batches.next().x
    training.model(x).sum().backward()
    projected = x @ training.model.hidden1.weight.T + training.model.hidden1.bias
    torch.testing.assert_close(training.model.hidden1.norm.running_mean, 0.19 * projected.mean(0))


@pytest.mark.parametrize("momentum", [0.0, 0.1, 0.5, 1.0])
def test_two_updates_with_the_corrected_momentum_are_one_with_the_momentum(momentum):
    share, old, new = momentum_for_two_updates(momentum), 3.0, 5.0
    once = (1 - momentum) * old + momentum * new
    twice = old
    for _ in range(2):
        twice = (1 - share) * twice + share * new
    assert twice == pytest.approx(once)


def test_a_norm_outside_the_parts_computed_twice_keeps_its_momentum():
    model = build_model(config_of("transformer, pre", checkpointing=True, norm="batch_norm"), seed=0)
    assert model.output.norm.momentum == 0.1
    assert model.block1.attention.norm.momentum < 0.1


@EACH_MODEL
def test_what_the_hidden_parts_compute_is_computed_a_second_time_in_backward(name):
    training, _ = build_training(config_of(name, checkpointing=True, norm="batch_norm"), seed=0)
    model, batch, calls = training.model, training.batches.next(), Counter()
    for norm in built_norms(model):
        model.get_submodule(norm).register_forward_hook(lambda *_, norm=norm: calls.update([norm]))
    output = model(batch.x)
    assert calls == dict.fromkeys(built_norms(model), 1)
    output.sum().backward()
    assert calls == {norm: 1 if norm == "output.norm" else 2 for norm in built_norms(model)}


@EACH_MODEL
def test_watching_sees_what_it_sees_without_checkpointing(name):
    watched = []
    for on in (False, True):
        torch.default_generator.manual_seed(5)
        training, _ = build_training(config_of(name, checkpointing=on, norm="batch_norm"), seed=1)
        batch = training.batches.next()
        with watching(training.model, whole) as watch:
            training.loss(training.model(batch.x), batch.y).backward()
        watched.append((outputs_by_layer(watch.calls), grads_by_layer(watch.calls)))
    torch.testing.assert_close(watched[1], watched[0], rtol=1e-5, atol=1e-6)


def test_evaluation_is_computed_once_and_changes_nothing():
    training, dataset = build_training(config_of("mlp", checkpointing=True, norm="batch_norm"), seed=0)
    before = {name: buffer.clone() for name, buffer in training.model.named_buffers()}
    assert not predict(training.model, dataset.test.x).requires_grad
    assert all(torch.equal(before[name], buffer) for name, buffer in training.model.named_buffers())


def test_a_parametrized_weight_is_computed_again_too():
    runs = []
    for on in (False, True):
        model = build_model(config_of("mlp", checkpointing=on, norm="none", dropout=0.0), seed=0)
        torch.nn.utils.parametrizations.weight_norm(model.hidden1)
        model(torch.ones(4, 1)).square().sum().backward()
        runs.append({name: parameter.grad for name, parameter in model.named_parameters()})
    torch.testing.assert_close(runs[1], runs[0])


@pytest.mark.parametrize("parametrization", each(p() for p in variants("weight_parametrizations")))
def test_weights_and_running_statistics_that_training_reads_come_out_the_same_together(parametrization):
    settings = {"norm": {"name": "batch_renorm", "r_max_steps": [0, 1], "d_max_steps": [0, 1]}}
    settings |= {"weight_parametrization": parametrization}
    runs = [trained(config_of("rnn", checkpointing=on, **settings)) for on in (False, True)]
    assert_same_training(*runs)


def test_it_contradicts_nothing():
    assert not contradictions(config_of("mlp", checkpointing=True, norm=BatchNormSpec()))
