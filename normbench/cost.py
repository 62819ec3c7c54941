"""What a study would cost: runs still missing, CPU seconds per run, measured on a few steps."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from normbench.evidence.run_folder import Run
from normbench.scheduling import PlannedRun, plan
from normbench.study import RunConfig, Study
from normbench.training.build import build_training
from normbench.training.loop import train
from normbench.training.recording import MemoryRecorder

NUM_STEPS = 5


@dataclass(frozen=True)
class ArmCost:
    """One arm: runs missing, CPU seconds of one."""

    arm: str
    num_missing: int
    cpu_s_per_run: float


@dataclass(frozen=True)
class StudyCost:
    """A study: runs in all, finished, missing, CPU seconds of the missing ones."""

    study: str
    num_arms: int
    num_seeds: int
    num_runs: int
    num_finished: int
    num_missing: int
    cpu_s: float
    arms: Sequence[ArmCost]


def estimate_cost(study: Study, runs_dir: Path) -> StudyCost:
    """Say what ``run_study`` would do; nothing is written."""
    runs = plan(study, runs_dir)
    arms = [_arm_cost(arm, [run for run in runs if run.config == config]) for arm, config in study.arms.items()]
    num_missing = sum(arm.num_missing for arm in arms)
    cpu_s = sum(arm.num_missing * arm.cpu_s_per_run for arm in arms)
    num_finished = len(runs) - num_missing
    return StudyCost(study.name, len(arms), len(study.seeds), len(runs), num_finished, num_missing, cpu_s, arms)


def _arm_cost(arm: str, runs: Sequence[PlannedRun]) -> ArmCost:
    found = [Run(run.folder, run.seed).environment.get("cpu_s") for run in runs if run.is_finished]
    known = [seconds for seconds in found if seconds is not None]
    cpu_s = statistics.median(known) if known else _measured(runs[0].config, runs[0].seed)
    return ArmCost(arm, len(runs) - sum(run.is_finished for run in runs), cpu_s)


def _measured(config: RunConfig, seed: int) -> float:
    """Time a few steps and one recorded row, in memory."""
    started = time.process_time()
    with torch.random.fork_rng(devices=[]):
        training, _ = build_training(config, seed)
        built = time.process_time()
        num_steps = min(NUM_STEPS, config.total_steps)
        outcome = train(training, num_steps, config.total_steps + 1, MemoryRecorder())
    row_s = (time.process_time() - built - outcome.cpu_s) / (2 if num_steps else 1)
    step_s = outcome.cpu_s_per_step or 0.0
    num_rows = 1 + config.total_steps // config.every_steps
    return (built - started) + config.total_steps * step_s + num_rows * row_s
