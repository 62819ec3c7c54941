"""Every measure: numbers by layer and name, and training that is the same bit for bit with and without it."""

import math

import pytest
import torch

from normbench.any_module.random_states import random_states, set_random_states
from normbench.evidence.layers.probe_table import NETWORK
from normbench.inspection.losses import evaluate
from normbench.inspection.measures import base
from normbench.inspection.measures.base import find_measures
from normbench.inspection.watch.frame import grads_of
from normbench.models.base import weighted_layers
from normbench.study.config import RunConfig
from normbench.study.setting_groups import RecordingConfig
from normbench.training.build import build_training, chosen_measures
from normbench.training.loop import train
from normbench.training.recorders.memory import MemoryRecorder

LINE = {
    "dataset": {"name": "linear_regression", "num_samples": 12},
    "model": {"name": "mlp", "hidden_features": [6, 5]},
}
CLUSTERS = {
    "dataset": {"name": "gaussian_clusters", "num_samples": 60, "num_classes": 3},
    "model": {"name": "mlp", "hidden_features": [6, 5]},
}
CONFIGS = {
    "no norm, dropout, momentum": LINE | {"dropout": 0.5, "optimizer": {"name": "sgd", "lr": 0.01, "momentum": 0.9}},
    "batch norm, dropout, l1": LINE | {"dropout": 0.3, "norm": "batch_norm", "l1": 0.01, "weight_decay": 0.1},
    "adam, switchable norm": CLUSTERS | {"norm": "switchable_norm", "optimizer": "adam"},
    "batch norm, batches of one class": CLUSTERS | {"norm": "batch_norm", "sampling": "by_class"},
    "noise in the norm": CLUSTERS | {"norm": "noisy_batch_norm", "dropout": 0.2},
    "weight norm": LINE | {"weight_parametrization": "weight_norm", "norm": "layer_norm"},
    "images": {"dataset": {"name": "gratings", "num_samples": 12}, "model": "lenet", "norm": "batch_norm"},
    "transformer, batch norm, checkpointing": {
        "dataset": {"name": "sequences", "num_samples": 12},
        "model": "transformer",
        "dropout": 0.2,
        "norm": "batch_norm",
        "checkpointing": True,
    },
}
MEASURES = find_measures()


def trained(name, measures):
    """Train four steps and record two and the end; return losses of every pass, frames and all that training leaves."""
    torch.default_generator.manual_seed(5)
    config = RunConfig.model_validate({"batch_size": 4, "num_steps": 4} | CONFIGS[name])
    training, dataset = build_training(config, seed=3)
    training.read, training.final_read = lambda model: evaluate(model, dataset.train, config.dataset.task), None
    training.measures = measures
    recorder = MemoryRecorder()
    train(training, 4, 2, recorder)
    return training, recorder.frames, [state for _, state in random_states(training.model)]


@pytest.fixture(scope="module")
def plain():
    known = {}
    return lambda name: known[name] if name in known else known.setdefault(name, trained(name, ()))


def assert_same(plain, measured):
    (training, frames, states), (other, other_frames, other_states) = plain, measured
    assert all(torch.equal(state, other) for state, other in zip(states, other_states, strict=True))
    assert torch.equal(training.batches.generator.get_state(), other.batches.generator.get_state())
    for key, tensor in training.model.state_dict().items():
        assert torch.equal(tensor, other.model.state_dict()[key]), key
    assert str(training.optimizer.state_dict()) == str(other.optimizer.state_dict())
    assert [module.training for module in training.model.modules()] == [m.training for m in other.model.modules()]
    assert all(parameter.grad is None for parameter in other.model.parameters())
    for frame, other_frame in zip(frames, other_frames, strict=True):
        assert frame.metrics == other_frame.metrics
        for kind, tensors in frame.tensors().items():
            assert all(torch.equal(tensor, other_frame.tensors()[kind][key]) for key, tensor in tensors.items()), kind
        for layer, found in frame.probes.items():
            assert found == {key: other_frame.probes[layer][key] for key in found}, layer


@pytest.mark.parametrize("measure", MEASURES)  # the configs in turn, since a config's dataset is kept
@pytest.mark.parametrize("name", CONFIGS)
def test_training_is_the_same_bit_for_bit(name, measure, plain):
    measured = trained(name, (measure,))
    assert_same(plain(name), measured)
    assert_numbers_of_layers(measured[0].model, measured[1])


def assert_numbers_of_layers(model, frames):
    norms = {f"{layer}.norm" for layer in weighted_layers(model)} | {name for name, _ in model.named_modules()}
    for frame in frames:
        for layer, found in frame.probes.items():
            assert layer in {NETWORK, *weighted_layers(model), *norms}
            assert all(isinstance(value, float) and not math.isinf(value) for value in found.values()), found


@pytest.mark.parametrize("name", CONFIGS)
def test_all_of_them_together_are_as_harmless(name, plain):
    assert_same(plain(name), trained(name, tuple(MEASURES)))


@pytest.mark.parametrize("measure", MEASURES)
def test_each_measure_has_something_to_say_of_some_network(measure):
    name = "batch norm, dropout, l1"
    without, with_it = (trained(name, measures)[1] for measures in ((), (measure,)))
    said = [sum(map(len, frame.probes.values())) for frame in without]
    assert sum(sum(map(len, frame.probes.values())) for frame in with_it) > sum(said)


def test_a_measure_that_draws_from_the_batches_would_be_seen(monkeypatch, plain):
    def meddle(step):
        step.batches.next()
        return {}

    monkeypatch.setattr(base, "find_measures", lambda: {"meddle": meddle})
    with pytest.raises(AssertionError):
        assert_same(plain("weight norm"), trained("weight norm", ("meddle",)))


def test_what_a_measure_does_to_the_model_is_undone(monkeypatch, plain):
    def meddle(step):
        step.model.eval()(step.batch.x + torch.rand(1))
        step.backward()
        for tensor in (*step.model.parameters(), *step.model.buffers()):
            tensor.data.mul_(2)
        return {}

    monkeypatch.setattr(base, "find_measures", lambda: {"meddle": meddle})
    assert_same(plain("batch norm, dropout, l1"), trained("batch norm, dropout, l1", ("meddle",)))


@pytest.mark.parametrize("name", CONFIGS)
def test_a_measure_can_make_the_step_again_with_the_same_random_numbers(name, monkeypatch):
    """With weights and random states from before the step, its gradients come out bit for bit."""

    def again(step):
        base.set_parameters(step.model, step.seen.weights)
        for _ in range(2):
            set_random_states(step.states)
            step.backward()
            made = grads_of(step.model)
            assert made.keys() == step.seen.grads.keys()
            assert all(torch.equal(made[key], grad) for key, grad in step.seen.grads.items())
            seen.append(len(made))
        return {}

    seen = []
    monkeypatch.setattr(base, "find_measures", lambda: {"again": again})
    trained(name, ("again",))
    assert len(seen) == 6  # two recorded steps, and the end


def test_a_measure_goes_by_the_setting_of_its_name_and_else_by_diagnostics():
    own = {name for name in MEASURES if name in RecordingConfig.model_fields}
    assert own == {"gradient_shift", "loss_surface"}
    assert chosen_measures(RecordingConfig()) == ()
    assert set(chosen_measures(RecordingConfig(diagnostics=True))) == set(MEASURES) - own
    assert chosen_measures(RecordingConfig(loss_surface=True)) == ("loss_surface",)


@pytest.mark.parametrize("found", [{"hidden1": 3.0}, None, [1.0], {"hidden1": {"share": "much"}}])
def test_a_measure_that_returns_something_else_is_named_with_its_file(found, monkeypatch):
    monkeypatch.setattr(base, "find_measures", lambda: {"odd": lambda _step: found})
    with pytest.raises(
        TypeError, match=r"inspection/measures/odd\.py: measure must return numbers by layer and name, "
    ):
        trained("no norm, dropout, momentum", ("odd",))
