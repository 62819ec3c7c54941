"""Whole commands whose seeds are trained as one against the same commands run by run: CPU seconds, start and files too.

Fresh processes in turn, user and system time, without pictures: the dense networks of b10_batch_sizes.yaml at batches
of 4 and 32, of its 2 to 64, with 16 seeds; two of its norms at batches of 8 with 64 seeds; weight_decay.yaml as it is,
with 16 seeds. Where memory is the limit: there a step of 8 networks of width 200 reads each weight twice (forward, and
back to the input), writes its gradient, and the optimizer reads weight, gradient and velocity and writes two of them:
8 x 81,001 numbers x 4 bytes x 8 = 21 MB, which beyond a core's own cache come at about 20 GB/s: 1 ms of 1.5.

    .venv/bin/python tests/bench/bench_stack.py [pairs [case ...]]
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
NUM_PAIRS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
B10, WEIGHT_DECAY = "b10_batch_sizes.yaml", "weight_decay.yaml"
CASES = {
    "b10, 16 seeds": (B10, 16, {"batch_size": [4, 32]}, 0.3),
    "batch 8, 64 seeds": (B10, 64, {"batch_size": [8], "norm": ["none", "batch_norm"]}, 0.15),
    "width 200, 16 seeds": (WEIGHT_DECAY, 16, {}, 0.55),
}
"""By name: the study file, seeds, what its axes are narrowed to, and the ratio that is wanted at most."""


def study_file(folder, name, axes):
    """Write a study file with fewer values on its axes; return its path."""
    study = yaml.safe_load((ROOT / "configs" / name).read_text(encoding="utf-8"))
    study.pop("claims", None)
    study.get("grid", {}).update(axes)
    path = Path(folder) / name
    path.write_text(yaml.safe_dump(study), encoding="utf-8")
    return path


def cpu_s(path, engine, seeds):
    """Run a study in a fresh process; return its CPU seconds."""
    with tempfile.TemporaryDirectory() as runs:
        options = ["--engine", engine, "--seeds", str(seeds), "--runs-dir", runs, "--quiet"]
        command = [sys.executable, "-m", "normbench", "run", str(path), *options, "--set", "recording.figures=false"]
        before = os.times()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        after = os.times()
        if done.returncode:
            sys.exit(done.stderr)
    return after.children_user - before.children_user + after.children_system - before.children_system


def told(name):
    """Print each pair of a case and its median ratio; return whether it is as wanted."""
    file, seeds, axes, bound = CASES[name]
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        path = study_file(folder, file, axes)
        for _ in range(NUM_PAIRS):
            loop, stacked = (cpu_s(path, engine, seeds) for engine in ("loop", "stacked"))
            ratios.append(stacked / loop)
            print(f"  {name:20}  loop {loop:6.1f} s   stacked {stacked:6.1f} s   ratio {ratios[-1]:.3f}", flush=True)
    median = statistics.median(ratios)
    print(f"{name}: median ratio {median:.3f}, at most {bound} wanted", flush=True)
    return median <= bound


def main():
    """Measure all cases, or those named."""
    os.environ["OMP_NUM_THREADS"] = "1"
    as_wanted = [told(name) for name in sys.argv[2:] or CASES]
    sys.exit(not all(as_wanted))


if __name__ == "__main__":
    main()
