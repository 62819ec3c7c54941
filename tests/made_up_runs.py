"""Run folders that no training wrote, for tests of what reads them; and the smallest study that trains."""

import csv
from pathlib import Path

import yaml

from normbench.storage.digests import csv_digests
from normbench.storage.files.json_files import read_json, write_json, write_sealed_json
from normbench.storage.identity import NUM_DIGITS_SHOWN
from normbench.storage.run_folder import (
    ARM_JSON,
    ENVIRONMENT_JSON,
    LAYER_STATS_CSV,
    METRICS_CSV,
    STUDY_JSON,
    SUMMARY_JSON,
    arm_folder_name,
    read_arm,
)

TINY = """\
# Does it run?
model: {name: mlp, hidden_features: [4]}
dataset: linear_regression
batch_size: 5
num_steps: 4
recording: {tensorboard: false, figures: false}
"""
ARMS = "arms: {plain: {}, decayed: {weight_decay: 0.1}}\n"

SUMMARY = {
    "status": "finished",
    "step": 20,
    "constant_predictor": {"train_loss": 1.0, "test_loss": 2.0},
    "num_parameters": 1234,
    "num_norm_parameters": 0,
    "layers": [],
    "steps_per_epoch": 4,
    "total_steps": 20,
    "num_train": 64,
    "decay_kind": "L2",
}
STATISTICS = {"mean": 0.0, "std": 1.0, "l2_norm": 2.0, "max_abs": 3.0, "zero_share": 0.0}


def make_study(runs_dir=Path("runs"), name="made_up", *, arms=(), baseline=None, **content):
    """Write study.json that names ``arms`` with the identity that ``make_arm`` gives them.

    An arm without "=" in what it is called here has this name; ``baseline`` is a name, or key=value.
    """
    folder = runs_dir / name
    folder.mkdir(parents=True, exist_ok=True)
    said = {"normbench": "0.2.0", "question": "Is it made up?", "is_plain": False, "quotes": {}} | content
    own = {} if said["is_plain"] else {arm: named_or_set(arm) for arm in arms}
    listed = [
        {"arm": arm, "identity": "aaaaaa", "folder": arm_folder_name(arm, "aaaaaa")} | own.get(arm, {}) for arm in arms
    ]
    fixed = None if baseline is None else baseline_fixing(baseline)
    write_json(folder / STUDY_JSON, {"study": name, "arms": listed, "baseline": fixed} | said)
    return folder


def named_or_set(arm):
    """Return the name of an arm, or what a grid sets in it, as study.json has them."""
    words = [word.partition("=") for word in arm.split(",")]
    return {"sets": {key: yaml.safe_load(value) for key, _, value in words}} if "=" in arm else {"name": arm}


def baseline_fixing(said):
    """Return a baseline as study.json has it."""
    key, equals, value = said.partition("=")
    return {"said": said, "settings": {key: yaml.safe_load(value)}} if equals else {"said": said, "name": said}


def make_arm(study, arm="none", *, identity="aaaaaa", changed=None, **settings):
    """Write arm.json; ``batch__size`` stands for the dotted key ``batch.size``."""
    dotted = {key.replace("__", "."): value for key, value in settings.items()}
    folder = study / arm_folder_name(arm, identity[:NUM_DIGITS_SHOWN])
    folder.mkdir(parents=True, exist_ok=True)
    said = list(dotted) if changed is None else changed
    write_json(folder / ARM_JSON, {"arm": arm, "identity": identity, "settings": dotted, "changed": said})
    return folder


def make_run(arm, seed=0, metrics=({"step": 0, "test_loss": 1.0},), stats=(), cpu_s_per_step=0.002, **summary):
    """Write one finished run: a row of metrics.csv and of layer_stats.csv per mapping, and its summary."""
    folder = arm / f"seed-{seed}"
    folder.mkdir()
    write_csv(folder / METRICS_CSV, metrics)
    described = [{"step": 0, "layer": "", "kind": ""} | STATISTICS | row for row in stats]
    write_csv(folder / LAYER_STATS_CSV, described, ["step", "layer", "kind", *STATISTICS])
    known = read_json(arm / ARM_JSON)["identity"] if (arm / ARM_JSON).is_file() else "aaaaaa"
    last = {key: float(value) for key, value in metrics[-1].items() if key != "step" and value != ""}
    content = SUMMARY | {"identity": known, "files": csv_digests(folder), "metrics": last} | summary
    write_sealed_json(folder / SUMMARY_JSON, content)
    write_json(folder / ENVIRONMENT_JSON, {"cpu_s": 1.5, "cpu_s_per_step": cpu_s_per_step, "num_threads": 1})
    return folder


def made_up_arm(*seeds, layers, study=None):
    """Return an arm, read back, with a run per list of rows of layer_stats.csv."""
    folder = make_arm(study or make_study(arms=["none"]))
    described = [{"name": name, "shape": [3, 2], "has_norm": False} for name in layers]
    for seed, stats in enumerate(seeds):
        make_run(folder, seed, stats=stats, layers=described)
    return read_arm(folder)


def std_rows(kind, stds, step=0, **others):
    """Return a row of layer_stats.csv per layer: ``stds`` by layer, the rest the same in all."""
    return [{"step": step, "layer": layer, "kind": kind, "std": std} | others for layer, std in stds.items()]


def write_csv(path, rows, first=()):
    """Write mappings as CSV; the columns ``first``, then others in the order in which they first appear."""
    columns = list(dict.fromkeys([*first, *(column for row in rows for column in row)]))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
