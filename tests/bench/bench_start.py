"""The start of a process: help, a mistyped path, a study that is finished, and a run of one step, each against a rival.

CPU time (user and system) of whole processes with one thread, in turn. The rivals are the libraries alone: typer and
rich for help, torch for what must not wait for it; for a run of one step, the same run with torch's optimizers as they
are, which load its compiler.

    .venv/bin/python tests/bench/bench_start.py [pairs]
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NUM_PAIRS = int(sys.argv[1]) if len(sys.argv) > 1 else 7
CONFIG = """# One step
model: mlp
dataset: gaussian_clusters
norm: batch_norm
batch_size: 16
num_steps: 1
"""
NORMBENCH = [sys.executable, "-m", "normbench"]
TYPER = [sys.executable, "-c", "import typer, rich"]
TORCH = [sys.executable, "-c", "import torch"]
PLAIN_OPTIMIZERS = """
import sys
from normbench.cli._torch import import_torch
import_torch()
from normbench.optimizers import _without_compiler
_without_compiler.without_compiler = lambda kind, fused_step=None: kind
from normbench.cli import main
sys.argv[0] = "normbench"
main()
"""


def children_cpu_s():
    """Return the CPU seconds of all processes started and ended so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def cpu_s(command):
    """Run a command in a fresh folder for runs; return its CPU seconds."""
    with tempfile.TemporaryDirectory() as fresh:
        started = children_cpu_s()
        words = [word.replace("FRESH", fresh) for word in command]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        subprocess.run(words, env=environment, capture_output=True, check=False)
        return children_cpu_s() - started


def cases(folder):
    """Return what is measured: its name, its command, its rival's, and the most that the ratio should be."""
    config = folder / "one.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    again = [*NORMBENCH, "run", str(config), "--runs-dir", str(folder / "runs")]
    subprocess.run(again, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, check=True)
    one_step = ["run", str(config), "--runs-dir", "FRESH"]
    return [
        ("--help / typer and rich", [*NORMBENCH, "--help"], TYPER, 1.3),
        ("a mistyped path / import torch", [*NORMBENCH, "run", "mistyped.yaml"], TORCH, 0.25),
        ("nothing to do / import torch", again, TORCH, 0.3),
        (
            "one step / with torch's optimizers",
            [*NORMBENCH, *one_step],
            [sys.executable, "-c", PLAIN_OPTIMIZERS, *one_step],
            0.75,
        ),
    ]


def main():
    """Print the medians and the median ratio of each case."""
    print(f"CPU seconds of a whole process, median of {NUM_PAIRS} pairs")
    print(f"  {'':34s}   ours  rival  ratio  wanted")
    missed = False
    with tempfile.TemporaryDirectory() as folder:
        for name, ours, rival, bound in cases(Path(folder)):
            for command in (ours, rival):  # so that compiled files are there and cached
                cpu_s(command)
            pairs = [(cpu_s(ours), cpu_s(rival)) for _ in range(NUM_PAIRS)]
            mine, other = (statistics.median(times) for times in zip(*pairs, strict=True))
            ratio = statistics.median(a / b for a, b in pairs)
            missed = missed or ratio > bound
            print(f"  {name:34s}  {mine:5.2f}  {other:5.2f}  {ratio:5.2f}  {bound:5.2f}", flush=True)
    sys.exit(missed)


if __name__ == "__main__":
    main()
