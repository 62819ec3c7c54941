"""Watching changes nothing: losses, parameters, buffers and random state are bit-equal with and without."""

from contextlib import ExitStack

import pytest
import torch
from torch import nn

from normbench.any_module.random_states import generators, random_states
from normbench.any_module.restore import leaving_unchanged
from normbench.inspection.watch.watch import grads_by_layer, outputs_by_layer, watching, whole
from normbench.models.base import Linear
from normbench.study.config import RunConfig
from normbench.training.build import build_training
from normbench.training.experiment import metric_columns
from normbench.training.loop import train
from normbench.training.recorders.csv import CsvRecorder
from normbench.training.recorders.memory import MemoryRecorder, Recorders
from normbench.training.recorders.tensorboard import TensorBoardRecorder

NUM_STEPS = 6
LINE = {
    "dataset": {"name": "linear_regression", "num_samples": 12},
    "model": {"name": "mlp", "hidden_features": [6, 5]},
}
NOTES = {"dataset": {"name": "banknotes", "num_samples": 12}, "model": "lenet"}
SEQUENCES = {"dataset": {"name": "sequences", "num_samples": 12}}
CONFIGS = {
    "mlp": LINE,
    "mlp, dropout": LINE | {"dropout": 0.5},
    "mlp, batch norm, dropout": LINE | {"dropout": 0.3, "norm": "batch_norm"},
    "mlp, noise, dropout": LINE | {"dropout": 0.3, "norm": "noisy_batch_norm"},
    "mlp, layer norm, l1": LINE | {"norm": "layer_norm", "l1": 0.01, "weight_decay": 0.1},
    "mlp, adam": LINE | {"norm": "scale_shift", "optimizer": {"name": "adam", "lr": 0.01}, "dropout": 0.2},
    "lenet, batch norm, dropout": NOTES | {"dropout": 0.2, "norm": "batch_norm"},
    "rnn, layer norm": SEQUENCES | {"model": "rnn", "norm": "layer_norm"},
    "transformer, batch norm, checkpointing": SEQUENCES
    | {"model": "transformer", "dropout": 0.2, "norm": "batch_norm", "checkpointing": True},
}
EACH = pytest.mark.parametrize("name", CONFIGS)
pytestmark = pytest.mark.usefixtures("small_test_sets")


def config_of(name):
    return RunConfig.model_validate({"batch_size": 4, "num_steps": NUM_STEPS} | CONFIGS[name])


def trained(config, every_steps=1, make_recorder=lambda *_: None):
    """Train one run; return its batch losses, final state and random states."""
    torch.default_generator.manual_seed(5)
    training, dataset = build_training(config, seed=3)
    losses, loss = [], training.loss

    def noting(output, target):
        losses.append(loss(output, target))
        return losses[-1]

    training.loss = noting
    with ExitStack() as stack:
        recorder = make_recorder(stack, config, dataset, training.model)
        train(training, NUM_STEPS, every_steps, recorder)
    bits = [value.item() for value in losses[:NUM_STEPS]]  # the look at the end takes one more
    states = [state for _, state in random_states(training.model)]
    return bits, training.model.state_dict(), states, training.model.training


def in_memory(*_):
    return MemoryRecorder()


def on_disk(tmp_path):
    def make(stack, config, dataset, model):
        files = stack.enter_context(CsvRecorder(tmp_path, metric_columns(model, dataset, config)))
        kinds = ["weight", "grad", "activation", "update"]
        return Recorders([files, stack.enter_context(TensorBoardRecorder(tmp_path, kinds, NUM_STEPS + 2))])

    return make


def assert_same(unwatched, watched):
    assert unwatched[0] == watched[0]
    assert list(unwatched[1]) == list(watched[1])
    for name, tensor in unwatched[1].items():
        assert torch.equal(tensor, watched[1][name]), name
    assert all(torch.equal(one, other) for one, other in zip(unwatched[2], watched[2], strict=True))
    assert unwatched[3] is watched[3] is True


@EACH
@pytest.mark.parametrize("every_steps", [1, 4])
def test_a_run_kept_in_memory_is_the_unwatched_run(name, every_steps):
    config = config_of(name)
    assert_same(trained(config), trained(config, every_steps, in_memory))


@EACH
def test_a_run_written_to_disk_is_the_unwatched_run(name, tmp_path):
    config = config_of(name)
    assert_same(trained(config), trained(config, 2, on_disk(tmp_path)))
    assert (tmp_path / "metrics.csv").stat().st_size


@pytest.mark.parametrize("meddled_with", [0, 1], ids=["torch's generator", "the stream of dropout"])
def test_the_comparison_would_see_one_more_random_number(meddled_with):
    config = config_of("mlp, noise, dropout")

    class Meddler(MemoryRecorder):
        def __init__(self, model):
            super().__init__()
            self.generator = generators(model)[meddled_with]

        def record(self, frame):
            torch.rand(1, generator=self.generator)

    unwatched, meddled = trained(config), trained(config, 2, lambda *given: Meddler(given[-1]))
    assert unwatched[0] != meddled[0]
    same = [torch.equal(one, other) for one, other in zip(unwatched[2], meddled[2], strict=True)]
    assert same == [meddled_with != 0, meddled_with != 1]


def test_the_look_at_the_end_leaves_buffers_gradients_and_random_state_as_they_were():
    training, _ = build_training(config_of("mlp, noise, dropout"), seed=0)
    before = {name: buffer.clone() for name, buffer in training.model.named_buffers()}
    states = random_states(training.model)
    with leaving_unchanged(training.model, parameters_change=False):
        training.model(training.batches.next().x).sum().backward()
        assert not torch.equal(before["hidden1.norm.running_mean"], training.model.hidden1.norm.running_mean)
        assert not any(torch.equal(generator.get_state(), state) for generator, state in states)
    assert all(torch.equal(before[name], buffer) for name, buffer in training.model.named_buffers())
    assert all(torch.equal(generator.get_state(), state) for generator, state in states)
    assert all(parameter.grad is None for parameter in training.model.parameters())


def test_activations_are_what_each_layer_hands_on_with_the_gradient_that_comes_back():
    training, _ = build_training(config_of("mlp, layer norm, l1"), seed=0)
    model, x = training.model, torch.randn(4, 1)
    with watching(model, whole) as watch:
        model(x).square().sum().backward()
    outputs, grads = outputs_by_layer(watch.calls), grads_by_layer(watch.calls)
    assert list(outputs) == list(grads) == ["hidden1", "hidden2", "output"]
    with torch.no_grad():
        hidden = model.hidden1(x)
        output = model.output(model.hidden2(hidden))
    assert torch.equal(outputs["hidden1"], hidden)
    assert hidden.min() == 0  # after ReLU
    assert torch.equal(outputs["output"], output)
    assert torch.equal(grads["output"], 2 * output)


def test_a_layer_called_several_times_gives_all_its_outputs_and_gradients():
    layer = Linear(2, 2)
    model = nn.Sequential(layer, layer)
    x = torch.randn(3, 2)
    with watching(model, whole) as watch:
        model(x).square().sum().backward()
    first = layer(x).detach()
    second = layer(first).detach()
    assert torch.equal(outputs_by_layer(watch.calls)["0"], torch.cat([first, second]))
    grads = torch.cat([2 * second @ layer.weight, 2 * second])
    torch.testing.assert_close(grads_by_layer(watch.calls)["0"], grads)


def test_the_state_of_a_recurrent_cell_is_seen_at_every_real_step_and_at_no_padding():
    training, dataset = build_training(config_of("rnn, layer norm"), seed=0)
    with watching(training.model, whole) as watch:
        training.model(dataset.train.x).sum().backward()
    num_steps = int(dataset.train.x[..., -1].sum())
    outputs, grads = outputs_by_layer(watch.calls), grads_by_layer(watch.calls)
    for layer in ("cell.input", "cell.hidden"):
        assert len(outputs[layer]) == len(grads[layer]) == num_steps


def test_no_hook_stays_behind():
    training, _ = build_training(config_of("mlp"), seed=0)
    with watching(training.model, whole):
        assert any(layer._forward_hooks for layer in training.model.children())
    assert not any(layer._forward_hooks for layer in training.model.children())
