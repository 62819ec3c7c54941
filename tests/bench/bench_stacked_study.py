"""CPU seconds of a study whose seeds are trained as one against the same study run by run, files and all.

Dense networks of 64 and 64 units, batches of 32, 21 recorded rows; each pair in turn, in this process.

    .venv/bin/python tests/bench/bench_stacked_study.py [pairs]
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from normbench.scheduling.schedule import run_study
from normbench.study.load import load_study

NUM_PAIRS = int(sys.argv[1]) if len(sys.argv) > 1 else 3
BOUND = 0.7
STUDY = """\
model: {name: mlp, hidden_features: [64, 64]}
dataset: {name: gaussian_clusters, num_samples: 512}
batch_size: 32
num_steps: 1000
recording: {tensorboard: false, figures: false}
"""
CASES = [(norm, seeds) for seeds in (8, 32) for norm in ("none", "batch_norm", "layer_norm")]


def cpu_s(path, engine, seeds, norm):
    """Return the CPU seconds of all runs."""
    study = load_study(path, engine=engine, seeds=seeds, set_=[f"norm={norm}"])
    with tempfile.TemporaryDirectory() as runs:
        started = time.process_time()
        ended = run_study(study, Path(runs))
        seconds = time.process_time() - started
    assert {run.status for run in ended} == {"finished"}
    return seconds


def main():
    """Print the median ratio of each case."""
    print("norm        seeds   loop s   stacked s   ratio")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.yaml"
        path.write_text(STUDY, encoding="utf-8")
        for engine in ("loop", "stacked"):
            cpu_s(path, engine, 1, "none")  # what only the first pass of a process costs
        ratios = [told(path, norm, seeds) for norm, seeds in CASES]
    print(f"largest {max(ratios):.2f}, at most {BOUND} wanted")
    sys.exit(max(ratios) > BOUND)


def told(path, norm, seeds):
    """Print a case and return its median ratio."""
    pairs = [[cpu_s(path, engine, seeds, norm) for engine in ("loop", "stacked")] for _ in range(NUM_PAIRS)]
    loop, stacked = (statistics.median(one) for one in zip(*pairs, strict=True))
    ratio = statistics.median(stacked / loop for loop, stacked in pairs)
    print(f"{norm:10}  {seeds:5d}   {loop:6.1f}   {stacked:9.1f}   {ratio:5.2f}", flush=True)
    return ratio


if __name__ == "__main__":
    main()
