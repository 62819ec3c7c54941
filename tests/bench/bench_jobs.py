"""Runs per second of `--jobs 2` against two `--jobs 1` commands side by side, on the same work.

Time by the clock, since that is what several processes are for; both in turn, so that a busy machine slows both.
Needs two free cores. The work is configs/lenet_banknotes.yaml with five epochs.

    .venv/bin/python tests/bench/bench_jobs.py [pairs]
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NUM_PAIRS = int(sys.argv[1]) if len(sys.argv) > 1 else 3
SEEDS = 8
BOUND = 0.85
WORK = ["run", "configs/lenet_banknotes.yaml", "--set", "num_epochs=5", "--quiet"]


def started(runs, *options):
    """Start a command."""
    command = [sys.executable, "-m", "normbench", *WORK, "--runs-dir", str(runs), *options]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def seconds(folder, commands):
    """Return how long commands take that are started together."""
    before = time.monotonic()
    processes = [started(folder / name, *options) for name, options in commands]
    codes = [process.wait() for process in processes]
    assert codes == [0] * len(codes), codes
    assert len(list(folder.glob("*/*/*/seed-*/summary.json"))) == 4 * SEEDS
    return time.monotonic() - before


def one_pair():
    """Return the seconds of one command with two processes, and of two commands with half of the seeds each."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        jobs_2 = seconds(Path(one), [("a", ["--seeds", str(SEEDS), "--jobs", "2"])])
        half = ["--seeds", str(SEEDS // 2)]
        other = ["--seeds", str(SEEDS // 2), "--set", "replica=1"]  # as much work, of other numbers
        return jobs_2, seconds(Path(two), [("a", half), ("b", other)])


def main():
    """Print each pair and the median ratio of runs per second."""
    print(f"lenet_banknotes, {4 * SEEDS} runs of 5 epochs, seconds by the clock")
    print("  pair   --jobs 2   two commands   ratio of runs per second")
    ratios = []
    for pair in range(NUM_PAIRS):
        jobs_2, side_by_side = one_pair()
        ratios.append(side_by_side / jobs_2)
        print(f"  {pair:4d}   {jobs_2:8.1f}   {side_by_side:12.1f}   {ratios[-1]:5.2f}", flush=True)
    median = statistics.median(ratios)
    print(f"median {median:.2f}, at least {BOUND} wanted")
    sys.exit(median < BOUND)


if __name__ == "__main__":
    main()
