"""One seed of the weight-decay study: `normbench run` against the plain script a user would write by hand.

CPU time (user and system, threads and children) of fresh processes, in turn; torch, tensorboardX and scipy are imported
first in both and not counted. normbench also evaluates, writes CSV files, reports and compares; figures are off.

    .venv/bin/python tests/bench/bench_single_run.py [pairs]
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NUM_PAIRS = int(sys.argv[1]) if len(sys.argv) > 1 else 7
BOUND = 1.0

CLOCK = """
import os, sys, time
import torch, tensorboardX, scipy.stats
def cpu_s():
    times = os.times()
    return time.process_time() + times.children_user + times.children_system
started = cpu_s()
try:
    {body}
except SystemExit as ended:
    assert not ended.code, ended.code
print(cpu_s() - started, file=sys.stderr)
"""
NORMBENCH = CLOCK.format(body="from normbench.cli import main; main()")
PLAIN = CLOCK.format(body="import runpy; runpy.run_path(sys.argv.pop(1), run_name='__main__')")


def cpu_s(code, *arguments):
    """Run code in a fresh process; return the seconds it says it took."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return float(done.stderr.splitlines()[-1])


def one_pair():
    """Return the CPU seconds of normbench and of the plain script."""
    with tempfile.TemporaryDirectory() as runs:
        options = ["--seeds", 1, "--set", "recording.figures=false", "--runs-dir", runs]
        ours = cpu_s(NORMBENCH, "run", ROOT / "configs" / "weight_decay.yaml", *options)
        assert len(list(Path(runs).glob("*/*/seed-0/summary.json"))) == 2
    return ours, cpu_s(PLAIN, HERE / "plain_weight_decay.py", "--seeds", 1)


def main():
    """Print each pair and the median ratio."""
    print("one seed of configs/weight_decay.yaml, CPU seconds without importing torch, tensorboardX, scipy")
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
