"""The last recording of a run, and the rows between: several batches at once against one batch at a time.

CPU seconds of the process with one thread, in turn. The rival is normbench itself with every batch passed alone, as it
must be where a network or a norm cannot tell batches apart. Beside the ratio stands which share of the run's time is
taken by its last recording, and by its rows before; the networks that are trained are the same to the bit.

    .venv/bin/python tests/bench/bench_last_recording.py [pairs]
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from normbench.inspection import reestimation
from normbench.scheduling.tuning import with_settings
from normbench.study.load import load_study
from normbench.training import loop
from normbench.training.experiment import run_experiment

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
NUM_PAIRS = int(sys.argv[1]) if len(sys.argv) > 1 else 3
BOUND = 0.5
"""Of the first case: the last recording at once over that one by one."""
CASES = {
    "resnet, batch norm, batch 2": ("b11_weight_standardization", "bn_2", {"optimizer.lr": 0.01}),
    "resnet, batch norm, batch 16": ("b13_ibn_contrast", "batch_norm", {}),
    "lenet, switchable norm, batch 4": ("b14_switchable_against_single", "norm=switchable_norm,batch_size=4", {}),
    "lenet, batch norm, batch 2": ("b10_batch_sizes_large_maps", "norm=batch_norm,batch_size=2", {}),
    "mlp, batch norm, batch 2": ("b10_batch_sizes", "norm=batch_norm,batch_size=2", {}),
    "gru, batch norm, batch 32": ("b12_recurrent", "batch_norm", {"optimizer.lr": 0.003}),
    "lenet, batch norm, 13 rows": ("b09_lenet_surges", "norm=batch_norm,init=default", {}),
}
PARTS = {"last": "_record_without_update", "rows": "_recorded_step"}


def config_of(study, arm, settings):
    """Return the settings of one arm."""
    found = load_study(CONFIGS / f"{study}.yaml").arms[arm]
    return with_settings(found, settings) if settings else found


class Clock:
    """Adds up the CPU seconds of a function."""

    def __init__(self, function):
        self.function, self.seconds = function, 0.0

    def __call__(self, *arguments):
        """Call the function."""
        started = time.process_time()
        try:
            return self.function(*arguments)
        finally:
            self.seconds += time.process_time() - started


def run_cpu_s(config, *, at_once=True):
    """Return the CPU seconds of a whole run, of its last recording and of the rows before."""
    plain = {name: getattr(loop, name) for name in PARTS.values()}
    can_join, clocks = reestimation.can_join, {name: Clock(function) for name, function in plain.items()}
    reestimation.can_join = can_join if at_once else lambda *_: False
    for name, clock in clocks.items():
        setattr(loop, name, clock)
    try:
        with tempfile.TemporaryDirectory() as folder:
            started = time.process_time()
            run_experiment(config, 0, Path(folder), study="bench", arm="arm")
            return time.process_time() - started, *(clocks[name].seconds for name in PARTS.values())
    finally:
        reestimation.can_join = can_join
        for name, function in plain.items():
            setattr(loop, name, function)


def compare(name, config):
    """Print one line of medians, and return the ratio of the last recordings."""
    pairs = [(run_cpu_s(config), run_cpu_s(config, at_once=False)) for _ in range(NUM_PAIRS)]
    whole, last, rows = map(statistics.median, zip(*(at_once for at_once, _ in pairs), strict=True))
    one_by_one = statistics.median(alone[1] for _, alone in pairs)
    ratio = statistics.median(at_once[1] / alone[1] for at_once, alone in pairs)
    shares = f"{last / whole:7.0%} {rows / whole:7.0%}"
    print(f"  {name:32} {whole:6.2f} {last:7.2f} {one_by_one:11.2f} {ratio:7.2f} {shares}", flush=True)
    return ratio


def main():
    """Print a line for each case."""
    first, *_ = CASES.values()
    run_cpu_s(with_settings(config_of(*first), {"num_steps": 5}))  # what is imported once
    print(f"whole runs, CPU seconds, medians of {NUM_PAIRS} pairs; shares are of the whole run")
    print("                                    whole    last  one by one   ratio    last    rows")
    ratios = [compare(name, config_of(*case)) for name, case in CASES.items()]
    print(f"the last recording of the first: ratio {ratios[0]:.2f}, at most {BOUND} wanted")
    sys.exit(ratios[0] > BOUND)


if __name__ == "__main__":
    main()
