"""`normbench --help` against the bare import of typer and rich: help must not wait for torch.

CPU time (user and system) of whole processes, in turn.

    .venv/bin/python tests/bench/bench_help.py [pairs]
"""

import resource
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NUM_PAIRS = int(sys.argv[1]) if len(sys.argv) > 1 else 15
BOUND = 1.5
HELP = [Path(sys.executable).parent / "normbench", "--help"]
BARE = [sys.executable, "-c", "import typer, rich"]


def children_cpu_s():
    """Return the CPU seconds of all processes started and ended so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def cpu_s(command):
    """Run a command; return its CPU seconds."""
    started = children_cpu_s()
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    return children_cpu_s() - started


def main():
    """Print the medians and the median ratio."""
    for command in (HELP, BARE):  # so that compiled files are there and cached
        cpu_s(command)
    pairs = [(cpu_s(HELP), cpu_s(BARE)) for _ in range(NUM_PAIRS)]
    ours, bare = (statistics.median(times) for times in zip(*pairs, strict=True))
    median = statistics.median(a / b for a, b in pairs)
    print(f"CPU milliseconds of a whole process, median of {NUM_PAIRS} pairs")
    print(f"  normbench --help                {1000 * ours:6.0f}")
    print(f"  python -c 'import typer, rich'  {1000 * bare:6.0f}")
    print(f"median ratio {median:.2f}, at most {BOUND} wanted")
    sys.exit(median > BOUND)


if __name__ == "__main__":
    main()
