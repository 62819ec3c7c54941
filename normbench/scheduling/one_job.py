"""Makes one job: claims the folders of its runs, trains them, and returns a result for each."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from normbench.errors import RunFolderError
from normbench.scheduling.claimed_run import ClaimedRun, error_line
from normbench.scheduling.job import Job
from normbench.scheduling.planned_run import PlannedRun
from normbench.scheduling.run_result import RunOptions, RunResult
from normbench.storage.lock import RunBusy, claim_run
from normbench.storage.run_status import RunStatus
from normbench.study.data import built_once
from normbench.training.experiment import run_experiment
from normbench.training.run_hooks import RunHooks
from normbench.training.stack.experiment import run_stack
from normbench.training.stack.open_runs import Member


@dataclass(frozen=True)
class JobMaker:
    """Makes one job after another in this process; a failed run does not stop the others.

    Attributes:
        report_step: Gets the job and the number of updates made and to make, a few times a second.
        should_stop: Called after each update; if it returns true, the runs are saved and returned as interrupted.
    """

    report_step: Callable[[Job, int, int], None] = lambda *_: None
    should_stop: Callable[[], bool] = lambda: False

    def make(self, job: Job, options: RunOptions) -> list[RunResult]:
        """Claim the runs of a job, train them and return the result of each; an exception becomes a failed result.

        If another process makes one of them, all are given back as busy: a stack is made whole.
        """
        with ExitStack() as held:
            claimed, results = self._claim(job, options, held)
            if any(result.status == RunStatus.BUSY for result in results):
                for one in claimed:
                    one.claim.release()
                return [RunResult(run, RunStatus.BUSY) for run in job.runs]
            return [*results, *self._train(job, claimed, options)]

    def _claim(self, job: Job, options: RunOptions, held: ExitStack) -> tuple[list[ClaimedRun], list[RunResult]]:
        """Claim the folders in their order; return what can be made, and results of the others."""
        claimed, results = [], []
        for run in job.runs:
            found = _claimed(run, options, held)
            if isinstance(found, ClaimedRun):
                claimed.append(found)
                continue
            results.append(found)
            if found.status == RunStatus.BUSY:
                break
        return claimed, results

    def _train(self, job: Job, claimed: Sequence[ClaimedRun], options: RunOptions) -> list[RunResult]:
        def report(step: int, total: int) -> None:
            self.report_step(job, step, total)

        hooks = [one.hooks(options, report, self.should_stop) for one in claimed]
        try:
            for one in claimed:
                one.run.identity.write(one.run.folder.parent)
            outcomes = _outcomes(job, claimed, hooks) if claimed else []
        except Exception as error:  # noqa: BLE001 - no failure of one job may stop the others
            outcomes = [error] * len(claimed)
        return [one.ended(outcome) for one, outcome in zip(claimed, outcomes, strict=True)]


def _claimed(run: PlannedRun, options: RunOptions, held: ExitStack) -> ClaimedRun | RunResult:
    try:
        claim = claim_run(
            run.folder, outdated=run.outdated, silent_owners=options.silent_owners, find_problem=run.problem
        )
        if claim is None:
            return RunResult(run, RunStatus.SKIPPED)
        return ClaimedRun(run, held.enter_context(claim))
    except RunBusy:
        return RunResult(run, RunStatus.BUSY)
    except RunFolderError as error:
        return RunResult(run, RunStatus.FAILED, str(error))
    except RuntimeError as error:  # the heartbeat thread could not start
        return RunResult(run, RunStatus.FAILED, error_line(error, run.folder))


def _outcomes(job: Job, claimed: Sequence[ClaimedRun], hooks: Sequence[RunHooks]) -> list[dict[str, Any] | Exception]:
    """Train what was claimed; return the summary of each run, or what ended it alone."""
    built_once.keep(len(job.slots))
    if not job.is_stack:
        (one,), (its,) = claimed, hooks
        run = one.run
        found = run_experiment(
            run.config,
            run.seed,
            run.folder,
            study=run.study,
            arm=run.arm,
            hooks=its,
            identity=run.identity,
            code=run.code,
        )
        return [found]
    members = {one.run.folder: _member(one.run, its) for one, its in zip(claimed, hooks, strict=True)}
    ended = run_stack([members.get(run.folder, run.config) if run else None for run in job.slots])
    return [outcome for outcome in ended if outcome is not None]


def _member(run: PlannedRun, hooks: RunHooks) -> Member:
    return Member(run.config, run.seed, run.folder, run.study, run.arm, run.identity, hooks)
