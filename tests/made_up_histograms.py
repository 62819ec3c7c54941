"""Adds histograms to a made-up run."""

from hashlib import sha256

import numpy as np

from normbench.storage.files.json_files import read_json, write_sealed_json
from normbench.storage.histogram_table import NUM_BINS, HistogramTable
from normbench.storage.run_folder import HISTOGRAMS_NPZ, SUMMARY_JSON


def histograms_of(tensors):
    """Return histograms of ``{(kind, name): {step: values}}``; every tensor has the same steps."""
    steps = sorted(next(iter(tensors.values())))
    values = [[np.asarray(of[step], dtype=float) for of in tensors.values()] for step in steps]
    read = {"min": np.min, "max": np.max, "sum": np.sum, "sum_squares": lambda one: np.sum(one**2), "num": np.size}
    table = {name: np.array([[function(one) for one in row] for row in values]) for name, function in read.items()}
    counts = np.array([[np.histogram(one, NUM_BINS, (one.min(), one.max()))[0] for one in row] for row in values])
    kinds, names = (np.array([key[i] for key in tensors]) for i in (0, 1))
    lost = np.zeros_like(table["num"])
    return HistogramTable(np.array(steps), kinds, names, **table, num_nonfinite=lost, counts=counts)


def add_histograms(run_folder, tensors):
    """Write histograms.npz, and name it in the run's summary."""
    raw = histograms_of(tensors).to_bytes()
    (run_folder / HISTOGRAMS_NPZ).write_bytes(raw)
    summary = read_json(run_folder / SUMMARY_JSON)
    summary["files"] |= {HISTOGRAMS_NPZ: sha256(raw).hexdigest()}
    write_sealed_json(run_folder / SUMMARY_JSON, {key: value for key, value in summary.items() if key != "sha256"})
