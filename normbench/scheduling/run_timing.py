"""Measures what a run costs, on a few of its steps: building it, a step, a recorded row."""

import time
from dataclasses import dataclass

from normbench.any_module.plain_execution import without_compiled_code
from normbench.any_module.random_states import same_random_states_after
from normbench.study.config import RunConfig
from normbench.study.own_code import running_code_of
from normbench.training.build import build_training
from normbench.training.loop import train
from normbench.training.numerics import numerics
from normbench.training.recorders.memory import MemoryRecorder

NUM_STEPS = 5


@dataclass(frozen=True)
class RunTiming:
    """CPU seconds of the parts of a run.

    Attributes:
        build_s: Building network, data and optimizer.
        step_s: One step.
        row_s: One recorded row, with its evaluation.
    """

    build_s: float
    step_s: float
    row_s: float

    def cpu_s(self, config: RunConfig) -> float:
        """Return the CPU seconds of a run with the steps and recorded rows of this config."""
        num_rows = 1 + config.total_steps // config.every_steps
        return self.build_s + config.total_steps * self.step_s + num_rows * self.row_s


def time_run(config: RunConfig, seed: int) -> RunTiming:
    """Measure a run on a few steps in memory; torch's random state stays as it is."""
    started = time.process_time()
    with numerics(config.numerics), same_random_states_after(), running_code_of(config), without_compiled_code():
        training, _ = build_training(config, seed)
        built = time.process_time()
        num_steps = min(NUM_STEPS, config.total_steps)
        outcome = train(training, num_steps, config.total_steps + 1, MemoryRecorder())
    row_s = (time.process_time() - built - outcome.cpu_s) / (2 if num_steps else 1)
    return RunTiming(built - started, outcome.cpu_s_per_step or 0.0, row_s)
