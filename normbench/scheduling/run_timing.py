"""Measures what a run costs, on a few of its steps: data, network, a step, a recorded row, the last recording."""

import math
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from normbench.any_module.plain_execution import without_compiled_code
from normbench.scheduling.few_passes import few_passes
from normbench.study.config import RunConfig
from normbench.study.data import dataset_on
from normbench.training.experiment import OpenRun, making_runs
from normbench.training.loop import train
from normbench.training.recorders.memory import Recorders
from normbench.training.run_hooks import RunHooks
from normbench.training.training_objects import Outcome, Training, TrainingProgress

NUM_STEPS, ENOUGH_S = 20, 0.015
"""Most steps that are measured, and CPU seconds of them after which no more are; two or more anyway."""
HARMLESS_LR = 1e-9
"""Small enough that no run diverges within the steps that are measured."""


@dataclass(frozen=True)
class RunTiming:
    """CPU seconds of the parts of a run.

    Attributes:
        data_s: Drawing or reading the data of a seed, which arms share.
        build_s: Building network and optimizer, and writing the files of the whole run.
        step_s: One step.
        row_s: One recorded step, with its evaluation and its files.
        last_s: The last recording, which reads more than others where there are running statistics.
    """

    data_s: float
    build_s: float
    step_s: float
    row_s: float
    last_s: float

    def cpu_s(self, config: RunConfig, num_sharing: int = 1) -> float:
        """Return the CPU seconds of a run with the steps and recorded rows of this config.

        Args:
            config: The run's settings.
            num_sharing: Number of arms that share the data of a seed.
        """
        num_rows = math.ceil(config.total_steps / config.every_steps)
        steps_s = (config.total_steps - num_rows) * self.step_s
        return self.data_s / num_sharing + self.build_s + steps_s + num_rows * self.row_s + self.last_s


def time_run(config: RunConfig, seed: int) -> RunTiming:
    """Measure a run on a few steps; its files are written to a folder that is removed, torch's random state stays."""
    config = _harmless(config)
    with making_runs(config), TemporaryDirectory() as folder:
        started = time.process_time()
        dataset_on(config.dataset, 0 if "data" in config.fix else seed, torch.device(config.device))
        drawn = time.process_time()
        run = OpenRun(config, seed, Path(folder), "dry run", "arm", RunHooks(), config.identity(), {})
        with run, without_compiled_code():
            training, built = run.attempt.training, time.process_time()
            step_s = _time_steps(training, run.attempt.progress) if config.total_steps else 0.0
            row_s, last_s, outcome = _time_rows(run, num_rows=min(1, config.total_steps))
            ended = time.process_time()
            run.close(outcome)
        run.publish(outcome)
    return RunTiming(drawn - started, built - drawn + time.process_time() - ended, step_s, row_s, last_s)


def _harmless(config: RunConfig) -> RunConfig:
    """Return the config with a start and a learning rate from which nothing diverges; a step costs what it did."""
    optimizer = config.optimizer.model_copy(update={"lr": HARMLESS_LR})
    return config.model_copy(update={"optimizer": optimizer, "init": "default", "init_scale": 1.0})


def _time_steps(training: Training, progress: TrainingProgress) -> float:
    """Return the CPU seconds of a step, the mean of several without the first, which is slower."""
    found: list[float] = []
    while len(found) < 2 or (len(found) < NUM_STEPS and sum(found) < ENOUGH_S):
        started = time.process_time()
        train(training, progress.step + 1, 1, None, progress=progress)
        found.append(time.process_time() - started)
        if len(progress.losses) < len(found):  # it diverged all the same
            break
    return statistics.mean(found[1:] or found)


def _time_rows(run: OpenRun, *, num_rows: int) -> tuple[float, float, Outcome]:
    """Return the CPU seconds of a recorded step, 0 where none is asked for, and of the last recording, and the end."""
    training, progress = run.attempt.training, run.attempt.progress
    with few_passes(training.model, are_few=not training.measures) as passes:
        marks = [passes.clock_s()]
        outcome = train(
            training,
            progress.step + num_rows,
            1,
            Recorders([run.files, run.board]),
            progress=progress,
            between_steps=lambda _: marks.append(passes.clock_s()),
        )
        marks.append(passes.clock_s())
    return (marks[1] - marks[0]) * num_rows, marks[-1] - marks[-2], outcome
