"""Cost of all diagnostics at ten recorded points of configs/lenet_banknotes.yaml, and of every measure by itself.

CPU time of the process with one thread. The whole: 2,000 steps of each norm, with and without `recording.diagnostics`,
both with histograms, evaluation and all files, in turn; the median of the pairs' ratios. The parts: one measure at one
recorded step, medians, in milliseconds and as a share of the ten points' 2,000 steps; those that `diagnostics` leaves
out, which have a setting of their own, stand apart.

    .venv/bin/python tests/bench/bench_diagnostics.py [pairs [steps]]
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch

from normbench.arms import load_study
from normbench.training.build import build_training, chosen_measures
from normbench.training.diagnostics import base
from normbench.training.experiment import run_experiment
from normbench.training.loop import train
from normbench.tuning import with_settings

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "lenet_banknotes.yaml"
NUM_PAIRS = int(sys.argv[1]) if len(sys.argv) > 1 else 3
NUM_STEPS = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
NUM_POINTS = 10
NUM_REPEATS = 15
BOUND = 1.05


def config_of(norm, **settings):
    """Return the study's arm with this norm and default initialization, at ten points of the steps."""
    arm = load_study(CONFIG).arms[f"norm={norm},init=default"]
    budget = {"num_epochs": None, "num_steps": NUM_STEPS, "recording.every_steps": NUM_STEPS // NUM_POINTS}
    return with_settings(arm, budget | settings)


def run_cpu_s(config):
    """Return the CPU seconds of a whole run, files and TensorBoard included."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        run_experiment(config, 0, Path(folder), study="bench", arm="arm")
        return time.process_time() - started


def compare(norm):
    """Return the median CPU seconds without diagnostics, and the median ratio of the pairs."""
    plain, measured = config_of(norm), config_of(norm, **{"recording.diagnostics": True})
    pairs = [(run_cpu_s(plain), run_cpu_s(measured)) for _ in range(NUM_PAIRS)]
    for without, with_them in pairs:
        print(f"  {norm:12} {without:9.2f}   {with_them:9.2f}   {with_them / without:6.3f}", flush=True)
    return statistics.median(a for a, _ in pairs), statistics.median(b / a for a, b in pairs)


class Clock:
    """A recorder that times each measure on the steps that a training records."""

    def __init__(self, training):
        self.training, self.seconds = training, {name: [] for name in base.find_measures()}

    def timed(self, name, measure):
        """Return the measure, its CPU time kept."""

        def take(step):
            started = time.process_time()
            found = measure(step)
            self.seconds[name].append(time.process_time() - started)
            return found

        return take

    def record(self, _frame):
        """Take nothing: what is timed is on the way here."""


def measure_ms(norm, **settings):
    """Return the median CPU milliseconds of each measure at one recorded step."""
    training, _ = build_training(config_of(norm, **settings), seed=0)
    clock, found = Clock(training), base.find_measures()
    timed = {name: clock.timed(name, measure) for name, measure in found.items()}
    training.measures = tuple(found)
    base.find_measures = lambda: timed
    try:
        train(training, NUM_REPEATS, 1, clock)
    finally:
        base.find_measures = lambda: found
    return {name: 1000 * statistics.median(seconds[1:-1]) for name, seconds in clock.seconds.items()}


def main():
    """Print the whole, then the parts."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    run_cpu_s(config_of("batch_norm", num_steps=20, **{"recording.every_steps": 2, "recording.diagnostics": True}))
    print(f"{NUM_STEPS} steps of configs/{CONFIG.name}, {NUM_POINTS} recorded points: CPU seconds")
    print("  norm           without        with    ratio")
    whole = {norm: compare(norm) for norm in ("none", "batch_norm")}
    for norm, (_, ratio) in whole.items():
        print(f"median ratio {norm}: {ratio:.3f}, at most {BOUND} wanted")
    included = chosen_measures(config_of("none", **{"recording.diagnostics": True}).recording)
    columns = {"none": {}, "batch_norm": {}, "dropout too": {"dropout": 0.2}}
    parts = {name: measure_ms("none" if name == "none" else "batch_norm", **more) for name, more in columns.items()}
    print(f"one measure at one recorded step, median of {NUM_REPEATS - 1}: CPU milliseconds, share of the run's time")
    print("  measure               " + "".join(f"{name:>22}" for name in parts))
    for name in sorted(base.find_measures(), key=lambda name: name not in included):
        cells = ""
        for column, times in parts.items():
            share = NUM_POINTS * times[name] / 1000 / whole["none" if column == "none" else "batch_norm"][0]
            cells += f"{times[name]:12.2f} {100 * share:6.2f} % "
        print(f"  {name:22}{cells}{'' if name in included else '  setting of its own'}")
    sys.exit(max(ratio for _, ratio in whole.values()) > BOUND)


if __name__ == "__main__":
    main()
