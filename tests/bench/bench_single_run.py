"""One seed of the weight-decay study: `normbench run` against the plain script that a user would write by hand.

CPU time (user and system, with all threads and children) of whole processes, imports included, in turn. The study runs
as it is shipped: normbench also evaluates, writes CSV files, draws the fitted curves, reports and compares.

    .venv/bin/python tests/bench/bench_single_run.py [pairs]
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NUM_PAIRS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
BOUND = 0.85


def of_children():
    """Return the CPU seconds of all processes started here that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cpu_s(*arguments):
    """Run Python in a fresh process; return its CPU seconds."""
    started = of_children()
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return of_children() - started


def one_pair():
    """Return the CPU seconds of normbench and of the plain script."""
    with tempfile.TemporaryDirectory() as runs:
        study = ROOT / "configs" / "weight_decay.yaml"
        ours = cpu_s("-m", "normbench", "run", study, "--seeds", 1, "--runs-dir", runs)
        assert len(list(Path(runs).glob("*/*/seed-0/summary.json"))) == 2
    return ours, cpu_s(HERE / "plain_weight_decay.py", "--seeds", 1)


def main():
    """Print each pair and the median ratio."""
    print("one seed of configs/weight_decay.yaml, CPU seconds of whole processes")
    print("  pair   normbench   plain script   ratio")
    ratios = []
    for pair in range(NUM_PAIRS):
        ours, plain = one_pair()
        ratios.append(ours / plain)
        print(f"  {pair:4d}   {ours:9.2f}   {plain:12.2f}   {ratios[-1]:5.2f}", flush=True)
    median = statistics.median(ratios)
    print(f"median ratio {median:.3f}, at most {BOUND} wanted")
    sys.exit(median > BOUND)


if __name__ == "__main__":
    main()
