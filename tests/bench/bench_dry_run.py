"""`normbench run --dry-run` of all studies of the documents' claims: with nothing known, and from what it kept.

CPU time (user and system) and the largest memory of whole processes, imports among them, against importing torch alone.

    .venv/bin/python tests/bench/bench_dry_run.py [repetitions]
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NUM_REPETITIONS = int(sys.argv[1]) if len(sys.argv) > 1 else 3
COLD_BOUND, KEPT_BOUND, BOUND_MB = 18.0, 3.0, 480

CLOCK = """
import resource, sys
{body}
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, file=sys.stderr)
"""
NORMBENCH = """
from normbench.cli import main
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
"""


def measured(body, *arguments):
    """Run code in a fresh process; return its CPU seconds and megabytes."""
    command = [sys.executable, "-c", CLOCK.format(body=body), *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return tuple(map(float, done.stderr.split()[-2:]))


def one_round():
    """Return what a dry run takes with nothing known, from what it kept, and what torch takes alone."""
    with tempfile.TemporaryDirectory() as runs:
        words = ["run", "--dry-run", *sorted((ROOT / "configs").glob("b*.yaml")), "--runs-dir", runs]
        return [measured(NORMBENCH, *words), measured(NORMBENCH, *words), measured("import torch")]


def main():
    """Print each round and the medians."""
    print("normbench run --dry-run configs/b*.yaml: CPU seconds and MB")
    print("  nothing known       from what it kept    import torch")
    rounds = []
    for _ in range(NUM_REPETITIONS):
        rounds.append(one_round())
        print("".join(f"  {cpu_s:5.2f} s {size_mb:5.0f} MB   " for cpu_s, size_mb in rounds[-1]), flush=True)
    columns = (zip(*found, strict=True) for found in zip(*rounds, strict=True))
    cold, kept, alone = ([statistics.median(column) for column in found] for found in columns)
    ratios = cold[0] / alone[0], kept[0] / alone[0]
    print(f"medians {cold[0]:.2f} s, {ratios[0]:.1f} times torch alone, at most {COLD_BOUND:.0f} wanted;")
    print(f"{kept[0]:.2f} s, {ratios[1]:.1f} times torch alone, at most {KEPT_BOUND:.0f} wanted;")
    print(f"{cold[1]:.0f} MB, at most {BOUND_MB} wanted")
    sys.exit(ratios[0] > COLD_BOUND or ratios[1] > KEPT_BOUND or cold[1] > BOUND_MB)


if __name__ == "__main__":
    main()
