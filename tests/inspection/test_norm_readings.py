"""What layers say of themselves: gaps by hand, mixing weights, and what of it stands in the files."""

import csv
import math

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from normbench.datasets.base import Dataset, Split
from normbench.inspection.norm_readings import gaps, watching_norms
from normbench.inspection.readings import Readings
from normbench.models.base import Linear
from normbench.norms._batch_norm import BatchNorm
from normbench.norms.ghost_batch_norm import GhostBatchNorm
from normbench.norms.switchable_norm import SwitchableNorm
from normbench.storage.digests import sealed_digests
from normbench.storage.run_folder import PROBES_CSV, Run
from normbench.study.config import RunConfig
from normbench.training.build import build_training
from normbench.training.experiment import run_experiment
from normbench.training.loop import train
from normbench.training.recorders.memory import MemoryRecorder

BASE = {
    "model": {"name": "mlp", "hidden_features": [4, 3]},
    "dataset": {"name": "linear_regression", "num_samples": 12},
    "batch_size": 4,
    "num_steps": 4,
    "recording": {"every_steps": 2},
}
X = torch.tensor([[1.0, 0.0], [3.0, 4.0]], dtype=torch.float64)  # means 2 and 2, unbiased variances 2 and 8


def watched(norm, x=X):
    model = torch.nn.Sequential(Linear(1, 1), norm).double()
    with watching_norms(model) as watch:
        norm(x)
    return watch.probes().get("1", {})


def config_of(**settings):
    return RunConfig.model_validate(BASE | settings)


def frames_of(**settings):
    config, recorder = config_of(**settings), MemoryRecorder()
    training, _ = build_training(config, seed=0)
    train(training, config.total_steps, config.every_steps, recorder)
    return training, recorder.frames


def rows_of(folder):
    return list(csv.DictReader((folder / PROBES_CSV).read_text().splitlines()))


def test_the_gaps_are_root_mean_squares_over_channels():
    running = {"running": (torch.tensor([0.0, 6.0]), torch.tensor([2.0, 3.0]))}
    found = gaps(running, (torch.tensor([3.0, 2.0]), torch.tensor([8.0, 3.0])), eps=1.0)
    assert found["running_mean_gap"] == pytest.approx(math.sqrt((3**2 / 9 + 4**2 / 4) / 2))
    assert found["running_var_gap"] == pytest.approx(math.sqrt(math.log(3) ** 2 / 2))


def test_a_fresh_batch_norm_is_as_far_from_a_batch_as_0_and_1_are():
    found = watched(BatchNorm(2, eps=1e-5))
    assert found["running_mean_gap"] == pytest.approx(math.sqrt((2**2 / 2 + 2**2 / 8) / 2), rel=1e-4)
    assert found["running_var_gap"] == pytest.approx(math.sqrt((math.log(2) ** 2 + math.log(8) ** 2) / 2), rel=1e-4)


def test_the_running_statistics_are_those_from_before_the_batch():
    norm = BatchNorm(2, momentum=1.0).double()
    norm(X + 1)
    found = watched(norm)
    assert found["running_mean_gap"] == pytest.approx(math.sqrt((1 / 2 + 1 / 8) / 2), rel=1e-4)
    assert found["running_var_gap"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("shape", [(6, 2), (6, 2, 5), (6, 2, 5, 3)])
@pytest.mark.parametrize("make", [BatchNorm, SwitchableNorm, lambda c, **k: GhostBatchNorm(c, 3, **k)])
def test_after_the_same_batch_nothing_is_left_of_the_gaps_whatever_the_layers_own_variance(make, shape):
    norm, x = make(2, momentum=1.0).double(), 3 + 2 * torch.randn(shape, dtype=torch.float64)
    norm(x)
    found = watched(norm, x)
    assert found["running_mean_gap"] == pytest.approx(0, abs=1e-9)
    assert found["running_var_gap"] == pytest.approx(0, abs=1e-9)


def test_each_momentum_has_its_own_gaps():
    norm = BatchNorm(2, momentum=0.5, extra_momenta=(1.0, 0.0)).double()
    norm(X)
    found = watched(norm)
    assert list(found) == [
        f"{name}_{what}_gap"
        for name in ("running", "momentum_0.5", "momentum_1", "momentum_0")
        for what in ("mean", "var")
    ]
    untouched = math.sqrt((2**2 / 2 + 2**2 / 8) / 2)
    assert found["momentum_1_mean_gap"] == pytest.approx(0, abs=1e-9)
    assert found["momentum_0_mean_gap"] == pytest.approx(untouched, rel=1e-4)
    assert found["momentum_0.5_mean_gap"] == found["running_mean_gap"] == pytest.approx(untouched / 2, rel=1e-4)


def test_under_checkpointing_a_momentum_keeps_the_name_it_has_in_the_config():
    norm = {"name": "batch_norm", "momentum": 0.1, "extra_momenta": [0.01, 0.5]}
    _, frames = frames_of(norm=norm, checkpointing=True)
    names = list(frames[0].probes["hidden1.norm"])
    assert [name for name in names if name.endswith("mean_gap")] == [
        "running_mean_gap",
        "momentum_0.1_mean_gap",
        "momentum_0.01_mean_gap",
        "momentum_0.5_mean_gap",
    ]


def test_a_switchable_norm_tells_its_mixing_weights():
    _, frames = frames_of(norm="switchable_norm")
    found = frames[0].probes["hidden2.norm"]
    shares = {name: value for name, value in found.items() if name.startswith("mixing")}
    kinds = ("layer", "batch")  # vectors have no instance statistics
    assert shares == {f"mixing_{what}_{kind}": 0.5 for what in ("mean", "var") for kind in kinds}
    assert "running_mean_gap" in found
    assert frames[-1].probes["hidden2.norm"]["mixing_mean_batch"] != 0.5


def test_mixing_weights_are_the_softmax_of_what_is_learned():
    norm = SwitchableNorm(2)
    with torch.no_grad():
        norm.mean_weight.copy_(torch.tensor([0.0, math.log(2), math.log(5)]))  # instance, layer, batch
    found = watched(norm, torch.randn(3, 2, 4, dtype=torch.float64))
    shares = [found[f"mixing_mean_{kind}"] for kind in ("instance", "layer", "batch")]
    assert shares == pytest.approx([1 / 8, 2 / 8, 5 / 8], rel=1e-6)


@pytest.mark.parametrize("norm", ["none", "layer_norm", {"name": "batch_norm", "track_running_stats": False}])
def test_where_nothing_is_remembered_or_mixed_nothing_is_said(norm, tmp_path):
    run_experiment(config_of(norm=norm), 0, tmp_path, study="short", arm="only")
    assert not (tmp_path / PROBES_CSV).exists()


def test_precise_gaps_are_to_statistics_of_the_whole_training_set_and_leave_the_model_alone():
    model = torch.nn.Sequential(BatchNorm(2)).double()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    losses, probes = Readings(Dataset(Split(X), Split(X), Split(X)), "signal", 2, "shuffled")(model)
    assert losses == {}
    found = probes["0"]
    assert found["running_precise_mean_gap"] == pytest.approx(math.sqrt((2**2 / 2 + 2**2 / 8) / 2), rel=1e-4)
    assert found["running_precise_var_gap"] == pytest.approx(
        math.sqrt((math.log(2) ** 2 + math.log(8) ** 2) / 2), rel=1e-4
    )
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_precise_statistics_come_last_one_for_each_momentum():
    _, frames = frames_of(norm={"name": "batch_norm", "momentum": 1.0, "extra_momenta": [0.0]}, batch_size=12)
    precise = [[name for name in frame.probes["hidden1.norm"] if "precise" in name] for frame in frames]
    momenta = ("running", "momentum_1", "momentum_0")
    assert precise == [[], [], [f"{m}_precise_{what}_gap" for m in momenta for what in ("mean", "var")]]
    found = frames[-1].probes["hidden1.norm"]  # each batch is the training set
    assert found["momentum_1_precise_mean_gap"] == pytest.approx(found["momentum_1_mean_gap"], abs=1e-5)
    assert found["momentum_1_precise_mean_gap"] < found["momentum_0_precise_mean_gap"] / 10


def test_the_file_and_tensorboard_hold_what_was_seen(tmp_path):
    settings = {"norm": {"name": "batch_norm", "extra_momenta": [0.01]}}
    run_experiment(config_of(**settings), 0, tmp_path, study="short", arm="only")
    _, frames = frames_of(**settings)
    rows = [(int(row["step"]), row["layer"], row["name"], float(row["value"])) for row in rows_of(tmp_path)]
    seen = [
        (frame.step, layer, name, value)
        for frame in frames
        for layer, found in frame.probes.items()
        for name, value in found.items()
    ]
    assert rows == seen
    assert len(seen) == 3 * 2 * 6 + 2 * 6  # 3 frames, 2 layers, 3 momenta; and the precise ones
    board = EventAccumulator(str(tmp_path)).Reload()
    events = {event.step: event.value for event in board.Scalars("momentum_0.01_mean_gap/01_hidden1.norm")}
    written = {
        step: value for step, layer, name, value in rows if (layer, name) == ("hidden1.norm", "momentum_0.01_mean_gap")
    }
    assert events == pytest.approx(written, rel=1e-6)


def test_the_file_is_covered_by_the_digests(tmp_path):
    run_experiment(config_of(norm="batch_norm"), 0, tmp_path, study="short", arm="only")
    run = Run(tmp_path, 0)
    assert run.summary["files"] == sealed_digests(tmp_path)
    assert PROBES_CSV in run.summary["files"]
