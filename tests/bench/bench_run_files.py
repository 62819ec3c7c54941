"""What the files of a run cost: CPU milliseconds of a two-step run with and without TensorBoard, bytes of a row.

The network is small (4 hidden units), so that nearly all of a run's time goes into what it writes. Runs with and
without TensorBoard take turns in one process. The bytes of a row are what more recorded rows add to each file.

    .venv/bin/python tests/bench/bench_run_files.py [pairs]
"""

import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

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
    few, many = (cost(config(rows - 1, tensorboard=True))[1] for rows in (FEW_ROWS, MANY_ROWS))
    per_row = {name: (many[name] - few[name]) / (MANY_ROWS - FEW_ROWS) for name in few}
    print("\n  bytes of a run of two steps, and of each recorded row more")
    for name, size in [*sorted(few.items()), ("all", few.total())]:
        print(f"  {name:18}{size:8,d}{per_row.get(name, sum(per_row.values())):10,.0f}")


if __name__ == "__main__":
    main()
