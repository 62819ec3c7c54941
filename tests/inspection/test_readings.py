"""Models with running statistics, read with batch statistics, re-estimated and adapted ones."""

import pytest
import torch
from torch import nn

from normbench.datasets.base import Dataset, Split
from normbench.inspection import reestimation
from normbench.inspection.readings import Readings, momenta, roughness
from normbench.norms._batch_norm import BatchNorm
from normbench.scheduling.schedule import run_study
from normbench.study.config import RunConfig
from normbench.study.load import load_study
from normbench.training.build import build_training, final_readings
from normbench.training.loop import train
from normbench.training.recorders.memory import MemoryRecorder

TINY = """\
# Does it read?
model: {name: mlp, hidden_features: [8]}
norm: {name: batch_norm, momentum: 0.5, extra_momenta: [0.1]}
dataset: {name: gaussian_clusters, num_samples: 64}
dropout: 0.3
batch_size: 8
num_steps: 20
recording: {tensorboard: false, figures: false}
"""


class Scaled(nn.Module):
    """One norm without learned parameters."""

    def __init__(self, momentum=0.1):
        super().__init__()
        self.norm = nn.BatchNorm1d(1, eps=1e-12, affine=False, momentum=momentum)

    def forward(self, x):
        return self.norm(x)


def split(*values):
    x = torch.tensor([[value] for value in values])
    return Split(x, torch.zeros_like(x))


def read(model, batch_size=4):
    train, test = split(1.0, 3.0, 1.0, 3.0), split(12.0, 8.0, 12.0, 8.0)
    return Readings(Dataset(train, test, test), "regression", batch_size, "shuffled")(model)[0]


def test_each_reading_has_the_loss_that_follows_from_its_statistics():
    found = read(Scaled().eval())
    assert found["batch_statistics_test_loss"] == pytest.approx(1.0)  # mean 10, variance 4: outputs -1 and 1
    assert found["adapted_test_loss"] == pytest.approx(0.75)  # the remembered variance is the unbiased one, 16/3
    assert found["reestimated_test_loss"] == pytest.approx((10**2 + 6**2) / 2 / (4 / 3))  # mean 2, variance 4/3
    assert found["reestimated_train_loss"] == pytest.approx(0.75)


def test_reading_leaves_no_trace():
    model = Scaled()
    before, state = {k: v.clone() for k, v in model.state_dict().items()}, torch.get_rng_state()
    read(model)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert model.training
    assert model.norm.momentum == 0.1
    assert torch.equal(torch.get_rng_state(), state)


def test_a_model_without_running_statistics_has_no_further_readings():
    final_readings = Readings(Dataset(split(1.0), split(1.0), split(1.0)), "regression", 1, "shuffled")
    model = nn.LayerNorm(1)
    assert (final_readings(model), final_readings.columns(model)) == (({}, {}), [])


def test_a_split_that_fills_no_batch_is_one():
    assert read(Scaled(), batch_size=100)["batch_statistics_test_loss"] == pytest.approx(1.0)


def test_a_straight_line_is_smooth_and_a_kink_is_not():
    assert roughness(torch.tensor([0.0, 1.0, 2.0, 3.0])) == 0.0
    assert roughness(torch.tensor([0.0, 1.0, 0.0, 1.0])) == 8.0


@pytest.fixture(scope="module")
def last_row(tmp_path_factory):
    """The first and the last row of a run's metrics."""
    folder = tmp_path_factory.mktemp("readings")
    (folder / "tiny.yaml").write_text(TINY, encoding="utf-8")
    (progress,) = run_study(load_study(folder / "tiny.yaml"), folder / "runs")
    rows = (progress.run.folder / "metrics.csv").read_text(encoding="utf-8").splitlines()
    columns = rows[0].split(",")
    return [dict(zip(columns, row.split(","), strict=True)) for row in (rows[1], rows[-1])]


def test_the_last_row_has_all_readings_and_the_others_none(last_row):
    first, last = last_row
    names = [name for name in last if name.startswith(("batch_statistics", "reestimated", "adapted", "momentum"))]
    assert {"adapted_test_accuracy", "reestimated_train_loss", "momentum_0.1_test_loss"} <= set(names)
    assert all(last[name] for name in names)
    assert not any(first[name] for name in names)


def test_the_layers_own_momentum_reads_as_evaluation_does(last_row):
    assert last_row[1]["momentum_0.5_test_loss"] == last_row[1]["test_loss"]
    assert last_row[1]["momentum_0.1_test_loss"] != last_row[1]["test_loss"]


def test_momenta_are_named_as_the_config_writes_them():
    assert momenta(Scaled()) == []
    model = BatchNorm(1, momentum=0.5, extra_momenta=(0.1, 0.01))
    assert momenta(model) == ["momentum_0.5", "momentum_0.1", "momentum_0.01"]


def test_each_momentum_is_read_with_its_own_statistics():
    model = BatchNorm(1, eps=1e-12, affine=False, momentum=0.5, extra_momenta=(0.25, 1.0))
    model(torch.tensor([[2.0], [6.0]]))  # mean 4, unbiased variance 8; before it 0 and 1
    found = read(model)
    for momentum in (0.5, 0.25, 1.0):
        mean, var = 4 * momentum, 1 + 7 * momentum
        expected = ((12 - mean) ** 2 + (8 - mean) ** 2) / 2 / var
        assert found[f"momentum_{momentum:g}_test_loss"] == pytest.approx(expected)
    assert model.running_mean.item() == 2.0
    assert model.extra_running_mean[:, 0].tolist() == [1.0, 4.0]


def test_dropout_is_off_in_every_reading():
    assert read(nn.Sequential(Scaled(), nn.Dropout(0.9))) == read(Scaled())


def by_class(labels, batch_size=2):
    x = torch.arange(float(len(labels))).unsqueeze(1) ** 2
    split = Split(x, torch.zeros_like(x), torch.tensor(labels))
    return Readings(Dataset(split, split, split), "regression", batch_size, "by_class")(Scaled())[0], x


def test_batches_are_of_one_class_where_training_has_them_so_but_adapting_knows_no_classes():
    found, x = by_class([0, 1, 0, 1])  # x is 0 1 4 9
    assert found["batch_statistics_test_loss"] == pytest.approx(1.0)
    within = (8 + 32) / 2  # the mean of the classes' unbiased variances, around the means 2 and 5
    assert found["reestimated_test_loss"] == pytest.approx((x - 3.5).square().mean().item() / within)
    assert found["adapted_test_loss"] != pytest.approx(found["reestimated_test_loss"], rel=1e-3)


@pytest.mark.parametrize(("labels", "is_read"), [([0, 0, 0, 1, 1, 1], True), ([0, 1, 2, 3, 4, 5], False)])
def test_classes_that_fill_no_batch_are_one_each_and_lone_samples_none(labels, is_read):
    found, _ = by_class(labels, batch_size=4)
    expected = pytest.approx(1.0) if is_read else None
    assert found.get("batch_statistics_test_loss") == expected


@pytest.mark.parametrize(("batch_size", "count"), [(1, 512), (4, 128), (16, 64), (100, 12)])
def test_the_training_set_is_read_in_all_full_batches_and_other_splits_up_to_a_limit(batch_size, count):
    passes, model = [], nn.Sequential(nn.BatchNorm2d(1))
    model[0].register_forward_hook(lambda norm, x, _: passes.append(len(x[0])) if norm.training else None)
    x = torch.randn(1250, 1, 2, 2)
    one, many = Split(x[:batch_size], x[:batch_size]), Split(x, x)
    Readings(Dataset(many, one, many), "regression", batch_size, "shuffled")(model)
    assert passes == [batch_size] * (1250 // batch_size + count)


def test_precise_statistics_are_of_shuffled_batches_whatever_the_sampling():
    x = torch.randn(24, 3)
    split = Split(x, torch.arange(24) % 3)
    data, model = Dataset(split, split, split), nn.Sequential(BatchNorm(3))
    (by_class, precise), (shuffled, expected) = (
        Readings(data, "classification", 4, sampling)(model) for sampling in ("by_class", "shuffled")
    )
    assert precise == expected
    assert by_class["reestimated_test_loss"] != shuffled["reestimated_test_loss"]


@pytest.mark.parametrize("model", ["mlp", "rnn"])
def test_small_batches_are_read_many_at_once_as_one_by_one(model, monkeypatch):
    data = {"name": "sequences" if model == "rnn" else "gaussian_clusters", "num_samples": 40}
    config = RunConfig.model_validate({"model": model, "norm": "batch_norm", "dataset": data, "batch_size": 4})
    training, _ = build_training(config, 0)
    network, sizes = training.model, []
    handle = network.register_forward_pre_hook(lambda _, x: sizes.append(len(x[0])))
    losses, gaps = training.final_read(network)
    handle.remove()
    assert sizes[0] == 40  # the training set, in one pass
    monkeypatch.setattr(reestimation, "can_join", lambda *_: False)
    expected_losses, expected_gaps = training.final_read(network)
    assert losses == pytest.approx(expected_losses, rel=1e-4)
    assert gaps == {layer: pytest.approx(row, rel=1e-4) for layer, row in expected_gaps.items()}


@pytest.mark.parametrize(
    ("dataset", "model"), [("gaussian_clusters", "mlp"), ("linear_regression", "mlp"), ("gratings", "resnet")]
)
def test_what_is_read_are_the_columns_of_the_header(dataset, model):
    settings = {"model": model, "norm": {"name": "batch_norm", "extra_momenta": [0.5]}, "dataset": dataset}
    config = RunConfig.model_validate(settings | {"batch_size": 8})
    training, data = build_training(config, 2000)
    found, _ = training.final_read(training.model)
    assert set(found) == set(final_readings(data, config).columns(training.model))
    assert {f"adapted_{split}_loss" for split in data.splits() if split not in ("train", "validation")} <= set(found)


@pytest.mark.parametrize("norm", ["batch_norm", "noisy_batch_norm", "switchable_norm", "ghost_batch_norm"])
def test_a_run_is_the_same_to_the_bit_with_and_without(norm):
    settings = {"model": {"name": "mlp", "hidden_features": [8]}, "dataset": "gaussian_clusters", "norm": norm}
    config = RunConfig.model_validate(settings | {"dropout": 0.3, "num_steps": 6, "recording": {"every_steps": 3}})
    frame, state, rng = end_of_run(config, reading=True)
    bare_frame, bare_state, bare_rng = end_of_run(config, reading=False)
    assert bare_frame.metrics.items() < frame.metrics.items()
    assert all(torch.equal(value, bare_state[key]) for key, value in state.items())
    assert torch.equal(rng, bare_rng)
    for kind, tensors in frame.tensors().items():
        assert all(torch.equal(value, bare_frame.tensors()[kind][key]) for key, value in tensors.items()), kind
    seen = {layer: {k: v for k, v in row.items() if "precise" not in k} for layer, row in frame.probes.items()}
    assert seen == bare_frame.probes != frame.probes


def end_of_run(config, reading):
    torch.manual_seed(0)
    training, _ = build_training(config, 2000)
    training.final_read = training.final_read if reading else None
    recorder = MemoryRecorder()
    train(training, config.total_steps, config.every_steps, recorder)
    return recorder.frames[-1], training.model.state_dict(), torch.get_rng_state()
