"""`normbench compare` over 10,000 made-up runs: 1,250 arms, 8 seeds, one metric, tests and Holm included.

CPU time (user and system) without imports, and the largest memory of the whole process; a fresh process each time.

    .venv/bin/python tests/bench/bench_compare.py [repetitions]
"""

import os
import random
import statistics
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from made_up_runs import make_arm, make_run, make_study

NUM_REPETITIONS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
NORMS, BATCH_SIZES, LRS = ("none", "batch_norm", "layer_norm", "group_norm", "instance_norm"), range(2, 27), range(10)
NUM_SEEDS = 8
CPU_BOUND_S, MEMORY_BOUND_MB = 3.0, 300

CLOCK = """
import contextlib, io, resource, sys, time
import numpy, rich.console, rich.table, scipy.special, typer, yaml
from normbench.cli import main
import normbench.evidence.comparison.effects, normbench.evidence.comparison.gate
import normbench.report.pages.comparison_page, normbench.report.terminal.render
printed = io.StringIO()
started = time.process_time()
try:
    with contextlib.redirect_stdout(printed):
        main()
except SystemExit as ended:
    assert not ended.code, ended.code
cpu_s = time.process_time() - started
assert printed.getvalue().count("batch_norm") >= {num_arms} // 5
print(cpu_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, file=sys.stderr)
"""


def make_runs(folder):
    """Write the runs of the grid."""
    draw = random.Random(0)
    grid = list(product(NORMS, BATCH_SIZES, LRS))
    names = [f"norm={norm},batch_size={size},lr={lr}" for norm, size, lr in grid]
    study = make_study(folder, "big", arms=names, baseline="norm=none")
    rest = {f"setting{i}": i for i in range(25)}
    for name, (norm, size, lr) in zip(names, grid, strict=True):
        arm = make_arm(study, name, changed=["norm", "batch_size", "lr"], norm=norm, batch_size=size, lr=lr, **rest)
        for seed in range(NUM_SEEDS):
            losses = [draw.random() for _ in range(6)]
            rows = [{"step": 4 * i, "train_loss": x, "test_loss": x, "test_accuracy": x} for i, x in enumerate(losses)]
            make_run(arm, seed, rows)
    return study, len(names)


def measured(study, num_arms):
    """Return the CPU seconds and megabytes of one comparison in a fresh process."""
    command = [sys.executable, "-c", CLOCK.format(num_arms=num_arms), "compare", str(study), "--metric", "test_loss"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return tuple(map(float, done.stderr.split()[-2:]))


def main():
    """Print each repetition and the medians."""
    with tempfile.TemporaryDirectory() as runs:
        study, num_arms = make_runs(Path(runs))
        print(f"normbench compare, {num_arms * NUM_SEEDS:,} runs of {num_arms:,} arms, without imports")
        print("  CPU s     MB")
        found = [measured(study, num_arms) for _ in range(NUM_REPETITIONS)]
    for cpu_s, size_mb in found:
        print(f"  {cpu_s:5.2f}  {size_mb:5.0f}")
    cpu_s, size_mb = (statistics.median(numbers) for numbers in zip(*found, strict=True))
    print(f"median {cpu_s:.2f} s and {size_mb:.0f} MB, at most {CPU_BOUND_S} s and {MEMORY_BOUND_MB} MB wanted")
    sys.exit(cpu_s > CPU_BOUND_S or size_mb > MEMORY_BOUND_MB)


if __name__ == "__main__":
    main()
