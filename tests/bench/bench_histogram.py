"""Cost of one histogram: normbench's recorder against tensorboardX's own `add_histogram` with its defaults.

CPU time of the process, writer thread and close included, and bytes of the event file, both per tensor; in turn.

    .venv/bin/python tests/bench/bench_histogram.py [pairs]
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch
from tensorboardX import SummaryWriter

from normbench.inspection.watch.frame import Frame
from normbench.training.recorders.tensorboard import TensorBoardRecorder

NUM_PAIRS = int(sys.argv[1]) if len(sys.argv) > 1 else 7
TENSORS_PER_STEP = 8  # as in configs/weight_decay.yaml
STEPS = {100: 25, 1_000: 25, 10_000: 20, 40_000: 10, 100_000: 6}
TIME_BOUNDS = {100: 1 / 3, 1_000: 1 / 3, 10_000: 1 / 3, 40_000: 1 / 3, 100_000: 1 / 2}
BYTES_BOUND = 1 / 6


def with_normbench(folder, tensors, num_steps):
    """Record the tensors at each step."""
    with TensorBoardRecorder(folder, ["weight"], num_frames=num_steps) as recorder:
        for step in range(num_steps):
            recorder.record(Frame(step, {}, tensors, {}, {}, {}))


def with_add_histogram(folder, tensors, num_steps):
    """Record the tensors at each step."""
    with SummaryWriter(str(folder)) as writer:
        for step in range(num_steps):
            for name, tensor in tensors.items():
                writer.add_histogram(f"weight/{name}", tensor, step)


def cost(write, tensors, num_steps):
    """Return CPU seconds and bytes per tensor."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        write(Path(folder), tensors, num_steps)
        cpu_s = time.process_time() - started
        size_bytes = sum(path.stat().st_size for path in Path(folder).iterdir())
    count = num_steps * len(tensors)
    return cpu_s / count, size_bytes / count


def compare(num_values, num_steps):
    """Return the median costs of both, and the median ratio of their times."""
    tensors = {f"layer{i}.weight": torch.randn(num_values) for i in range(TENSORS_PER_STEP)}
    pairs = [
        [cost(write, tensors, num_steps) for write in (with_normbench, with_add_histogram)] for _ in range(NUM_PAIRS)
    ]
    ours, theirs = (
        [statistics.median(values) for values in zip(*costs, strict=True)] for costs in zip(*pairs, strict=True)
    )
    return ours, theirs, statistics.median(a[0] / b[0] for a, b in pairs)


def main():
    """Print a row per number of values."""
    torch.set_num_threads(1)
    for write in (with_normbench, with_add_histogram):  # first calls pay for imports and caches
        cost(write, {"layer.weight": torch.randn(1000)}, 5)
    print(f"one histogram, median of {NUM_PAIRS} pairs: CPU milliseconds and bytes")
    print("   values   normbench   add_histogram   ratio   at most   bytes   theirs   ratio   at most")
    missed = False
    for num_values, num_steps in STEPS.items():
        ours, theirs, ratio = compare(num_values, num_steps)
        size_ratio, bound = ours[1] / theirs[1], TIME_BOUNDS[num_values]
        missed |= ratio > bound or size_ratio > BYTES_BOUND
        print(
            f"  {num_values:7,d}   {1000 * ours[0]:9.3f}   {1000 * theirs[0]:13.3f}   {ratio:5.3f}   {bound:7.3f}"
            f"   {ours[1]:5.0f}   {theirs[1]:6.0f}   {size_ratio:5.3f}   {BYTES_BOUND:7.3f}",
            flush=True,
        )
    sys.exit(missed)


if __name__ == "__main__":
    main()
