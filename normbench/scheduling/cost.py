"""Estimates the cost of a study: number of missing runs, and CPU seconds per run, measured on a few steps."""

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from normbench.scheduling.kept_histograms import recorded_config
from normbench.scheduling.plan import make_plan, on_device
from normbench.scheduling.planned_run import PlannedRun
from normbench.scheduling.planned_verdicts import checks_taken
from normbench.scheduling.runner_up_study import missing_runner_ups
from normbench.scheduling.stack_timing import in_stack
from normbench.scheduling.timings import Timings
from normbench.scheduling.tuning import known_choices, missing_tuning_runs, with_choices
from normbench.storage.arm_labels import tuned_label
from normbench.storage.identity import STACKED
from normbench.storage.run_folder import Run
from normbench.study.config import RunConfig
from normbench.study.study import Study
from normbench.training.stack.stackable import largest_stack, size_filled_by

MAX_SEED = 2**31


@dataclass(frozen=True)
class ArmCost:
    """The cost of one arm.

    Attributes:
        arm: The arm's label.
        num_missing: Number of missing runs, tuned ones included.
        num_missing_at_first_check: The same of the seeds up to the first check; equal to it where there are no checks.
        cpu_s_per_run: CPU seconds per run.
        num_tuning_missing: Number of missing tuning runs.
        cpu_s_per_tuning_run: CPU seconds per tuning run, the mean over the values that are tried.
        num_runner_up_missing: Number of missing runs at second-best values, with ``--tuning-sensitivity``.
    """

    arm: str
    num_missing: int
    num_missing_at_first_check: int
    cpu_s_per_run: float
    num_tuning_missing: int = 0
    cpu_s_per_tuning_run: float = 0.0
    num_runner_up_missing: int = 0

    @property
    def cpu_s(self) -> float:
        """CPU seconds of everything still to make."""
        tuning = self.num_tuning_missing * self.cpu_s_per_tuning_run
        return tuning + (self.num_missing + self.num_runner_up_missing) * self.cpu_s_per_run

    @property
    def cpu_s_to_first_check(self) -> float:
        """CPU seconds of tuning and of all runs up to the first check."""
        tuning = self.num_tuning_missing * self.cpu_s_per_tuning_run
        return tuning + self.num_missing_at_first_check * self.cpu_s_per_run


@dataclass(frozen=True)
class StudyCost:
    """The cost of a study.

    Attributes:
        study: The study's name.
        num_arms: Number of arms in the file.
        num_seeds: Number of seeds of each arm.
        num_runs: Number of runs, tuned ones included.
        num_finished: Number of runs with a result.
        num_missing: Number of runs without a result, with all tuned runs of arms that are not tuned yet.
        num_tuning_runs: Number of tuning runs still to make, if no list is widened.
        num_runner_up_runs: Number of runs still to make at second-best values, with ``--tuning-sensitivity``.
        cpu_s: CPU seconds of all these runs.
        arms: The cost of each arm in the file.
        check_after: Numbers of seeds after which checks are made, if runs are made check by check; other numbers are
            those up to the last check.
        num_missing_at_first_check: Number of runs without a result up to the first check.
        cpu_s_to_first_check: CPU seconds of these and of all tuning runs.
    """

    study: str
    num_arms: int
    num_seeds: int
    num_runs: int
    num_finished: int
    num_missing: int
    num_tuning_runs: int
    num_runner_up_runs: int
    cpu_s: float
    arms: Sequence[ArmCost]
    check_after: Sequence[int] = ()
    num_missing_at_first_check: int = 0
    cpu_s_to_first_check: float = 0.0


def estimate_cost(
    study: Study, runs_dir: Path, timings: Timings | None = None, *, with_runner_ups: bool = False
) -> StudyCost:
    """Estimate the cost of running a study.

    Args:
        study: The study as it will be run.
        runs_dir: The runs folder; nothing is written there.
        timings: What runs cost; what is not known of it is measured and added.
        with_runner_ups: Whether each tuned arm is also run at its second-best values.
    """
    study, _ = on_device(study, runs_dir)
    choices = known_choices(study, runs_dir)
    plan = make_plan(with_choices(study, choices), runs_dir)
    second = missing_runner_ups(study, choices, runs_dir) if with_runner_ups else {}
    tuning = missing_tuning_runs(study, runs_dir)
    checks = checks_taken(study, runs_dir) if study.until_decided else ()
    by_folder: dict[str, list[PlannedRun]] = {}
    for run in plan.runs:
        by_folder.setdefault(run.folder.parent.name, []).append(run)
    estimate = _Estimate(study, timings or Timings(), checks[0] if checks else MAX_SEED)
    arms = []
    for arm in study.arms:
        own = {plan.folders[name] for name in (arm, tuned_label(arm)) if name in plan.folders}
        mine = [run for folder in own for run in by_folder[folder]]
        arms.append(replace(estimate.of_arm(arm, mine, tuning.get(arm)), num_runner_up_missing=second.get(arm, 0)))
    num_unknown = len(tuning) * len(study.seeds)
    num_missing = sum(not run.is_finished for run in plan.runs) + num_unknown
    return StudyCost(
        study=study.name,
        num_arms=len(arms),
        num_seeds=len(study.seeds),
        num_runs=len(plan.runs) + num_unknown,
        num_finished=len(plan.runs) + num_unknown - num_missing,
        num_missing=num_missing,
        num_tuning_runs=sum(map(len, tuning.values())),
        num_runner_up_runs=sum(second.values()),
        cpu_s=sum(arm.cpu_s for arm in arms),
        arms=arms,
        check_after=checks,
        num_missing_at_first_check=sum(arm.num_missing_at_first_check for arm in arms),
        cpu_s_to_first_check=sum(arm.cpu_s_to_first_check for arm in arms),
    )


class _Estimate:
    """Estimates the cost of a study's arms.

    Args:
        study: The study.
        timings: What runs cost.
        first: Number of seeds up to the first check.
    """

    def __init__(self, study: Study, timings: Timings, first: int) -> None:
        self._study, self._timings, self._first = study, timings, first
        self._num_sharing = Counter(config.dataset for config in study.arms.values())

    def of_arm(self, arm: str, mine: Sequence[PlannedRun], tuning: Sequence[PlannedRun] | None) -> ArmCost:
        """Return the cost of an arm; ``tuning`` is None if the arm needs no tuning runs."""
        config, seeds = self._study.arms[arm], self._study.seeds
        missing = [*(run.seed for run in mine if not run.is_finished), *(() if tuning is None else seeds)]
        num_missing, num_first = len(missing), sum(seed < self._first for seed in missing)
        times = [Run(run.folder, run.seed).environment.get("cpu_s") for run in mine if run.is_finished]
        timed = [seconds for seconds in times if seconds is not None]
        recorded = [recorded_config(self._study, config, seed) for seed in missing or seeds[:1]]
        cpu_s = statistics.median(timed) if timed else self._cpu_s_per_run(recorded)
        if not tuning:
            return ArmCost(arm, num_missing, num_first, cpu_s)
        tuning_s = self._cpu_s_per_run([run.config for run in tuning])
        return ArmCost(arm, num_missing, num_first, cpu_s, len(tuning), tuning_s)

    def _cpu_s_per_run(self, configs: Sequence[RunConfig]) -> float:
        """Return the mean CPU seconds of runs with these configs, which are made one by one or as stacks."""
        costs = [self._cpu_s(config, len(configs)) * num_runs for config, num_runs in Counter(configs).items()]
        return sum(costs) / len(configs)

    def _cpu_s(self, config: RunConfig, num_alike: int) -> float:
        seed = self._study.seeds[0]
        timing = self._timings.of(config, seed)
        if self._study.engine == STACKED:
            num_slots = size_filled_by(num_alike, largest_stack(config))
            num_together = num_alike / math.ceil(num_alike / num_slots)
            timing = in_stack(timing, self._timings.of_stack_step(config, seed, num_slots), num_together)
        return timing.cpu_s(config, self._num_sharing[config.dataset])
