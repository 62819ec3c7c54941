"""What is minimised, what is read in evaluation mode, and what a diverged run counts as."""

import math

import pytest
import torch
from torch import nn

from normbench.datasets.base import Split
from normbench.inspection.losses import (
    EVALUATION_BATCH,
    constant_predictor,
    evaluate,
    loss_function,
    output_means,
    predict,
)


def classes(*labels):
    return Split(torch.zeros(len(labels), 2), torch.tensor(labels))


def values(*targets):
    return Split(torch.zeros(len(targets), 1), torch.tensor(targets).unsqueeze(1))


class Table(nn.Module):
    """Hands on its table's rows as outputs."""

    def __init__(self, *rows):
        super().__init__()
        self.rows = torch.tensor(rows)

    def forward(self, x):
        return self.rows[: len(x)]


def test_regression_minimises_the_mean_squared_error():
    loss = loss_function("regression", seed=0)
    assert loss(torch.tensor([[1.0], [4.0]]), torch.tensor([[0.0], [2.0]])).item() == 2.5


def test_classification_minimises_the_cross_entropy():
    loss = loss_function("classification", seed=0)
    logits = torch.tensor([[math.log(3), 0.0], [0.0, 0.0]])
    expected = (math.log(4 / 3) + math.log(2)) / 2
    assert loss(logits, torch.tensor([0, 1])).item() == pytest.approx(expected, rel=1e-6)


def signal_gradient(seed, num_samples=500, num_outputs=8):
    output = torch.randn(num_samples, num_outputs, requires_grad=True)
    loss_function("signal", seed)(output, None).backward()
    return output.grad * num_samples


def test_a_signal_sends_a_standard_normal_back_from_each_sample():
    grad = signal_gradient(0)
    assert grad.std().item() == pytest.approx(1, abs=4 / math.sqrt(2 * grad.numel()))
    assert grad.mean().item() == pytest.approx(0, abs=4 / math.sqrt(grad.numel()))


def test_the_signal_depends_on_the_seed_and_not_on_the_outputs():
    assert torch.equal(signal_gradient(0), signal_gradient(0))
    assert not torch.equal(signal_gradient(0), signal_gradient(1))


def test_loss_and_accuracy_are_over_the_whole_split():
    found = evaluate(Table([2.0, 0.0], [2.0, 0.0], [0.0, 2.0], [0.0, 2.0]), classes(0, 1, 1, 1), "classification")
    right = math.log(1 + math.exp(-2))
    assert found == {"loss": pytest.approx((3 * right + right + 2) / 4, rel=1e-6), "accuracy": 0.75}


def test_regression_is_read_as_a_loss_alone():
    assert evaluate(Table([1.0], [3.0]), values(0.0, 0.0), "regression") == {"loss": 5.0}


def test_without_a_target_there_is_no_loss():
    assert evaluate(Table([1.0]), Split(torch.zeros(1, 1)), "signal") == {}


def noisy_net():
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))


def test_large_splits_are_read_in_pieces_that_change_nothing():
    net, x = noisy_net(), torch.randn(2 * EVALUATION_BATCH + 203, 3)
    sizes = []
    net[0].register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    found = predict(net, x)
    assert sizes == [EVALUATION_BATCH, EVALUATION_BATCH, 203]
    torch.testing.assert_close(found, net.eval()(x), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("num_samples", "sizes"),
    [
        (1, [1]),
        (EVALUATION_BATCH, [EVALUATION_BATCH]),
        (EVALUATION_BATCH + 1, [EVALUATION_BATCH + 1]),
        (EVALUATION_BATCH + 2, [EVALUATION_BATCH, 2]),
        (2 * EVALUATION_BATCH + 1, [EVALUATION_BATCH, EVALUATION_BATCH + 1]),
    ],
)
def test_no_sample_is_read_alone_if_there_are_others(num_samples, sizes):
    seen, x = [], torch.arange(num_samples).float()[:, None]
    net = nn.Identity()
    net.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    assert torch.equal(predict(net, x), x)
    assert seen == sizes


def test_a_norm_with_batch_statistics_in_evaluation_reads_any_number_of_samples():
    net = nn.BatchNorm1d(3, track_running_stats=False)
    assert predict(net, torch.randn(EVALUATION_BATCH + 1, 3)).isfinite().all()


@pytest.mark.parametrize("training", [True, False])
def test_predicting_changes_nothing(training):
    net, x = noisy_net().train(training), torch.randn(9, 3)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    state = torch.random.get_rng_state()
    assert torch.equal(predict(net, x), predict(net, x))
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), state)
    assert net.training is training


def test_predictions_carry_no_gradient():
    assert not predict(noisy_net(), torch.randn(3, 3)).requires_grad


def test_output_means_are_of_both_modes_and_leave_no_trace():
    net, x = nn.Sequential(nn.Dropout(0.5), nn.Linear(1, 1, bias=False)), torch.ones(1000, 1)
    net[1].weight.data.fill_(3.0)
    state = torch.random.get_rng_state()
    found = output_means(net, x)
    assert found["output_mean_evaluation"] == 3.0
    assert found["output_mean_training"] != 3.0
    assert found["output_mean_training"] == pytest.approx(3.0, abs=4 * 3 / math.sqrt(1000))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_the_constant_regressor_says_the_mean_of_the_training_set():
    assert constant_predictor(values(0.0, 4.0), values(1.0, 5.0), "regression") == {"loss": 5.0}  # 1 and 9


def test_the_constant_classifier_says_the_shares_of_the_training_set():
    found = constant_predictor(classes(0, 0, 0, 1), classes(0, 1), "classification")
    loss = pytest.approx(-(math.log(0.75) + math.log(0.25)) / 2)
    assert found == {"loss": loss, "accuracy": 0.5, "balanced_accuracy": 0.5}


def test_a_class_that_training_never_saw_costs_something_finite():
    found = constant_predictor(classes(0, 0), classes(0, 1), "classification")
    assert found == {"loss": pytest.approx(math.log(2) / 2), "accuracy": 0.5, "balanced_accuracy": 0.5}


def test_of_a_signal_nothing_is_predicted():
    assert constant_predictor(Split(torch.zeros(2, 1)), Split(torch.zeros(2, 1)), "signal") == {}
