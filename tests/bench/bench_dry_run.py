"""`normbench run --dry-run` of all studies of the documents' claims: with nothing known, and from what it kept.

CPU time (user and system) and the largest memory of whole processes, imports among them, beside importing torch alone.

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
COLD_BOUND_S, KEPT_BOUND_S, BOUND_MB = 20.0, 3.0, 480

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
    cold, kept, _ = (
        [statistics.median(column) for column in zip(*found, strict=True)] for found in zip(*rounds, strict=True)
    )
    print(f"medians {cold[0]:.2f} s, at most {COLD_BOUND_S} wanted; {kept[0]:.2f} s, at most {KEPT_BOUND_S} wanted;")
    print(f"{cold[1]:.0f} MB, at most {BOUND_MB} wanted")
    sys.exit(cold[0] > COLD_BOUND_S or kept[0] > KEPT_BOUND_S or cold[1] > BOUND_MB)


if __name__ == "__main__":
    main()
