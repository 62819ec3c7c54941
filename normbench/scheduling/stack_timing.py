"""Measures what a step of a stack costs, on a few of its steps; all else a run costs as it does alone."""

import time
from dataclasses import replace

from normbench.scheduling.run_timing import RunTiming
from normbench.study.config import RunConfig
from normbench.training.build import build_training
from normbench.training.experiment import making_runs
from normbench.training.stack.stack import Stack

NUM_STEPS, ENOUGH_S = 10, 0.02
"""Most steps that are measured, and CPU seconds of them after which no more are."""


def in_stack(timing: RunTiming, stack_step_s: float, num_runs: float) -> RunTiming:
    """Return what one of several runs of a stack costs.

    Args:
        timing: What it costs alone.
        stack_step_s: CPU seconds of one step of all slots.
        num_runs: Number of slots that are not idle, or their mean over several stacks.
    """
    return replace(timing, step_s=stack_step_s / num_runs)


def time_stack_step(config: RunConfig, seed: int, num_slots: int) -> float:
    """Return the CPU seconds of one step of a stack, idle slots included; the first step, which is slower, is left out.

    One network stands in for all, since a step's time depends on their number alone. torch's random state stays.
    """
    with making_runs(config):
        training, _ = build_training(config, seed)
        stack = Stack([training, *[None] * (num_slots - 1)], [config] * num_slots)
        stack.step(0)
        started, step = time.process_time(), 0
        while step < NUM_STEPS and time.process_time() - started < ENOUGH_S:
            step += 1
            stack.step(step)
        return (time.process_time() - started) / step
