"""Commands over 50,000 runs: one study of many arms, one of many seeds, many studies.

CPU seconds (user and system) and largest memory of whole processes, imports among them, at a quarter, at half and at
all of the runs, with the factor by which each doubling multiplies the time. Of commands with a bound it is the least of
three, since what else a machine does only adds. Machines differ, so the bound is a number of times what plain Python
takes to read, hash and parse the same files.

    .venv/bin/python tests/bench/bench_many_runs.py [runs [folder that is kept]]
"""

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
NUM_RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
PARTS = (4, 2, 1)
WANTED_S = {"compare": 6.0, "list": 3.0}
BOUNDS = {"compare": 3.0, "list": 0.9}
"""Times plain reading of the files."""
BOUND_MB, BOUND_GROWTH, NUM_REPETITIONS = 280, 2.3, 3
PLAIN = """
import hashlib, json, os, sys
for folder, _, names in os.walk(sys.argv[1]):
    for name in {"summary.json", "environment.json", "metrics.csv"}.intersection(names):
        with open(os.path.join(folder, name), "rb") as file:
            raw = file.read()
        hashlib.sha256(raw).hexdigest()
        json.loads(raw) if name.endswith(".json") else raw.decode().split(",")
"""
MAKE = """
import sys
from pathlib import Path
from many_runs import make_runs
print(make_runs(Path(sys.argv[1]), *map(int, sys.argv[2:])))
"""


@dataclass(frozen=True)
class Shape:
    """How runs are spread: some studies of some arms with some seeds each, of which one number grows."""

    studies: int
    arms: int
    seeds: int
    grows: str

    def part(self, divisor):
        """Return the shape with a part of the runs."""
        return replace(self, **{self.grows: max(2, getattr(self, self.grows) // divisor)})

    @property
    def num_runs(self):
        """Number of runs in all."""
        return self.studies * self.arms * self.seeds

    def __str__(self):
        """Return the shape in words."""
        of_each = f"{self.arms:,} arms x {self.seeds:,} seeds"
        return of_each if self.studies == 1 else f"{self.studies:,} studies of {of_each}"


SHAPES = (
    Shape(1, NUM_RUNS // 100, 100, "arms"),
    Shape(1, 50, NUM_RUNS // 50, "seeds"),
    Shape(NUM_RUNS // 100, 5, 20, "studies"),
)


def make(folder, shape):
    """Write the runs of a shape, and return its study file.

    Another process does, since a process that has been as large as torch passes this on to those that it starts.
    """
    words = [sys.executable, "-c", MAKE, folder, shape.studies, shape.arms, shape.seeds]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(list(map(str, words)), env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return Path(done.stdout.splitlines()[-1])


def commands(path):
    """Return the words of each command, and a text to answer with; those without a bound are measured once."""
    runs = path.parent / "runs"
    arm = next((runs / "study-0").glob("*-*"))
    return {
        "compare": (["compare", runs], ""),
        "list": (["list", "--runs-dir", runs], ""),
        "list --runs": (["list", "--runs", "--runs-dir", runs], ""),
        "show of one": (["show", arm / "seed-0", "--runs-dir", runs], ""),
        "claims": (["claims", path, "--runs-dir", runs], ""),
        "rm of all, not confirmed": (["rm", *runs.iterdir(), "--runs-dir", runs], "n"),
        "run --dry-run": (["run", "--dry-run", path, "--runs-dir", runs], ""),
        "run of a finished study": (["run", "--quiet", path, "--runs-dir", runs], ""),
        "the same again": (["run", "--quiet", path, "--runs-dir", runs], ""),
    }


def measured(words, answer):
    """Return the CPU seconds and megabytes of one command in a fresh process, and the number of lines it printed."""
    command = [sys.executable, *map(str, words)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "120"}
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as typed:
        typed.write(answer.encode())
        typed.seek(0)
        process = subprocess.Popen(command, env=environment, stdin=typed, stdout=said, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
        said.seek(0)
        lines = said.read().decode().splitlines()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in ({0, 2} if "rm" in words else {0}):
        sys.exit("\n".join([f"{command} ended with {process.returncode}", *lines[-20:]]))
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, len(lines)


def least(words, answer=""):
    """Return the least of some measurements."""
    return min(measured(words, answer) for _ in range(NUM_REPETITIONS))


def measure_shape(shape, folder):
    """Print a line per command and part; return those beyond a bound."""
    beyond, before = [], {}
    for part in (shape.part(divisor) for divisor in PARTS):
        path = make(folder, part)
        plain_s, *_ = least(["-c", PLAIN, path.parent / "runs"])
        print(f"{part!s:34}  {part.num_runs:7,}  {'the files, plainly':24}  {plain_s:7.2f} s")
        for name, (words, answer) in commands(path).items():
            if name not in BOUNDS and part != shape:
                continue
            whole = ["-m", "normbench", *words]
            cpu_s, size_mb, num_lines = least(whole) if name in BOUNDS else measured(whole, answer)
            growth = cpu_s / before[name] if name in before else 0.0
            before[name] = cpu_s
            times = f"x {growth:.2f}" if growth else ""
            cost = f"{cpu_s:7.2f} s  {times:6}  {size_mb:5.0f} MB  {num_lines:7,} lines"
            line = f"{part!s:34}  {part.num_runs:7,}  {name:24}  {cost}"
            print(line, flush=True)
            is_slow = part == shape and cpu_s > BOUNDS.get(name, float("inf")) * plain_s
            if is_slow or growth > BOUND_GROWTH or (name in BOUNDS and size_mb > BOUND_MB):
                beyond.append(line)
    return beyond


def main():
    """Measure every shape; exit with 1 if a bound is passed."""
    with tempfile.TemporaryDirectory() as temporary:
        top = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(temporary)
        beyond = []
        for number, shape in enumerate(SHAPES):
            folder = top / str(number)
            folder.mkdir(parents=True, exist_ok=True)
            beyond += measure_shape(shape, folder)
    wanted = ", ".join(f"{name} {WANTED_S[name]:g} s, {bound:g} times plainly" for name, bound in BOUNDS.items())
    print(f"at most {wanted}, {BOUND_MB} MB and x {BOUND_GROWTH} per doubling wanted; beyond the last three:")
    print(*beyond or ["nothing"], sep="\n")
    sys.exit(bool(beyond))


if __name__ == "__main__":
    main()
