"""What a run of a stack leaves is what it leaves in the loop, file by file, to rounding."""

import csv
import json
from io import BytesIO, StringIO
from pathlib import Path

import numpy as np
import pytest
from in_float64 import compute_in_float64
from stacked_runs import config_of, made, summaries

from normbench.training.experiment import run_experiment

SLOTS = 3
ALL_MEASURES = {"diagnostics": True, "gradient_shift": True, "loss_surface": True}
HISTOGRAMS = {"histograms": ["weight", "grad", "activation", "update"]}
RECORDED = {"every_steps": 3, **ALL_MEASURES, **HISTOGRAMS}
WITHOUT_BIAS = {"name": "mlp", "hidden_features": [6, 5], "bias": False}
"""The gradient of a bias before batch norm is 0 but for rounding, of which statistics would be compared."""
SGD = {"name": "sgd", "lr": 0.05}
CASES = {
    "batch norm": {"model": WITHOUT_BIAS, "optimizer": SGD, "dropout": 0.2, "schedule": "cosine"},
    "adam": {"norm": "layer_norm", "weight_decay": 0.01, "l1": 0.001},
    "regression": {"dataset": {"name": "linear_regression", "num_samples": 24}, "norm": "none"},
}
ROUNDED = {"float32": 2e-4, "float64": 1e-9}
"""Largest difference relative to the largest number of a column's kind."""
pytestmark = pytest.mark.usefixtures("small_test_sets")


@pytest.mark.parametrize(("name", "precision"), [*((name, "float64") for name in CASES), ("batch norm", "float32")])
def test_files_agree_with_those_of_the_loop(name, precision, monkeypatch):
    if precision == "float64":
        compute_in_float64(monkeypatch)
    config = config_of(**CASES[name], recording=RECORDED)
    of_stack = summaries(made([config] * SLOTS))
    for seed, summary in enumerate(of_stack):
        folder = Path("loop") / f"seed-{seed}"
        folder.mkdir(parents=True)
        alone = run_experiment(config, seed, folder, study="tiny", arm="only")
        bound = ROUNDED[precision]
        check_summary(alone, summary, bound)
        check_files(folder, Path("stack") / f"seed-{seed}", bound)


def check_summary(alone, stacked, bound):
    changed = {"identity", "engine", "files", "metrics"}
    assert {key: alone[key] for key in alone.keys() - changed} == {
        key: stacked[key] for key in stacked.keys() - changed
    }
    assert (alone["engine"], stacked["engine"]) == ("loop", "stacked")
    assert alone["files"].keys() == stacked["files"].keys()
    assert alone["metrics"] == pytest.approx(stacked["metrics"], rel=bound, abs=bound)


def check_files(alone, stacked, bound):
    names = [sorted(path.name for path in folder.iterdir() if "events" not in path.name) for folder in (alone, stacked)]
    assert names[0] == names[1]
    for name in names[0]:
        these, those = (folder / name for folder in (alone, stacked))
        if name.endswith(".csv"):
            check_tables(these.read_text(), those.read_text(), bound)
        elif name.endswith(".npz"):
            check_arrays(these.read_bytes(), those.read_bytes(), bound)
        elif name == "config.yaml":
            kept = [
                [line for line in path.read_text().splitlines() if not line.startswith("engine:")]
                for path in (these, those)
            ]
            assert kept[0] == kept[1]
    places = [json.loads((folder / "environment.json").read_text()).get("place") for folder in (alone, stacked)]
    assert places == [None, f"slot {stacked.name.removeprefix('seed-')} of {SLOTS}"]


def check_tables(these, those, bound):
    """Compare texts cell for cell, and numbers beside the largest of the same kind and column."""
    (head, *rows), (other_head, *others) = (list(csv.reader(StringIO(text))) for text in (these, those))
    assert (head, len(rows)) == (other_head, len(others))
    texts, numbers = zip(*map(parted, rows), strict=True)
    found_texts, found = zip(*map(parted, others), strict=True)
    assert found_texts == texts
    for kind in {row[2:] for row in texts}:  # layers of one kind are of one scale
        of_kind = [place for place, row in enumerate(texts) if row[2:] == kind]
        wanted, got = (np.array([columns[place] for place in of_kind]) for columns in (numbers, found))
        assert np.array_equal(np.isfinite(wanted), np.isfinite(got))
        wanted, got = np.nan_to_num(wanted, posinf=0, neginf=0), np.nan_to_num(got, posinf=0, neginf=0)
        assert (np.abs(wanted - got) <= bound * np.abs(wanted).max(0, initial=1e-3)).all(), (kind, wanted, got)


def parted(row):
    """Return the texts of a row, with None in place of numbers, and the numbers."""
    return tuple(None if is_number(cell) else cell for cell in row), [float(cell) for cell in row if is_number(cell)]


def is_number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return True


def check_arrays(these, those, bound):
    one, other = np.load(BytesIO(these)), np.load(BytesIO(those))
    assert one.files == other.files
    for name in one.files:
        assert one[name].shape == other[name].shape
        if one[name].dtype.kind == "f":
            scale = np.nanmax(np.abs(one[name]), initial=1e-3)
            assert np.allclose(one[name], other[name], rtol=0, atol=100 * bound * scale, equal_nan=True), name
        elif name not in ("counts",):
            assert np.array_equal(one[name], other[name]), name
    if bound < 1e-6:  # a value at the edge of two bins may fall into either
        assert np.abs(one["counts"].astype(int) - other["counts"].astype(int)).sum() <= 4
