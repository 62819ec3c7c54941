"""Whole commands whose seeds are trained as one against the same commands run by run: CPU seconds, start and files too.

Fresh processes in turn, user and system time, without pictures: the dense networks of b10_batch_sizes.yaml at batches
of 4 and 32, of its 2 to 64, with 16 seeds; two of its norms at batches of 8 with 64 seeds; weight_decay.yaml as it is,
with 16 seeds. What limits them where it is not the number of calls:

- Width 200: weights, gradients and velocities of 16 networks are 16 MB; those of one are 1 MB, which a core's own cache
  of 2 MB holds. A step of the stack reads each weight twice and writes its gradient, and the optimizer reads three
  numbers and writes two: 8 x 4 bytes x 16 x 81,001 = 41 MB, which took 1.0 ms at the 41 GB/s measured, of 2.6 in all.
- 64 seeds: the loop takes 0.32 s a run. Of the stacks' 0.08 s the steps are 0.03, what is made run by run (data,
  networks, rows at the first and last step, files) is 0.03, and start and report, 2.5 s in all, are 0.02.

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
