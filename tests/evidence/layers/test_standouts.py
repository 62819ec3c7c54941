"""What stands out: each planted fault is named with its layer and cause, and healthy trainings are left in peace."""

import math
from pathlib import Path

import pytest
from made_up_runs import SUMMARY, make_arm, make_run, make_study, std_rows, write_csv

from normbench.evidence.layers.last_frames import FrameLine, last_frames
from normbench.evidence.layers.standouts import standouts, study_standouts
from normbench.report.blocks.findings import finding_line
from normbench.scheduling.schedule import run_study
from normbench.storage.digests import csv_digests
from normbench.storage.files.json_files import write_sealed_json
from normbench.storage.run_folder import PROBES_CSV, SUMMARY_JSON, read_arm
from normbench.storage.study_folder import read_study
from normbench.study.config import RunConfig
from normbench.study.study import Study
from normbench.training import build

pytestmark = pytest.mark.usefixtures("small_test_sets")

CLUSTERS = {
    "dataset": {"name": "gaussian_clusters", "num_samples": 400, "num_classes": 4},
    "model": {"name": "mlp", "hidden_features": [32, 32]},
    "batch_size": 32,
    "num_steps": 100,
    "optimizer": {"name": "sgd", "lr": 0.05},
}
LINE = CLUSTERS | {"dataset": {"name": "linear_regression", "num_samples": 64}, "batch_size": 16}
NOTES = CLUSTERS | {
    "dataset": {"name": "banknotes", "num_samples": 80},
    "model": "lenet",
    "batch_size": 16,
    "num_steps": 40,
    "optimizer": {"name": "sgd", "lr": 0.01},
    "recording": {"every_steps": 20},
}
HEALTHY = {
    "plain": CLUSTERS,
    "batch norm": CLUSTERS | {"norm": "batch_norm"},
    "batch norm, small batches": CLUSTERS | {"norm": "batch_norm", "batch_size": 4, "optimizer": {"lr": 0.02}},
    "batch norm, a little dropout": CLUSTERS | {"norm": "batch_norm", "dropout": 0.1},
    "batch norm, weight decay": CLUSTERS | {"norm": "batch_norm", "weight_decay": 0.001},
    "switchable norm": CLUSTERS | {"norm": "switchable_norm"},
    "layer norm, adam": CLUSTERS | {"norm": "layer_norm", "optimizer": "adam"},
    "half dropped, no norm": CLUSTERS | {"dropout": 0.5},
    "eight layers, kaiming": CLUSTERS
    | {"model": {"name": "mlp", "width": 32, "depth": 8}, "init": "kaiming_normal", "optimizer": {"lr": 0.01}},
    "eight layers, batch norm": CLUSTERS
    | {"model": {"name": "mlp", "width": 32, "depth": 8}, "norm": "batch_norm", "optimizer": {"lr": 0.02}},
    "a line": LINE,
    "a line, batch norm": LINE | {"norm": "batch_norm"},
    "images, batch norm": NOTES | {"norm": "batch_norm"},
}
FAULTS = {
    "lr too high": (
        CLUSTERS | {"optimizer": {"name": "sgd", "lr": 20.0}},
        "learning rate too high",
        {"hidden1", "hidden2"},
    ),
    "lr too high, adam": (
        CLUSTERS | {"norm": "layer_norm", "optimizer": {"name": "adam", "lr": 0.5}},
        "learning rate too high",
        {"hidden1", "hidden2"},
    ),
    "a run that diverges": (
        LINE | {"optimizer": {"name": "sgd", "lr": 1.5}, "recording": {"every_steps": 2}},
        "learning rate too high",
        {"hidden2"},
    ),
    "stalled running statistics": (
        CLUSTERS | {"norm": {"name": "batch_norm", "momentum": 0.001}},
        "running statistics lag",
        {"hidden2.norm"},
    ),
    "batches of one class": (
        CLUSTERS | {"norm": "batch_norm", "sampling": "by_class", "num_steps": 300},
        "batches of one class",
        {"hidden1.norm", "hidden2.norm"},
    ),
    "dropout before batch norm": (
        CLUSTERS | {"norm": "batch_norm", "dropout": 0.5},
        "dropout before the norm",
        {"hidden2.norm"},
    ),
    "weight decay against scale-free weights": (
        CLUSTERS | {"norm": "batch_norm", "weight_decay": 0.3},
        "weight decay shrinks scale-free weights",
        {"hidden1", "hidden2"},
    ),
    "default init at depth": (
        CLUSTERS | {"model": {"name": "mlp", "width": 32, "depth": 12}, "num_steps": 20},
        "output gradient vanishes with depth",
        {"hidden1"},
    ),
    "batch norm at depth": (
        CLUSTERS | {"model": {"name": "mlp", "width": 64, "depth": 50}, "norm": "batch_norm", "num_steps": 0},
        "output gradient explodes with depth",
        {"hidden1"},
    ),
}


def arm_of(tmp_path, settings, seeds=(0,), diagnostics=True):
    recording = {"every_steps": max(1, settings["num_steps"] // 5), "tensorboard": False, "diagnostics": diagnostics}
    config = RunConfig.model_validate(settings | {"recording": recording | settings.get("recording", {})})
    study = Study("planted", "Is it found?", "planted.yaml", {"only": config}, seeds, is_plain=True)
    results = run_study(study, tmp_path)
    assert {progress.status for progress in results} <= {"finished", "diverged"}
    (arm,) = read_study(tmp_path / "planted").arms
    return arm


@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_stands_out_in_a_healthy_training(name, tmp_path):
    arm = arm_of(tmp_path, HEALTHY[name])
    assert arm.runs[0].table(PROBES_CSV).rows()
    assert [[finding_line(found)][0] for found in standouts(arm)] == []


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_named_with_its_layer_and_cause(name, tmp_path):
    settings, cause, layers = FAULTS[name]
    found = {one.what: one for one in standouts(arm_of(tmp_path, settings))}
    assert cause in found
    assert found[cause].layers[0] in layers
    assert math.isfinite(found[cause].value)
    wrong = {fault[1] for fault in FAULTS.values()} - {cause}
    assert not wrong & set(found), found


def test_a_dead_layer_is_named(tmp_path, monkeypatch):
    initialize = build.initialize

    def with_a_dead_layer(model, *settings):
        initialize(model, *settings)
        model.hidden2.bias.data.fill_(-100.0)

    monkeypatch.setattr(build, "initialize", with_a_dead_layer)
    (found,) = standouts(arm_of(tmp_path, CLUSTERS | {"num_steps": 10}))
    assert (found.what, found.layers, found.value, found.source) == ("dead units", ("hidden2",), 1.0, "dead_units")


def test_without_diagnostics_nothing_is_looked_at(tmp_path):
    settings = CLUSTERS | {"norm": {"name": "batch_norm", "momentum": 0.001}, "num_steps": 10}
    assert standouts(arm_of(tmp_path, settings, diagnostics=False)) == []


def made_up_arm(*seeds, layers=("hidden1", "hidden2", "output"), **settings):
    """Return an arm with a run per mapping {(layer, name): values at steps 0, 10, 20 ...}."""
    folder = make_arm(make_study(arms=["only"]), "only", recording__diagnostics=True, **{"batch_size": 32} | settings)
    described = [{"name": name, "shape": [3, 2], "has_norm": True} for name in layers]
    for seed, series in enumerate(seeds):
        run = make_run(folder, seed, layers=described, total_steps=20)
        rows = [
            {"step": 10 * i, "layer": layer, "name": name, "value": value}
            for (layer, name), values in series.items()
            for i, value in enumerate(values)
        ]
        write_csv(run / PROBES_CSV, rows)
        known = {"seed": seed, "identity": "aaaaaa", "layers": described}
        summary = SUMMARY | known | {"files": csv_digests(run)}
        write_sealed_json(run / SUMMARY_JSON, summary)
    return read_arm(folder)


def lines_of(*seeds, **settings):
    return [[finding_line(found)][0] for found in standouts(made_up_arm(*seeds, **settings))]


def test_the_line_says_arm_layer_cause_figure_and_way_out():
    (line,) = lines_of({("hidden1", "update_ratio"): [0.01, 0.6, 0.9], ("hidden2", "update_ratio"): [0.1, 0.7, 40.0]})
    seen = (
        "only · hidden2 and 1 more layer: learning rate too high, step 10 changed the weights by 70 % of their length."
    )
    assert line == f"{seen} Lower optimizer.lr."


def test_an_output_layer_may_start_near_zero():
    assert lines_of({("output", "update_ratio"): [5.0, 0.3]}) == []


def test_the_worst_seed_speaks_for_the_arm():
    def seed(share):
        return {("hidden2", "dead_unit_share"): [0.0, share, share, share]}

    (line,) = lines_of(seed(0.1), seed(0.95), seed(1.0))
    assert "hidden2: dead units, 100 % of its units" in line
    assert "(2 of 3 seeds)" in line


@pytest.mark.parametrize(
    ("shares", "batch_size", "is_dead"),
    [([0.95] * 3, 32, True), ([0.95] * 2, 32, False), ([1.0, 0.5, 1.0], 32, False), ([0.95] * 3, 4, False)],
)
def test_units_are_dead_when_they_stay_silent_in_batches_large_enough(shares, batch_size, is_dead):
    assert bool(lines_of({("hidden1", "dead_unit_share"): shares}, batch_size=batch_size)) is is_dead


@pytest.mark.parametrize(("precise", "batch", "lags"), [(0.9, 0.9, True), (0.9, 0.1, False), (0.1, 0.9, False)])
def test_statistics_lag_that_fit_neither_the_batch_nor_the_training_set(precise, batch, lags):
    seen = {("n", "running_precise_var_gap"): [2.0, precise], ("n", "running_var_gap"): [2.0, batch]}
    assert bool(lines_of(seen)) is lags


def test_statistics_have_had_no_step_to_follow_before_the_first():
    assert lines_of({("n", "running_precise_var_gap"): [2.0], ("n", "running_var_gap"): [2.0]}) == []


def test_a_gradient_that_cannot_pass_dead_units_says_nothing_of_depth():
    layers = [f"hidden{i}" for i in range(1, 8)] + ["output"]
    vanishing = {("network", "gradient_depth_slope"): [2.0, 2.0, 2.0]}
    (line,) = lines_of(vanishing, layers=layers)
    assert "hidden1: output gradient vanishes with depth" in line
    assert "7.39-fold per layer" in line
    assert "163,000-fold in all" in line


def test_a_kind_of_statistics_that_has_taken_over_is_named():
    (line,) = lines_of({("conv1.norm", "mixing_var_batch"): [0.33, 0.95], ("conv1.norm", "mixing_mean_batch"): [0.3]})
    assert "conv1.norm: switchable norm has chosen, 95 % of its var is the batch's." in line


def test_values_that_are_not_finite_are_left_out():
    assert lines_of({("hidden1", "update_ratio"): [0.01, math.inf, math.nan]}) == []


def test_a_study_is_looked_at_arm_by_arm():
    made_up_arm({("hidden1", "update_ratio"): [0.5]})
    (found,) = study_standouts(read_study(Path("runs") / "made_up"))
    assert (found.arms, found.layers) == (("only",), ("hidden1",))


def test_the_last_frames_are_of_the_last_recorded_steps_and_of_every_layer():
    folder = make_arm(make_study(arms=["only"]), "only")
    layers = [{"name": name, "shape": [2], "has_norm": False} for name in ("a", "b")]
    stats = [
        row
        for step in (0, 2, 4, 5)
        for kind, scale in (("weight", 1), ("grad", 10), ("activation", 100))
        for row in std_rows(kind, {"a": scale * step, "b": scale * step + 0.5}, step)
    ]
    make_run(folder, stats=stats, layers=layers, status="diverged", step=5)
    (run,) = read_arm(folder).runs
    assert last_frames(run, 2) == [
        FrameLine(4, "a", 4.0, 40.0, 400.0),
        FrameLine(4, "b", 4.5, 40.5, 400.5),
        FrameLine(5, "a", 5.0, 50.0, 500.0),
        FrameLine(5, "b", 5.5, 50.5, 500.5),
    ]
    assert [line.step for line in last_frames(run)] == [2, 2, 4, 4, 5, 5]
