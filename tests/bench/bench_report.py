"""The page of a study of three arms and eight seeds, as every small study pays it, and of 200 arms x 16 seeds.

CPU seconds (user and system) inside a process that has read the study's comparison before, as `normbench run` has,
imports among them, the least of three; then the whole command over very many runs, with the size of its page.

    .venv/bin/python tests/bench/bench_report.py
"""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
SMALL_S, LARGE_S, LARGE_MB = 0.4, 10.0, 5.0
STUDY = """\
# Which norm?
model: lenet
dataset: banknotes
batch_size: 16
num_steps: 60
recording: {every_steps: 10, diagnostics: true}
seeds: 8
arms: {none: {norm: none}, batch_norm: {norm: batch_norm}, group_norm: {norm: group_norm}}
baseline: none
"""
WRITE = """
import sys, time
from pathlib import Path
from normbench.report.blocks.run import Screen
from normbench.storage.study_folder import read_study
study = read_study(Path(sys.argv[1]))
Screen(study, [arm.folder.name for arm in study.arms], Path("study.yaml")).blocks()
began = time.process_time()
from normbench.report.pages.html.study_page import write_study_page
from normbench.report.pages.html.study_report import read_report
write_study_page(read_report(study), Path(sys.argv[1]) / "report.html")
print(time.process_time() - began)
"""
MAKE = "from pathlib import Path; from many_runs import make_runs; make_runs(Path(), 1, 200, 16)"
ENVIRONMENT = os.environ | {
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent), os.environ.get("PYTHONPATH", "")]),
}


def python(folder, *words):
    """Run Python in a folder; return what it prints."""
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True, check=True).stdout


def small(folder):
    """Return the CPU seconds of the page of a small study."""
    (folder / "small.yaml").write_text(STUDY, encoding="utf-8")
    python(folder, "-m", "normbench", "run", "small.yaml", "--quiet")
    (folder / "runs/small/report.html").unlink()
    return min(float(python(folder, "-c", WRITE, "runs/small")) for _ in range(3))


def large(folder):
    """Return the CPU seconds of the command over very many runs, and the size of its page in MB."""
    python(folder, "-c", MAKE)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    python(folder, "-m", "normbench", "report", "runs/study-0")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu_s, (folder / "runs/study-0/report.html").stat().st_size / 1e6


def main():
    """Measure both; exit with 1 beyond a bound."""
    with tempfile.TemporaryDirectory() as temporary:
        small_s = small(Path(temporary))
        print(f"3 arms x 8 seeds: {small_s:.2f} CPU-s; at most {SMALL_S} wanted", flush=True)
        large_s, size_mb = large(Path(temporary))
    print(f"200 arms x 16 seeds: {large_s:.2f} CPU-s, {size_mb:.2f} MB; at most {LARGE_S:g} and {LARGE_MB:g} wanted")
    sys.exit(small_s > SMALL_S or large_s > LARGE_S or size_mb > LARGE_MB)


if __name__ == "__main__":
    main()
