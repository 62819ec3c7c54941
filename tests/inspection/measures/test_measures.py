"""Each measure against a number worked out by hand or by a formula in float64."""

import math
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - torch's idiom

from normbench.datasets._batches import Batches
from normbench.datasets.base import Split
from normbench.evidence.metrics.scales import is_share
from normbench.inspection.measures import largest_singular_value as singular
from normbench.inspection.measures import loss_surface
from normbench.inspection.measures.base import find_measures
from normbench.inspection.measures.effective_lr import scale_free
from normbench.models.base import Conv2d, Linear, build_norm
from normbench.norms.batch_norm import BatchNormSpec
from normbench.norms.layer_norm import LayerNormSpec
from normbench.norms.none import NoneSpec
from normbench.random_streams import stream
from normbench.scheduling.candidates import tuning_config
from normbench.study.config import RunConfig
from normbench.training.build import build_training, chosen_measures
from normbench.training.experiment import run_experiment
from normbench.training.loop import train
from normbench.training.recorders.memory import MemoryRecorder
from normbench.training.training_objects import Penalty, Training
from normbench.weight_parametrizations.spectral_norm import SpectralNormSpec

LR = 0.05
A = torch.diag(torch.tensor([4.0, 1.0, 0.25], dtype=torch.float64))
TURN, _ = torch.linalg.qr(torch.tensor([[1.0, 2.0, 0.5], [0.0, 1.0, 3.0], [2.0, 0.0, 1.0]], dtype=torch.float64))
CURVATURE = TURN @ A @ TURN.T  # eigenvalues 4, 1, 0.25


def frames_of(model, split, measure, *, lr=LR, num_steps=1, loss=F.mse_loss, make=torch.optim.SGD, **settings):
    """Train on the whole split at each step; return the frames."""
    optimizer = make(model.parameters(), lr=lr, **settings)
    batches, recorder = Batches(split, len(split), stream(0, "order")), MemoryRecorder()
    training = Training(model, batches, optimizer, loss, Penalty(), lambda _: {}, measures=(measure,))
    train(training, num_steps, 1, recorder)
    return recorder.frames


def measured(*args, **settings):
    return frames_of(*args, **settings)[0].probes


def regression(num_samples=6, num_features=3):
    x = torch.randn(num_samples, num_features, dtype=torch.float64)
    return Split(x, x.sum(1, keepdim=True))


def net(*widths, norm=None, position="before_activation", dropout=0.0):
    norm = norm or NoneSpec()
    layers = [
        Linear(a, b).followed_by(build_norm(norm, (b,), "l"), position=position, dropout=dropout)
        for a, b in pairwise(widths)
    ]
    return nn.Sequential(*layers, Linear(widths[-1], 1)).double()


class Quadratic(nn.Module):
    """f(w) = w^T A w / 2, whatever the input."""

    def __init__(self, start):
        super().__init__()
        self.w = Linear(3, 1, bias=False).double()
        self.w.weight.data.copy_(start)

    def forward(self, x):
        return (self.w.weight @ CURVATURE @ self.w.weight.T / 2).expand(len(x), 1)


def surface_of(start):
    split = Split(torch.zeros(2, 1, dtype=torch.float64), torch.zeros(2, 1, dtype=torch.float64))
    return measured(Quadratic(start), split, "loss_surface", loss=lambda output, _: output.mean())["network"]


def test_on_a_quadratic_the_gradient_changes_by_the_step_times_the_curvature():
    start = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    grad = CURVATURE @ start
    found = surface_of(start)
    for multiple in loss_surface.MULTIPLES:
        there = start - multiple * LR * grad
        change = torch.linalg.vector_norm(multiple * LR * CURVATURE @ grad).item()
        assert found[f"loss_at_{multiple:g}_lr"] == pytest.approx((there @ CURVATURE @ there / 2).item(), rel=1e-12)
        assert found[f"gradient_change_at_{multiple:g}_lr"] == pytest.approx(change, rel=1e-12)
    losses = [found[f"loss_at_{multiple:g}_lr"] for multiple in loss_surface.MULTIPLES]
    assert found["loss_variation"] == max(losses) - min(losses)
    assert found["gradient_predictiveness"] == found["gradient_change_at_4_lr"]
    assert found["step_size"] == LR
    along = (torch.linalg.vector_norm(CURVATURE @ grad) / torch.linalg.vector_norm(grad)).item()
    assert found["smoothness"] == pytest.approx(along, rel=1e-12)
    assert found["smoothness"] < 4  # the largest curvature


@pytest.mark.parametrize(("i", "curvature"), [(0, 4.0), (1, 1.0), (2, 0.25)])
def test_along_an_eigenvector_smoothness_is_its_curvature(i, curvature):
    assert surface_of(3 * TURN[:, i])["smoothness"] == pytest.approx(curvature, rel=1e-12)


def test_where_the_gradient_is_zero_nothing_changes():
    found = surface_of(torch.zeros(3, dtype=torch.float64))
    assert found["smoothness"] == found["loss_variation"] == found["gradient_predictiveness"] == 0


def test_dropout_is_the_same_along_the_gradient(monkeypatch):
    """At steps of size 0 the loss and gradient are those of the step itself, bit for bit, dropout and all."""
    monkeypatch.setattr(loss_surface, "MULTIPLES", (1e-300, 2e-300))
    found = measured(net(3, 8, dropout=0.5, norm=BatchNormSpec()), regression(), "loss_surface")["network"]
    assert found["loss_variation"] == found["gradient_predictiveness"] == 0


def test_the_update_ratio_of_plain_descent_is_lr_times_gradient_over_weight():
    (frame, last) = frames_of(net(3, 4), regression(), "update_ratio")
    for layer in ("0", "1"):
        grad, weight = (torch.linalg.vector_norm(t[f"{layer}.weight"]).item() for t in (frame.grads, frame.weights))
        assert frame.probes[layer]["update_ratio"] == pytest.approx(LR * grad / weight)
    assert last.probes == {}  # no step follows


def test_dead_units_are_those_that_no_sample_wakes():
    model = net(3, 4)
    model[0].weight.data.zero_()
    model[0].bias.data.copy_(torch.tensor([1.0, -1.0, -2.0, 3.0]))
    frames = frames_of(model, regression(), "dead_units", lr=1e-9)
    assert [frame.probes for frame in frames] == [{"0": {"dead_unit_share": 0.5}}] * 2  # the output layer has no ReLU


def test_a_dead_channel_is_dead_at_all_positions():
    config = RunConfig.model_validate({"model": "lenet", "dataset": {"name": "banknotes", "num_samples": 16}})
    training, _ = build_training(config, seed=0)
    training.model.conv1.weight.data[:2] = 0
    training.model.conv1.bias.data[:3] = torch.tensor([-1.0, -1.0, 0.0])
    training.measures, recorder = ("dead_units",), MemoryRecorder()
    train(training, 0, 1, recorder)
    output = recorder.frames[0].activations["conv1"]
    expected = sum(bool((output[:, channel] == 0).all()) for channel in range(6)) / 6
    assert recorder.frames[0].probes["conv1"]["dead_unit_share"] == pytest.approx(expected)
    assert expected >= 2 / 6


def test_the_gradients_slope_is_that_of_the_deviations_at_the_hidden_outputs():
    frame = frames_of(net(3, 32, 32, 32), regression(), "gradient_growth")[0]
    logs = [math.log(frame.activation_grads[layer].std(correction=0).item()) for layer in ("0", "1", "2")]
    expected = (logs[2] - logs[0]) / 2  # the least-squares slope of three evenly spaced values
    assert frame.probes["network"]["gradient_depth_slope"] == pytest.approx(expected)


def test_the_slope_is_what_depth_slope_reads_at_the_end(tmp_path):
    from normbench.evidence.metrics.run_metrics import read_metrics
    from normbench.storage.run_folder import Run

    settings = {"model": {"name": "mlp", "width": 8, "depth": 4}, "dataset": {"name": "linear_regression"}}
    recording = {"tensorboard": False, "diagnostics": True, "every_steps": 2}
    config = RunConfig.model_validate(settings | {"num_steps": 4, "batch_size": 5, "recording": recording})
    run_experiment(config, 0, tmp_path, study="s", arm="a")
    metrics = ["depth_slope activation_grad.std", "probe.gradient_depth_slope@network"]
    first, second = read_metrics(Run(tmp_path, 0), metrics).values()
    assert first == pytest.approx(second, rel=1e-9)


@pytest.mark.parametrize(
    ("norm", "position", "names"),
    [
        (BatchNormSpec(), "before_activation", ["weight"]),  # takes the bias away
        (LayerNormSpec(), "before_activation", ["weight", "bias"]),
        (BatchNormSpec(), "after_activation", ["weight", "bias"]),
        (NoneSpec(), "before_activation", []),
    ],
)
def test_scale_free_parameters_can_be_scaled_together_and_nothing_changes(norm, position, names):
    layer = net(3, 5, norm=norm, position=position)[0]
    assert scale_free(layer, 8) == names
    x = torch.randn(8, 3, dtype=torch.float64)
    before = layer(x)
    for name in names:
        layer.get_parameter(name).data.mul_(7)
    torch.testing.assert_close(layer(x), before, rtol=1e-3, atol=1e-3)


def test_the_effective_learning_rate_is_lr_over_the_squared_length_under_sgd_and_over_the_length_under_adam():
    for make, power in ((torch.optim.SGD, 2), (torch.optim.Adam, 1)):
        frame = frames_of(net(3, 4, norm=LayerNormSpec()), regression(), "effective_lr", make=make)[0]
        length = math.sqrt(sum(frame.weights[f"0.{name}"].square().sum().item() for name in ("weight", "bias")))
        assert frame.probes == {"0": {"effective_lr": pytest.approx(LR / length**power)}}


def test_dropout_multiplies_the_variance_of_a_sum_by_the_formula():
    """Var of w x m / (1 - p): w^2 (Var x + E x^2 p / (1 - p)) for masks that keep 1 - p."""
    p, num_samples = 0.4, 20_000
    x = torch.rand(num_samples, 1, dtype=torch.float64) + 1
    model = nn.Sequential(
        Linear(1, 1, bias=False).followed_by(dropout=p),
        Linear(1, 1).followed_by(build_norm(BatchNormSpec(), (1,), "l")),
    ).double()
    model[0].weight.data.fill_(1.0)
    split = Split(x, x)
    step_probes = measured(model, split, "variance_shift")
    expected = (x.var() + x.square().mean() * p / (1 - p)) / x.var()
    assert step_probes["1.norm"]["dropout_variance_ratio"] == pytest.approx(expected.item(), rel=0.05)


def test_without_dropout_before_it_a_norm_meets_the_same_variance():
    frame = frames_of(net(3, 4, norm=BatchNormSpec(), dropout=0.5), regression(64), "variance_shift")[0]
    assert frame.probes["0.norm"]["dropout_variance_ratio"] == 1
    two = frames_of(net(3, 4, 4, norm=BatchNormSpec(), dropout=0.5), regression(64), "variance_shift")[0]
    assert two.probes["1.norm"]["dropout_variance_ratio"] > 1.2


def classification():
    x = torch.randn(40, 3)
    return Split(x, (x[:, 0] > 0).long())


def test_two_readings_are_those_of_evaluation_and_of_the_batch_itself():
    split = classification()
    model = nn.Sequential(Linear(3, 8).followed_by(build_norm(BatchNormSpec(), (8,), "l")), Linear(8, 2))
    found = frames_of(model, split, "two_readings", loss=F.cross_entropy, num_steps=1)[-1].probes["network"]
    with torch.no_grad():
        running, own = model.eval()(split.x), model.train()(split.x)  # one batch is the whole split
    for kind, output in (("running", running), ("batch_statistics", own)):
        assert found[f"{kind}_loss"] == pytest.approx(F.cross_entropy(output, split.y).item(), rel=1e-5)
        assert found[f"{kind}_accuracy"] == pytest.approx((output.argmax(1) == split.y).double().mean().item())


def test_running_statistics_are_compared_with_the_training_sets_at_every_recorded_step():
    model = net(3, 8, norm=BatchNormSpec(momentum=1.0))
    frames = frames_of(model, regression(), "running_statistics", lr=1e-12, num_steps=2)
    assert [frame.probes["0.norm"]["running_precise_mean_gap"] for frame in frames] == pytest.approx([0] * 3, abs=1e-6)


def test_the_numbers_reach_the_file_and_the_board(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    settings = {"model": {"name": "mlp", "hidden_features": [4]}, "dataset": "linear_regression", "norm": "batch_norm"}
    recording = {"diagnostics": True, "loss_surface": True, "every_steps": 2}
    config = RunConfig.model_validate(settings | {"num_steps": 4, "batch_size": 5, "recording": recording})
    run_experiment(config, 0, tmp_path, study="s", arm="a")
    text = (tmp_path / "probes.csv").read_text()
    board = EventAccumulator(str(tmp_path)).Reload()
    tags = {"hidden1": "01_hidden1"}
    for name, layer in (("update_ratio", "hidden1"), ("smoothness", "network"), ("running_loss", "network")):
        assert f",{layer},{name}," in text
        assert board.Scalars(f"{name}/{tags.get(layer, layer)}")


def test_sizes_along_the_gradient_are_compared_by_ratios_and_other_probes_by_differences():
    ratios = ("probe.smoothness@network", "at_train_loss 1.0 probe.loss_variation@network", "change weight.std@fc1")
    assert all(map(is_share, ratios))
    assert not any(map(is_share, ("probe.update_ratio@fc1", "probe.running_loss@network", "weight.std@fc1")))


def test_tuning_runs_measure_nothing():
    settings = {"model": "mlp", "dataset": "linear_regression"}
    recording = dict.fromkeys(("diagnostics", "loss_surface", "gradient_shift"), True)
    config = RunConfig.model_validate(settings | {"recording": recording})
    assert len(chosen_measures(config.recording)) == len(find_measures())
    assert chosen_measures(tuning_config(config).recording) == ()


@pytest.mark.parametrize("shape", [(4, 7), (7, 4), (1, 5), (5, 1)])
def test_it_is_that_of_the_singular_value_decomposition(shape):
    matrix = torch.randn(shape)
    expected = torch.linalg.svdvals(matrix.double())[0].item()
    assert singular.largest_singular_value(matrix) == pytest.approx(expected, rel=1e-12)


def test_of_a_spectral_norm_it_is_that_of_the_weight_as_evaluation_has_it():
    model = net(3, 6)
    SpectralNormSpec(init_iterations=1).build(model[0])
    found = measured(model, regression(), "largest_singular_value", lr=1e-300)
    model.eval()
    expected = torch.linalg.matrix_norm(model[0].weight.detach(), 2).item()
    assert found["0"]["largest_singular_value"] == pytest.approx(expected, rel=1e-12)
    assert set(found) == {"0", "1"}


def test_a_convolution_has_a_row_for_each_filter_and_large_matrices_are_left_out(monkeypatch):
    conv = Conv2d(2, 3, 2)
    assert singular._matrix(conv).shape == (3, 8)
    monkeypatch.setattr(singular, "LONGEST_SIDE", 3)
    assert set(measured(net(3, 6), regression(), "largest_singular_value")) == {"0", "1"}
    monkeypatch.setattr(singular, "LONGEST_SIDE", 0)
    assert measured(net(3, 6), regression(), "largest_singular_value") == {}


def test_what_comes_into_a_norm_is_read_before_it():
    first = Linear(3, 6).followed_by(build_norm(LayerNormSpec(), (6,), "l"))
    model, split = nn.Sequential(first, Linear(6, 1)).double(), regression()
    found = measured(model, split, "norm_inputs", lr=1e-300)
    before = nn.functional.linear(split.x, first.weight, first.bias).detach()
    assert found["0.norm"]["norm_input_std"] == pytest.approx(before.std(correction=0).item(), rel=1e-12)


def test_without_norms_nothing_is_read():
    assert measured(net(3, 6), regression(), "norm_inputs") == {}
