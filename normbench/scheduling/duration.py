"""Estimates before a study how long it will take, and its --quick version, from a few steps of one of its runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from normbench.scheduling.plan import make_plan, on_device
from normbench.scheduling.quick_study import quick_study
from normbench.scheduling.run_timing import RunTiming, time_run
from normbench.scheduling.runner_up_study import missing_runner_ups
from normbench.scheduling.tuning import known_choices, missing_tuning_runs, with_choices
from normbench.study.config import RunConfig
from normbench.study.study import Study

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
    configs = _configs_to_run(study, runs_dir, force=force, with_runner_ups=with_runner_ups)
    if len(configs) < 2:
        return None
    for _ in range(2):
        timing = time_run(configs[0], study.seeds[0])
        seconds = _seconds(timing, configs, num_jobs)
        if seconds < WORTH_A_LINE_S:
            return None
    is_quick = "--quick" in study.options
    quick_s = seconds if is_quick else _seconds(timing, 2 * list(quick_study(study).arms.values()), num_jobs)
    return Duration(len(configs), seconds, quick_s if quick_s < seconds / 2 else None)


def _seconds(timing: RunTiming, configs: Sequence[RunConfig], num_jobs: int) -> float:
    return sum(map(timing.cpu_s, configs)) / min(num_jobs, len(configs))


def _configs_to_run(study: Study, runs_dir: Path, *, force: bool, with_runner_ups: bool) -> list[RunConfig]:
    """Return the config of every run that is to be made, those of arms that are not tuned yet at their given values."""
    choices = known_choices(study, runs_dir)
    tuning = missing_tuning_runs(study, runs_dir)
    second = missing_runner_ups(study, choices, runs_dir) if with_runner_ups else {}
    plan = make_plan(with_choices(study, choices), runs_dir)
    later = {arm: len(study.seeds) * (arm in tuning) + second.get(arm, 0) for arm in study.arms}
    return [
        *(run.config for run in plan.runs if force or not run.is_finished),
        *(run.config for runs in tuning.values() for run in runs),
        *(study.arms[arm] for arm, number in later.items() for _ in range(number)),
    ]
