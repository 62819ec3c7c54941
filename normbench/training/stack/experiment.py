"""run_stack: trains runs that differ in seed and numbers alone as one, and writes the folder of each."""

import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import accumulate
from types import FrameType

from normbench.study.config import RunConfig
from normbench.training.attempt import REPORT_S, Interrupted
from normbench.training.experiment import making_runs
from normbench.training.stack.loop import StackedRun, train_stack
from normbench.training.stack.open_runs import Member, OpenRuns, Result
from normbench.training.stack.stack import Stack

Slot = Member | RunConfig | None
"""A run that is made; the settings of one that is not, since it has finished; or None, where no run is planned."""


def run_stack(slots: Sequence[Slot]) -> list[Result | None]:
    """Train the runs of a stack, and write all files of each into its folder.

    Unfinished attempts are continued from their newest checkpoints of one step, which were saved in the same slots;
    without these all begin anew.

    Args:
        slots: The runs by their places. Their number, the place of a run and the settings planned for all places decide
            its bits; which of the runs are made does not.

    Returns:
        By slot the run's summary, or the error that ended this run: ``Interrupted`` where a stop was requested, and
        the folder holds a checkpoint. None where no run was made.
    """
    members = {number: slot for number, slot in enumerate(slots) if isinstance(slot, Member)}
    first = next(iter(members.values()))
    with making_runs(first.config):
        stack = _OpenStack(members, _planned(slots, first.config))
        try:
            stack.train()
        except Exception as error:  # noqa: BLE001 - a stop, or what is of no run alone, such as too little memory
            stack.runs.end_all(error)
        finally:
            stack.runs.close()
        results = stack.runs.results
    for result in results:
        if isinstance(result, Exception):
            _free_memory(result)
    return results


def _free_memory(error: BaseException | None) -> None:
    """Forget the variables of all calls that have led to an error: they would keep all networks in memory."""
    while error:
        for called, _ in traceback.walk_tb(error.__traceback__):
            _forget_variables(called)
        error = error.__cause__ or error.__context__


def _forget_variables(called: FrameType | None) -> None:
    with suppress(RuntimeError):  # of a call that is not over
        while called:
            called.clear()
            called = called.f_back


def _planned(slots: Sequence[Slot], first: RunConfig) -> list[RunConfig]:
    """Return the settings of each slot: of one for which nothing is planned, those of the slot before it."""
    known = [slot.config if isinstance(slot, Member) else slot for slot in slots]
    filled: list[RunConfig] = [*accumulate(known, lambda before, own: own or before, initial=first)][1:]
    return filled


class _OpenStack:
    """The runs of a stack while they are made."""

    def __init__(self, members: Mapping[int, Member], configs: Sequence[RunConfig]) -> None:
        self.runs = OpenRuns(members, len(configs))
        self._configs = configs
        self._first = next(iter(members.values()))
        self._next_report = 0.0
        self._next_save = time.monotonic() + self._first.hooks.checkpoint_s

    def train(self) -> None:
        """Train the runs from their newest common checkpoints to their ends."""
        self.runs.open()
        runs = self.runs.stacked()
        if not runs:
            return
        trainings = [runs[slot].training if slot in runs else None for slot in range(len(self._configs))]
        stack, config = Stack(trainings, self._configs), self._first.config
        train_stack(
            stack,
            runs,
            config.total_steps,
            config.every_steps,
            ended=self.runs.end,
            between_steps=lambda left: self._between_steps(stack, left),
        )

    def _between_steps(self, stack: Stack, left: Mapping[int, StackedRun]) -> dict[int, Exception]:
        """Report and save, when it is time; return what went wrong with single runs."""
        now, failed = time.monotonic(), dict[int, Exception]()
        if now >= self._next_report:
            self._next_report = now + REPORT_S
            step = next(iter(left.values())).progress.step
            self._first.hooks.report_step(step, self._first.config.total_steps)
        stops = self._first.hooks.should_stop()
        if stops or now >= self._next_save:
            stack.optimizer.tell_members()
            failed = self.runs.save(left)
            self._next_save = time.monotonic() + self._first.hooks.checkpoint_s
        if stops:
            for slot, error in failed.items():
                self.runs.end(slot, error)
            raise Interrupted
        return failed
