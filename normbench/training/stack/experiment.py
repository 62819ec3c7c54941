"""run_stack: trains runs that differ in seed and numbers alone as one, and writes the folder of each."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from normbench.storage.identity import RunIdentity
from normbench.study.config import RunConfig
from normbench.training.attempt import REPORT_S, Interrupted, checkpoint_identity
from normbench.training.checkpoints import saved_steps
from normbench.training.experiment import OpenRun, making_runs
from normbench.training.recorders.memory import Recorders
from normbench.training.run_hooks import RunHooks
from normbench.training.stack.loop import End, StackedRun, train_stack
from normbench.training.stack.stack import Stack
from normbench.training.training_objects import Outcome, TrainingProgress


@dataclass(frozen=True)
class Member:
    """One run of a stack.

    Attributes:
        config: All settings; the device is not auto.
        seed: Seed of data, order, weights and dropout.
        folder: The run's folder.
        study: The study's name.
        arm: The arm's label.
        identity: The run's identity.
        hooks: Callbacks during the run.
    """

    config: RunConfig
    seed: int
    folder: Path
    study: str
    arm: str
    identity: RunIdentity
    hooks: RunHooks = field(default_factory=RunHooks)


Result = dict[str, Any] | Exception
"""The summary of a run, or what ended it alone."""


def run_stack(slots: Sequence[Member | None]) -> list[Result | None]:
    """Train the runs of a stack, and write all files of each into its folder.

    Unfinished attempts are continued from their newest checkpoints of one step, which were saved in the same slots;
    without these all begin anew.

    Args:
        slots: The runs by their places, which with their number decide the bits of each; None is not trained.

    Returns:
        By slot the run's summary, or the error that ended this run and no other; None where nothing was trained.

    Raises:
        Interrupted: A stop was requested; the folder of each unfinished run holds a checkpoint.
    """
    members = {slot: member for slot, member in enumerate(slots) if member is not None}
    first = next(iter(members.values()))
    with making_runs(first.config):
        return _OpenStack(members, len(slots)).train()


class _OpenStack:
    """The runs of a stack while they are made."""

    def __init__(self, members: Mapping[int, Member], num_slots: int) -> None:
        self._members, self._num_slots = members, num_slots
        self._began_cpu = time.process_time()
        self._results: list[Result | None] = [None] * num_slots
        self._open: dict[int, tuple[OpenRun, ExitStack]] = {}
        self._next_report = 0.0
        self._next_save = time.monotonic() + self._first.hooks.checkpoint_s

    @property
    def _first(self) -> Member:
        return next(iter(self._members.values()))

    def train(self) -> list[Result | None]:
        from_step = self._common_step()
        with ExitStack() as closing:
            for slot, member in self._members.items():
                self._each_alone(slot, partial(self._enter, slot, member, from_step, closing))
            if self._open:
                self._train()
        return self._results

    def _enter(self, slot: int, member: Member, from_step: int, closing: ExitStack) -> None:
        run = OpenRun(
            member.config,
            member.seed,
            member.folder,
            member.study,
            member.arm,
            member.hooks,
            member.identity,
            {},
            place=self._place(slot),
            from_step=from_step,
        )
        recorders = closing.enter_context(ExitStack())
        recorders.enter_context(run)
        run.attempt.hand_over(run.files, run.board)
        self._open[slot] = run, recorders

    def _place(self, slot: int) -> str:
        return f"slot {slot} of {self._num_slots}"

    def _common_step(self) -> int:
        """Return the updates made in the newest checkpoint that every run has; 0 where there is none."""
        steps = [
            set(saved_steps(one.folder, checkpoint_identity(one.config, one.seed, one.identity, self._place(slot))))
            for slot, one in self._members.items()
        ]
        return max(set.intersection(*steps), default=0)

    def _train(self) -> None:
        runs = {
            slot: StackedRun(run.attempt.training, run.attempt.progress, Recorders([run.files, run.board]))
            for slot, (run, _) in self._open.items()
        }
        first = self._first.config
        configs = [self._members[slot].config if slot in self._members else first for slot in range(self._num_slots)]
        stack = Stack([runs[slot].training if slot in runs else None for slot in range(self._num_slots)], configs)
        train_stack(
            stack,
            runs,
            first.total_steps,
            first.every_steps,
            ended=self._end,
            between_steps=lambda left, end: self._between_steps(stack, left, end),
        )

    def _between_steps(self, stack: Stack, left: Mapping[int, StackedRun], end: End) -> None:
        now, step = time.monotonic(), next(iter(left.values())).progress.step
        if now >= self._next_report:
            self._next_report = now + REPORT_S
            for slot in left:
                self._members[slot].hooks.report_step(step, self._first.config.total_steps)
        stops = self._first.hooks.should_stop()
        if stops or now >= self._next_save:
            stack.optimizer.tell_members()
            for slot, stacked in list(left.items()):
                self._save(slot, stacked.progress, end)
            self._next_save = time.monotonic() + self._first.hooks.checkpoint_s
        if stops:
            raise Interrupted

    def _save(self, slot: int, progress: TrainingProgress, end: End) -> None:
        run, _ = self._open[slot]
        try:
            run.attempt.save(progress, run.files, run.board)
        except Exception as error:  # noqa: BLE001 - its folder may be gone, while the other runs go on
            end(slot, error)

    def _end(self, slot: int, how: Outcome | Exception) -> None:
        """Publish a run that has ended, or note what ended it."""
        run, recorders = self._open.pop(slot)
        if isinstance(how, Exception):
            self._each_alone(slot, recorders.close)
            self._results[slot] = how
            return
        cpu_s = (time.process_time() - self._began_cpu) / len(self._members)
        self._each_alone(slot, lambda: self._publish(slot, run, recorders, how, cpu_s))

    def _publish(self, slot: int, run: OpenRun, recorders: ExitStack, outcome: Outcome, cpu_s: float) -> None:
        run.close(outcome)
        recorders.close()
        self._results[slot] = run.publish(outcome, cpu_s)

    def _each_alone(self, slot: int, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - the other runs go on
            self._results[slot] = error
