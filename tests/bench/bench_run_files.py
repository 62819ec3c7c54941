"""What the files of a run cost: CPU milliseconds of a short run without TensorBoard, without flushes, bytes of a row.

The network is small (4 hidden units), so that nearly all of a run's time goes into what it writes. Runs with and
without TensorBoard take turns in one process, then those with and without flushes to disk, in the folder of temporary
files. The bytes of a row are what more recorded rows add to each file.

    .venv/bin/python tests/bench/bench_run_files.py [pairs]
"""

import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from unittest.mock import patch

os.environ.setdefault("OMP_NUM_THREADS", "1")

from normbench.study.config import RunConfig
from normbench.training.experiment import run_experiment

NUM_PAIRS = int(sys.argv[1]) if len(sys.argv) > 1 else 30
NUM_WARM_UP = 3
FEW_ROWS, MANY_ROWS = 3, 23
SETTINGS = {
    "model": {"name": "mlp", "hidden_features": [4]},
    "dataset": "linear_regression",
    "batch_size": 5,
}


def config(num_steps, *, tensorboard):
    """Return the settings of a run that records every step."""
    recording = {"every_steps": 1, "tensorboard": tensorboard}
    return RunConfig.model_validate(SETTINGS | {"num_steps": num_steps, "recording": recording})


def cost(settings):
    """Return the CPU seconds of one run, and the bytes of each of its files."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "arm", "seed-0")
        folder.mkdir(parents=True)
        started = time.process_time()
        run_experiment(settings, 0, folder, study="bench", arm="only")
        cpu_s = time.process_time() - started
        sizes = Counter({_kind(path): path.stat().st_size for path in folder.iterdir()})
    return cpu_s, sizes


def _kind(path):
    return "events" if path.name.startswith("events.") else path.name


def print_flushes(settings):
    """Print what it costs that a run is on disk before it counts."""
    with_flushes, without = [], []
    for _ in range(NUM_PAIRS):
        with_flushes.append(timed(settings))
        with patch.object(os, "fsync", lambda _: None):
            without.append(timed(settings))
    pairs = zip(with_flushes, without, strict=True)
    cpu_ms, waited_ms = (1000 * statistics.median(found) for found in zip(*map(differences, pairs), strict=True))
    print(f"flushed to disk, median of {NUM_PAIRS} pairs: {cpu_ms:.1f} ms of CPU more, {waited_ms:.1f} ms of waiting")


def timed(settings):
    """Return the CPU seconds and the seconds of one run."""
    started = time.perf_counter()
    return cost(settings)[0], time.perf_counter() - started


def differences(pair):
    """Return how much more the first of two runs took, of CPU and of waiting."""
    (cpu_s, duration_s), (cpu_s_before, duration_s_before) = pair
    more_cpu_s = cpu_s - cpu_s_before
    return more_cpu_s, duration_s - duration_s_before - more_cpu_s


def main():
    """Print the milliseconds, the bytes of a run and those of a row."""
    both = [config(FEW_ROWS - 1, tensorboard=True), config(FEW_ROWS - 1, tensorboard=False)]
    for settings in both * NUM_WARM_UP:
        cost(settings)
    pairs = [[cost(settings)[0] for settings in both] for _ in range(NUM_PAIRS)]
    with_board, without = (1000 * statistics.median(one) for one in zip(*pairs, strict=True))
    more = 1000 * statistics.median(a - b for a, b in pairs)
    print(f"a run of two steps, median of {NUM_PAIRS} pairs: {with_board:.1f} ms of CPU with TensorBoard, ", end="")
    print(f"{without:.1f} without; difference {more:.1f}")
    print_flushes(both[0])
    few, many = (cost(config(rows - 1, tensorboard=True))[1] for rows in (FEW_ROWS, MANY_ROWS))
    per_row = {name: (many[name] - few[name]) / (MANY_ROWS - FEW_ROWS) for name in few}
    print("\n  bytes of a run of two steps, and of each recorded row more")
    for name, size in [*sorted(few.items()), ("all", few.total())]:
        print(f"  {name:18}{size:8,d}{per_row.get(name, sum(per_row.values())):10,.0f}")


if __name__ == "__main__":
    main()
