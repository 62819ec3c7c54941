"""Santurkar et al.'s measure: zero for the first layer, by hand for a linear network, and training goes on unmoved."""

import pytest
import torch

from normbench.datasets._batches import Batches
from normbench.datasets.base import Split
from normbench.models.base import Linear
from normbench.random_streams import stream
from normbench.study.config import RunConfig
from normbench.training.build import build_training
from normbench.training.loop import train
from normbench.training.recorders.memory import MemoryRecorder
from normbench.training.training_objects import Penalty, Training

LR = 0.1
LINE = {
    "dataset": {"name": "linear_regression", "num_samples": 12},
    "model": {"name": "mlp", "hidden_features": [6, 5]},
}


def chain(*weights):
    """Return a linear network of one unit per layer, without biases."""
    layers = [Linear(1, 1, bias=False) for _ in weights]
    for layer, weight in zip(layers, weights, strict=True):
        layer.weight.data.fill_(weight)
    return torch.nn.Sequential(*layers).double()


def shifts_of(model, x, y, **settings):
    split = Split(torch.tensor([[x]]).double(), torch.tensor([[y]]).double())
    optimizer = torch.optim.SGD(model.parameters(), lr=LR, **settings)
    loss = lambda output, target: (output - target).square().mean()  # noqa: E731
    batches, recorder = Batches(split, 1, stream(0, "order")), MemoryRecorder()
    training = Training(model, batches, optimizer, loss, Penalty(), lambda _: {}, measures=("gradient_shift",))
    train(training, 1, 1, recorder)
    assert not any("gradient_shift" in found for found in recorder.frames[1].probes.values())  # no step follows
    return recorder.frames[0].probes


@pytest.mark.parametrize("weight_decay", [0.0, 0.5])
def test_two_linear_layers_by_hand(weight_decay):
    """Loss (b a x - y)^2: the gradient of b is 2 (b a x - y) a x, before and after a's step alone."""
    a, b, x, y = 2.0, 3.0, 1.0, 1.0
    before = 2 * (b * a * x - y) * a * x  # 20
    moved = a - LR * (2 * (b * a * x - y) * b * x + weight_decay * a)  # a's gradient is 30
    after = 2 * (b * moved * x - y) * moved * x
    first, second = shifts_of(chain(a, b), x, y, weight_decay=weight_decay).values()
    assert first == {"gradient_shift": 0, "gradient_shift_relative": 0, "gradient_shift_cosine": 1}
    assert second["gradient_shift"] == pytest.approx(abs(after - before))
    assert second["gradient_shift_relative"] == pytest.approx(abs(after - before) / 20)
    assert second["gradient_shift_cosine"] == pytest.approx(1 if after > 0 else -1)


def test_a_third_layer_meets_two_moved_ones_and_never_moves_itself():
    a, b, c, x, y = 0.5, -0.8, 1.5, 1.0, 2.0
    error = 2 * (a * b * c * x - y)
    moved_a, moved_b = a - LR * error * b * c * x, b - LR * error * a * c * x
    before, after = error * a * b * x, 2 * (moved_a * moved_b * c * x - y) * moved_a * moved_b * x
    third = shifts_of(chain(a, b, c), x, y)["2"]
    assert third["gradient_shift"] == pytest.approx(abs(after - before))


def test_without_an_update_dropout_moves_no_gradient():
    """At lr 0 the masks being the same in both, so are the gradients, bit for bit."""
    config = RunConfig.model_validate(LINE | {"dropout": 0.5, "batch_size": 4, "optimizer": {"name": "sgd", "lr": 0.1}})
    training, _ = build_training(config, seed=0)
    training.measures, recorder = ("gradient_shift",), MemoryRecorder()
    training.optimizer.param_groups[0]["lr"] = 0.0
    train(training, 1, 1, recorder)
    assert [found["gradient_shift"] for found in recorder.frames[0].probes.values()] == [0.0, 0.0, 0.0]


def test_it_is_recorded_where_the_config_asks_for_it():
    for asked in (True, False):
        config = RunConfig.model_validate(LINE | {"batch_size": 4, "recording": {"gradient_shift": asked}})
        assert ("gradient_shift" in build_training(config, seed=0)[0].measures) is asked
