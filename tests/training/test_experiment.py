"""What one run writes: the same for the same config and seed, and whole even when training diverges."""

import csv
import json
import platform

import pytest
import torch

from normbench.storage.digests import csv_digests, sealed_digests
from normbench.storage.run_folder import CURVE_CSV, HISTOGRAMS_NPZ, LAYER_STATS_CSV, METRICS_CSV, POINTS_CSV, Run
from normbench.study.config import RunConfig
from normbench.study.load import load_study
from normbench.study.resolved import flat_settings
from normbench.training.environment import environment
from normbench.training.experiment import run_experiment

LINE = {
    "model": {"name": "mlp", "hidden_features": [6, 5]},
    "dataset": {"name": "linear_regression", "num_samples": 12},
    "batch_size": 4,
    "num_steps": 10,
    "recording": {"every_steps": 5},
}
NOTES = {
    "model": "lenet",
    "norm": "batch_norm",
    "dataset": {"name": "banknotes", "num_samples": 8},
    "batch_size": 4,
    "num_steps": 3,
    "dropout": 0.2,
    "recording": {"every_steps": 3},
}
NOISE = {
    "model": {"name": "mlp", "width": 8, "depth": 3},
    "dataset": {"name": "gaussian_noise", "shape": [8], "num_samples": 4},
    "batch_size": 4,
    "num_steps": 0,
    "norm": "batch_norm",
}
CONFIGS = {
    "line": LINE,
    "line, dropout, adam": LINE | {"dropout": 0.3, "optimizer": "adam"},
    "notes": NOTES,
    "noise": NOISE,
    "diverging": LINE | {"optimizer": {"name": "sgd", "lr": 1e6}},
}
EACH = pytest.mark.parametrize("name", CONFIGS)
pytestmark = pytest.mark.usefixtures("small_test_sets")


def run(folder, settings, seed=0):
    folder.mkdir()
    config = RunConfig.model_validate(settings)
    return run_experiment(config, seed, folder, study="tiny", arm="only")


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*") if path.suffix in (".csv", ".json", ".yaml")}


def rows_of(folder, name=METRICS_CSV):
    return list(csv.DictReader((folder / name).read_text().splitlines()))


@EACH
def test_the_same_config_and_seed_leave_the_same_bytes(name, tmp_path):
    run(tmp_path / "a", CONFIGS[name])
    torch.rand(7)  # whatever happened in between
    run(tmp_path / "b", CONFIGS[name])
    first, second = files_of(tmp_path / "a"), files_of(tmp_path / "b")
    assert {"summary.json", "config.yaml", "environment.json", METRICS_CSV, LAYER_STATS_CSV} <= set(first)
    del first["environment.json"], second["environment.json"]  # times may differ
    assert first == second


@pytest.mark.parametrize("name", ["line", "notes", "noise"])
def test_other_seeds_leave_other_numbers(name, tmp_path):
    run(tmp_path / "a", CONFIGS[name], seed=0)
    run(tmp_path / "b", CONFIGS[name], seed=1)
    assert (tmp_path / "a" / LAYER_STATS_CSV).read_bytes() != (tmp_path / "b" / LAYER_STATS_CSV).read_bytes()


@EACH
def test_a_run_leaves_the_global_random_state_as_it_was(name, tmp_path):
    state = torch.random.get_rng_state()
    run(tmp_path / "a", CONFIGS[name])
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_run_on_the_cpu_does_not_claim_the_gpu_beside_it(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
    run(tmp_path / "a", LINE | {"device": "cpu"})
    assert json.loads((tmp_path / "a" / "environment.json").read_text())["device"] == platform.machine()
    assert environment("cuda", 0.0, duration_s=1.0, cpu_s=1.0, cpu_s_per_step=None)["device"] == "a GPU"


@pytest.mark.parametrize("settings", [LINE, LINE | {"dropout": 0.5, "norm": "batch_norm"}], ids=["plain", "dropout"])
def test_recording_more_often_changes_no_row(settings, tmp_path):
    for every_steps in (5, 10):
        run(tmp_path / str(every_steps), settings | {"num_steps": 20, "recording": {"every_steps": every_steps}})
    often, seldom = ({row["step"]: row for row in rows_of(tmp_path / name)} for name in ("5", "10"))
    assert (list(often), list(seldom)) == (["0", "5", "10", "15", "20"], ["0", "10", "20"])
    for step, row in seldom.items():
        spans = {"batch_loss_mean", "batch_loss_max"}  # since the last row
        assert {k: v for k, v in row.items() if k not in spans} == {
            k: v for k, v in often[step].items() if k not in spans
        }
    stats = [rows_of(tmp_path / name, LAYER_STATS_CSV) for name in ("5", "10")]
    assert [row for row in stats[0] if row["step"] in seldom] == stats[1]


def test_tensorboard_changes_nothing_else(tmp_path):
    run(tmp_path / "with", LINE | {"recording": {"every_steps": 5, "histograms": ["weight", "activation", "update"]}})
    run(tmp_path / "without", LINE | {"recording": {"every_steps": 5, "tensorboard": False}})
    assert csv_digests(tmp_path / "with") == csv_digests(tmp_path / "without")
    told = [json.loads(files_of(tmp_path / name)["summary.json"]) for name in ("with", "without")]
    assert {key for key in told[0] if told[0][key] != told[1][key]} == {"files", "recorded", "sha256"}


def test_the_summary_names_the_files_and_their_digests(tmp_path):
    summary = run(tmp_path / "a", LINE)
    written = json.loads((tmp_path / "a" / "summary.json").read_text())
    assert summary == {key: value for key, value in written.items() if key != "sha256"}
    assert summary["files"] == sealed_digests(tmp_path / "a")
    assert set(summary["files"]) == {METRICS_CSV, LAYER_STATS_CSV, CURVE_CSV, POINTS_CSV, HISTOGRAMS_NPZ}
    assert (summary["status"], summary["step"]) == ("finished", 10)


def test_the_summarys_metrics_are_the_last_row(tmp_path):
    summary = run(tmp_path / "a", LINE)
    last = rows_of(tmp_path / "a")[-1]
    assert {key: float(value) for key, value in last.items() if key != "step"} == summary["metrics"]


@pytest.mark.parametrize(("norm", "expected"), [("none", 0), ("batch_norm", 2 * (6 + 5))])
def test_the_summary_counts_parameters(norm, expected, tmp_path):
    summary = run(tmp_path / "a", LINE | {"norm": norm})
    assert summary["num_norm_parameters"] == expected
    assert summary["num_parameters"] == (1 * 6 + 6) + (6 * 5 + 5) + (5 * 1 + 1) + expected
    assert [layer["name"] for layer in summary["layers"]] == ["hidden1", "hidden2", "output"]
    assert [layer["has_norm"] for layer in summary["layers"]] == [bool(expected), bool(expected), False]


def test_a_diverged_run_says_so_and_keeps_its_rows(tmp_path):
    summary = run(tmp_path / "a", CONFIGS["diverging"] | {"num_steps": 30, "recording": {"every_steps": 1}})
    rows = rows_of(tmp_path / "a")
    assert summary["status"] == "diverged"
    assert 0 < summary["step"] < 30
    assert [int(row["step"]) for row in rows] == list(range(summary["step"] + 1))
    assert float(rows[0]["train_loss"]) < 10 < float(rows[1]["train_loss"])
    assert Run(tmp_path / "a", 0).table(LAYER_STATS_CSV).rows()  # digests hold
    assert (tmp_path / "a" / "environment.json").is_file()
    assert list((tmp_path / "a").glob("events.out.tfevents.*"))


def test_a_diverged_run_counts_as_the_constant_predictor(tmp_path):
    summary = run(tmp_path / "a", CONFIGS["diverging"] | {"num_steps": 30})
    y = torch.tensor([float(row["y"]) for row in rows_of(tmp_path / "a", POINTS_CSV) if row["split"] == "train"])
    assert summary["constant_predictor"]["train_loss"] == pytest.approx(y.var(correction=0).item(), rel=1e-5)


def test_the_config_of_a_run_is_a_study_of_the_same_run(tmp_path):
    run(tmp_path / "a", NOTES, seed=5)
    study = load_study(tmp_path / "a" / "config.yaml")
    assert (study.name, study.seeds, list(study.arms)) == ("tiny", (5,), ["only"])
    assert study.arms["only"].on("cpu") == RunConfig.model_validate(NOTES).on("cpu")


def test_numbers_in_the_csv_files_are_read_back_exactly(tmp_path):
    run(tmp_path / "a", LINE)
    written = [value for row in rows_of(tmp_path / "a") for key, value in row.items() if key != "step" and value]
    assert written == [repr(float(value)) for value in written]


def test_settings_are_flat_with_dotted_keys():
    flat = flat_settings(RunConfig.model_validate(NOISE))
    assert (flat["model"], flat["model.width"], flat["dataset.shape"]) == ("mlp", 8, "8")
    assert not [key for key, value in flat.items() if isinstance(value, dict | list) or key.endswith(".name")]
