"""Cost of all diagnostics at ten recorded points of configs/lenet_banknotes.yaml, and of every measure by itself.

CPU time of the process with one thread. The whole: 2,000 steps of each norm, with and without `recording.diagnostics`,
both with histograms, evaluation and all files, in turn. On a machine that others use too, two equal runs differ by more
than diagnostics cost; so beside the pairs' ratio stands what the measures took inside the one run, over the rest of
that run, and that is held to the bound (the rows they add to the files are not in it, and are in the ratio). The
parts: one measure at one recorded step, medians, in milliseconds and as a share of the run; those that `diagnostics`
leaves out, which have a setting of their own, stand apart.

    .venv/bin/python tests/bench/bench_diagnostics.py [pairs [steps]]
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch

from normbench.inspection.measures import base
from normbench.scheduling.candidates import with_settings
from normbench.study.load import load_study
from normbench.training import loop
from normbench.training.build import build_training, chosen_measures
from normbench.training.experiment import run_experiment
from normbench.training.loop import train

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
    """Return the CPU seconds of a whole run, files and TensorBoard included, and those of its measures."""
    take_measures, inside = loop.take_measures, []

    def timed(*arguments):
        began = time.process_time()
        found = take_measures(*arguments)
        inside.append(time.process_time() - began)
        return found

    loop.take_measures = timed
    try:
        with tempfile.TemporaryDirectory() as folder:
            started = time.process_time()
            run_experiment(config, 0, Path(folder), study="bench", arm="arm")
            return time.process_time() - started, sum(inside)
    finally:
        loop.take_measures = take_measures


def compare(norm):
    """Return the medians: CPU seconds without diagnostics, ratio of the pairs, and 1 + the measures' share."""
    plain, measured = config_of(norm), config_of(norm, **{"recording.diagnostics": True})
    found = []
    for _ in range(NUM_PAIRS):
        (without, _), (with_them, inside) = run_cpu_s(plain), run_cpu_s(measured)
        found.append((without, with_them / without, with_them / (with_them - inside)))
        print(f"  {norm:12} {without:9.2f}   {with_them:9.2f}   {found[-1][1]:6.3f}   {found[-1][2]:8.3f}", flush=True)
    return [statistics.median(numbers) for numbers in zip(*found, strict=True)]


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
    print("  norm           without        with    ratio   measures")
    whole = {norm: compare(norm) for norm in ("none", "batch_norm")}
    for norm, (_, ratio, inside) in whole.items():
        print(f"medians {norm}: ratio {ratio:.3f}, by the measures themselves {inside:.3f}, at most {BOUND} wanted")
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
    sys.exit(max(inside for *_, inside in whole.values()) > BOUND)


if __name__ == "__main__":
    main()
