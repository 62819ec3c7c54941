"""The loop by hand: what is recorded when, what a step adds to the gradient, how a run ends."""

import math
from itertools import pairwise

import pytest
import torch

from normbench.datasets._batches import Batches
from normbench.datasets.base import Split
from normbench.models.base import Linear
from normbench.random_streams import stream
from normbench.training.backward import go_back, go_back_from_means
from normbench.training.loop import add_l1_gradient, train
from normbench.training.recorders.memory import MemoryRecorder
from normbench.training.training_objects import Outcome, Penalty, Training

LR = 0.1


class Noting:
    """Mean squared error that remembers every batch's loss and breaks at one of them."""

    def __init__(self, breaks_at=None, value=math.nan):
        self.seen, self.breaks_at, self.value = [], breaks_at, value

    def __call__(self, output, target):
        loss = (output - target).square().mean()
        loss = loss * self.value if len(self.seen) == self.breaks_at else loss
        self.seen.append(loss.item())
        return loss


def make_training(loss=None, lr=LR, weight_decay=0.0, l1=0.0, momentum=0.0):
    model = torch.nn.Sequential(Linear(2, 3).followed_by(), Linear(3, 1))
    x = torch.randn(12, 2)
    split = Split(x, x.sum(1, keepdim=True))
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=momentum, weight_decay=weight_decay)
    penalty = Penalty(l1, [model[0].weight, model[1].weight])
    read = lambda model: {"train_loss": (model(split.x) - split.y).square().mean().item()}  # noqa: E731
    return Training(model, Batches(split, 12, stream(0, "order")), optimizer, loss or Noting(), penalty, read)


def run(training, num_steps, every_steps=1):
    recorder = MemoryRecorder()
    return train(training, num_steps, every_steps, recorder), recorder.frames


def weights_of(training):
    return {name: p.detach().clone() for name, p in training.model.named_parameters()}


def gradient_at(training, weights):
    """Return the gradient of the data loss alone, in float64."""
    leaves = {name: w.double().requires_grad_() for name, w in weights.items()}
    hidden = (training.batches.split.x.double() @ leaves["0.weight"].T + leaves["0.bias"]).relu()
    output = hidden @ leaves["1.weight"].T + leaves["1.bias"]
    (output - training.batches.split.y.double()).square().mean().backward()
    return {name: leaf.grad for name, leaf in leaves.items()}


def assert_close(found, expected):
    assert list(found) == list(expected)
    for name, tensor in found.items():
        torch.testing.assert_close(tensor.double(), expected[name].double(), rtol=1e-4, atol=1e-6, msg=name)


@pytest.mark.parametrize(
    ("num_steps", "every_steps", "expected"),
    [(6, 2, [0, 2, 4, 6]), (7, 3, [0, 3, 6, 7]), (3, 100, [0, 3]), (1, 1, [0, 1]), (0, 5, [0])],
)
def test_a_row_at_step_0_every_so_many_steps_and_at_the_end(num_steps, every_steps, expected):
    outcome, frames = run(make_training(), num_steps, every_steps)
    assert [frame.step for frame in frames] == expected
    assert (outcome.status, outcome.step) == ("finished", num_steps)


def test_without_steps_the_network_is_looked_at_once_and_stays():
    training = make_training()
    before = weights_of(training)
    _, (frame,) = run(training, 0)
    assert all(torch.equal(before[name], p) for name, p in training.model.named_parameters())
    assert all(grad.abs().sum() > 0 for grad in frame.grads.values())
    assert list(frame.activations) == list(frame.activation_grads) == ["0", "1"]
    assert frame.updates == {}
    assert "batch_loss_mean" not in frame.metrics


def test_weights_are_recorded_before_the_step():
    training = make_training()
    before = weights_of(training)
    _, frames = run(training, 3)
    assert all(torch.equal(frames[0].weights[name], before[name]) for name in before)
    assert all(torch.equal(frames[3].weights[name], p) for name, p in training.model.named_parameters())


def test_updates_are_the_weights_after_minus_before():
    _, frames = run(make_training(momentum=0.9), 4)
    for frame, following in pairwise(frames):
        for name, update in frame.updates.items():
            assert torch.equal(update, following.weights[name] - frame.weights[name])
    assert frames[-1].updates == {}


@pytest.mark.parametrize("every_steps", [1, 2])
def test_recorded_gradients_are_of_the_data_loss_alone(every_steps):
    training = make_training(weight_decay=0.5, l1=0.5)
    _, frames = run(training, 4, every_steps)
    for frame in frames:
        assert_close(frame.grads, gradient_at(training, frame.weights))


def test_a_step_adds_weight_decay_to_all_and_l1_to_those_that_pay_it():
    """A13, A16: lr (g + weight_decay w + l1 sign w)."""
    training = make_training(weight_decay=0.2, l1=0.3)
    _, frames = run(training, 2)
    for frame in frames[:2]:
        paid = {name: 0.3 * w.sign() if name.endswith("weight") else 0 * w for name, w in frame.weights.items()}
        expected = {name: -LR * (frame.grads[name] + 0.2 * w + paid[name]) for name, w in frame.weights.items()}
        assert_close(frame.updates, expected)


def test_unwatched_steps_pay_the_same_penalties():
    watched, unwatched = (make_training(weight_decay=0.2, l1=0.3, momentum=0.9) for _ in range(2))
    unwatched.model.load_state_dict(watched.model.state_dict())
    unwatched.batches = watched.batches
    run(watched, 5)
    train(unwatched, 5, 1, None)
    for name, tensor in watched.model.state_dict().items():
        assert torch.equal(tensor, unwatched.model.state_dict()[name])


def test_l1_adds_its_sign_and_leaves_what_has_no_gradient():
    with_gradient, without = (torch.nn.Parameter(torch.tensor([2.0, 0.0, -2.0])) for _ in range(2))
    with_gradient.grad = torch.ones(3)
    add_l1_gradient([with_gradient, without], 0.5)
    assert with_gradient.grad.tolist() == [1.5, 1.0, 0.5]
    assert without.grad is None


def test_batch_losses_are_mean_and_max_since_the_last_row():
    loss = Noting()
    _, frames = run(make_training(loss), 8, every_steps=3)
    assert "batch_loss_mean" not in frames[0].metrics
    for frame, span in zip(frames[1:], (slice(0, 3), slice(3, 6), slice(6, 8)), strict=True):
        assert frame.metrics["batch_loss_max"] == max(loss.seen[span])
        assert frame.metrics["batch_loss_mean"] == pytest.approx(sum(loss.seen[span]) / len(loss.seen[span]))


def test_recorded_losses_are_of_the_recorded_weights():
    training = make_training()
    _, frames = run(training, 3)
    for frame in frames:
        training.model.load_state_dict(frame.weights)
        assert frame.metrics["train_loss"] == training.read(training.model)["train_loss"]


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize(("breaks_at", "rows"), [(0, [0]), (2, [0, 2]), (3, [0, 2])])
def test_a_loss_that_is_not_finite_ends_training_before_its_step(breaks_at, rows, value):
    training = make_training(Noting(breaks_at, value))
    outcome, frames = run(training, 9, every_steps=2)
    assert (outcome.status, outcome.step) == ("diverged", breaks_at)
    assert [frame.step for frame in frames] == rows
    assert len(training.loss.seen) == breaks_at + 1
    assert all(p.isfinite().all() for p in training.model.parameters())


def test_a_diverged_step_shows_its_gradient_and_updates_nothing():
    training = make_training(Noting(breaks_at=2))
    _, frames = run(training, 9)
    assert frames[2].updates == {}
    assert all(grad.isnan().all() for grad in frames[2].grads.values())
    assert all(torch.equal(frames[2].weights[name], p) for name, p in training.model.named_parameters())


def test_rows_before_a_divergence_are_those_of_a_run_that_ends_well():
    well, broken = make_training(), make_training(Noting(breaks_at=2))
    broken.model.load_state_dict(well.model.state_dict())
    broken.batches, broken.read = well.batches, well.read
    kept, all_rows = run(broken, 6)[1][:2], run(well, 6)[1][:2]
    assert [frame.metrics for frame in kept] == [frame.metrics for frame in all_rows]


@pytest.mark.parametrize("recorder", [MemoryRecorder(), None])
def test_a_divergence_is_seen_with_and_without_a_recorder(recorder):
    assert train(make_training(Noting(breaks_at=1)), 5, 10, recorder).status == "diverged"


def test_a_last_step_that_breaks_the_network_is_a_divergence():
    outcome, frames = run(make_training(lr=1e30), 1)
    assert not math.isfinite(frames[-1].metrics["train_loss"])
    assert (outcome.status, outcome.step) == ("diverged", 1)


def test_cpu_seconds_are_of_unwatched_steps():
    outcome, _ = run(make_training(), 1)
    assert outcome == Outcome("finished", 1, cpu_s=0.0, num_timed=0)
    assert outcome.cpu_s_per_step is None
    outcome, _ = run(make_training(), 40, every_steps=10)
    assert (outcome.step, outcome.num_timed) == (40, 36)
    assert outcome.cpu_s_per_step == outcome.cpu_s / 36 > 0


@pytest.mark.parametrize("make", [lambda w: w * torch.ones(2), lambda _: torch.tensor(1.0)])
def test_a_loss_that_cannot_be_gone_back_from_is_told_in_torchs_words(make):
    w = torch.nn.Parameter(torch.tensor(2.0))
    with pytest.raises(RuntimeError) as by_torch:
        make(w).backward()
    with pytest.raises(RuntimeError) as by_us:
        go_back(make(w))
    assert str(by_us.value) == str(by_torch.value)


@pytest.mark.parametrize("shape", [(), (1,)])
def test_gradients_are_those_of_torchs_backward_and_are_added(shape):
    ours, torchs = (torch.nn.Parameter(torch.tensor([2.0, -3.0])) for _ in range(2))
    for _ in range(2):
        go_back(ours.square().sum().reshape(shape))
        torchs.square().sum().reshape(shape).backward()
    assert torch.equal(ours.grad, torchs.grad)


def test_the_gradients_are_the_same_without_the_engine_that_torch_keeps_to_itself(monkeypatch):
    def gradients():
        weight = torch.linspace(-1, 1, 6).view(2, 3).requires_grad_()
        go_back((weight.sigmoid() ** 2).mean())
        losses = go_back_from_means(weight.sin() * weight)
        return weight.grad, losses

    usual = gradients()
    monkeypatch.setattr("normbench.training.backward._ENGINE", None)
    assert all(map(torch.equal, usual, gradients()))
