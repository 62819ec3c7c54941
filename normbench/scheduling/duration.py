"""Estimates before a study how long it will take, and its --quick version, from a few steps of one of its runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from normbench.scheduling.plan import make_plan, on_device
from normbench.scheduling.quick_study import quick_study
from normbench.scheduling.run_timing import RunTiming, time_run
from normbench.scheduling.runner_up_study import missing_runner_ups
from normbench.scheduling.stack_timing import in_stack, time_stack_step
from normbench.scheduling.stacks import jobs_of_tuning
from normbench.scheduling.tuning import known_choices, missing_tuning_runs, with_choices
from normbench.storage.identity import STACKED
from normbench.study.config import RunConfig
from normbench.study.study import Study
from normbench.training.stack.stackable import SMALLEST

WORTH_A_LINE_S = 10.0
"""Who waits less need not be told beforehand."""


@dataclass(frozen=True)
class Duration:
    """How long a study will take.

    Attributes:
        num_runs: Number of runs to make, those of tuning included.
        seconds: Seconds until all are made.
        quick_s: Seconds of all runs of its ``--quick`` version; None where that makes nothing shorter.
    """

    num_runs: int
    seconds: float
    quick_s: float | None = None


def estimate_duration(
    study: Study, runs_dir: Path, num_jobs: int, *, force: bool = False, with_runner_ups: bool = False
) -> Duration | None:
    """Estimate how long a study will take; None with less than two runs to make, or where it takes few seconds.

    One run is measured for all: for a guess with what only the first pass of a process costs, then without it.

    Args:
        study: The study as it will be run.
        runs_dir: The runs folder.
        num_jobs: Number of runs made at the same time.
        force: Whether finished runs are made again.
        with_runner_ups: Whether each tuned arm is also run at its second-best values.
    """
    study, _ = on_device(study, runs_dir)
    parts = _parts_to_make(study, runs_dir, force=force, with_runner_ups=with_runner_ups)
    num_runs = sum(part.num_runs for part in parts)
    if num_runs < 2:
        return None
    for _ in range(2):
        alone = time_run(parts[0].config, study.seeds[0])
        step_s = _step_s(alone, parts, study.seeds[0])
        seconds = _seconds(alone, step_s, parts, num_jobs)
        if seconds < WORTH_A_LINE_S:
            return None
    is_quick = "--quick" in study.options
    quick = [_Part(config) for config in quick_study(study).arms.values() for _ in range(2)]
    quick_s = seconds if is_quick else _seconds(alone, step_s, quick, num_jobs)
    return Duration(num_runs, seconds, quick_s if quick_s < seconds / 2 else None)


@dataclass(frozen=True)
class _Part:
    """What is made at a time: one run, or several runs as a stack.

    Attributes:
        config: The settings of its runs.
        num_runs: Number of its runs.
        num_slots: Number of its slots, idle ones included; 1 for a run alone.
    """

    config: RunConfig
    num_runs: int = 1
    num_slots: int = 1


def _step_s(alone: RunTiming, parts: Sequence[_Part], seed: int) -> dict[int, float]:
    """Return the seconds of one step of all slots, by their number, measured with the first part's settings."""
    sizes = {part.num_slots for part in parts if part.num_slots > 1}
    return {1: alone.step_s} | {size: time_stack_step(parts[0].config, seed, size) for size in sizes}


def _seconds(alone: RunTiming, step_s: Mapping[int, float], parts: Sequence[_Part], num_jobs: int) -> float:
    total = sum(
        part.num_runs * in_stack(alone, step_s[part.num_slots], part.num_runs).cpu_s(part.config) for part in parts
    )
    return total / min(num_jobs, len(parts))


def _parts_to_make(study: Study, runs_dir: Path, *, force: bool, with_runner_ups: bool) -> list[_Part]:
    """Return the parts in which all runs are to be made, those of arms that are not tuned yet at their given values."""
    choices = known_choices(study, runs_dir)
    tuning = missing_tuning_runs(study, runs_dir)
    second = missing_runner_ups(study, choices, runs_dir) if with_runner_ups else {}
    plan = make_plan(with_choices(study, choices), runs_dir)
    done = {run.folder for run in plan.runs if run.is_finished and not force}
    later = {arm: len(study.seeds) * (arm in tuning) + second.get(arm, 0) for arm in study.arms}
    jobs = [left for job in plan.jobs if (left := job.without(done))]
    jobs += [job for runs in tuning.values() for job in jobs_of_tuning(runs)]
    return [
        *(_Part(job.runs[0].config, len(job.runs), len(job.slots)) for job in jobs),
        *(part for arm, number in later.items() for part in _parts_of_arm(study, arm, number)),
    ]


def _parts_of_arm(study: Study, arm: str, num_runs: int) -> list[_Part]:
    if study.engine != STACKED:
        return [_Part(study.arms[arm])] * num_runs
    sizes = [min(SMALLEST, num_runs - first) for first in range(0, num_runs, SMALLEST)]
    return [_Part(study.arms[arm], size, SMALLEST) for size in sizes]
