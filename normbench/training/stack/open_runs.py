"""OpenRuns: the folders, recorders and results of a stack's runs while they are made; what ends one ends no other."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from normbench.storage.identity import RunIdentity
from normbench.study.config import RunConfig
from normbench.training.attempt import Interrupted, checkpoint_identity
from normbench.training.changed_data import refuse_changed_data
from normbench.training.checkpoints import saved_steps
from normbench.training.experiment import OpenRun
from normbench.training.recorders.memory import Recorders
from normbench.training.run_hooks import RunHooks
from normbench.training.stack.batches import refuse_small_set
from normbench.training.stack.loop import StackedRun
from normbench.training.training_objects import Outcome


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
        hooks: Callbacks during the run; progress is reported to those of the first run, which may stop all.
    """

    config: RunConfig
    seed: int
    folder: Path
    study: str
    arm: str
    identity: RunIdentity
    hooks: RunHooks = field(default_factory=RunHooks)


Result = dict[str, Any] | Exception
"""The summary of a run, or what ended it."""


class OpenRuns:
    """The runs of a stack while they are made, by slot.

    Args:
        members: The runs by slot.
        num_slots: The number of slots, of which some may stay empty.

    Attributes:
        results: By slot the summary of each run that has ended, or what ended it; None for the others.
    """

    def __init__(self, members: Mapping[int, Member], num_slots: int) -> None:
        self.results: list[Result | None] = [None] * num_slots
        self._members, self._num_slots = members, num_slots
        self._began_cpu = time.process_time()
        self._open: dict[int, tuple[OpenRun, ExitStack]] = {}

    def open(self) -> None:
        """Build the objects of each run as they were in the newest checkpoints of one step, or else at the start."""
        self._open_from(self._common_step())
        if len({run.attempt.progress.step for run, _ in self._open.values()}) > 1:
            self.close()  # the checkpoint of one did not fit its objects, and it begins anew: so must the others
            self._open_from(0)

    def stacked(self) -> dict[int, StackedRun]:
        """Return what training needs of each open run."""
        return {
            slot: StackedRun(run.attempt.training, run.attempt.progress, Recorders([run.files, run.board]), run.board)
            for slot, (run, _) in self._open.items()
        }

    def save(self, slots: Iterable[int]) -> dict[int, Exception]:
        """Save a checkpoint of each of these runs; return what went wrong, by slot."""
        failed: dict[int, Exception] = {}
        for slot in slots:
            run, _ = self._open[slot]
            try:
                run.attempt.save(run.attempt.progress, run.files, run.board)
            except Exception as error:  # noqa: BLE001 - the other runs go on
                failed[slot] = error
        return failed

    def end(self, slot: int, how: Outcome | Exception) -> None:
        """Publish a run that has ended, or note what ended it."""
        run, recorders = self._open.pop(slot)
        if isinstance(how, Exception):
            with self._alone(slot):
                recorders.__exit__(type(how), how, how.__traceback__)
            self.results[slot] = how
            return
        cpu_s = (time.process_time() - self._began_cpu) / len(self._members)
        with self._alone(slot):
            with recorders:
                run.close(how)
            self.results[slot] = run.publish(how, cpu_s)

    def end_all(self, error: Exception) -> None:
        """Note what ended all runs that have not ended yet, whether they are open or not."""
        for slot in list(self._open):
            self.end(slot, error)
        for slot in self._left():
            self.results[slot] = error

    def close(self) -> None:
        """Close the recorders of runs that are open and will not be published by this process."""
        for _, recorders in self._open.values():
            error = Interrupted()
            recorders.__exit__(type(error), error, None)
        self._open.clear()

    def _common_step(self) -> int:
        """Return the updates made in the newest checkpoint that every run has; 0 where there is none."""
        steps = list[set[int]]()
        for slot, one in self._members.items():
            with self._alone(slot):
                identity = checkpoint_identity(one.config, one.seed, one.identity, self._place(slot))
                steps.append(set(saved_steps(one.folder, identity)))
        return max(set.intersection(*steps), default=0) if steps else 0

    def _left(self) -> list[int]:
        """Return the slots of the runs that have not ended."""
        return [slot for slot in self._members if self.results[slot] is None]

    def _open_from(self, step: int) -> None:
        for slot in self._left():
            with self._alone(slot):
                self._open[slot] = self._entered(slot, self._members[slot], step)

    def _entered(self, slot: int, member: Member, step: int) -> tuple[OpenRun, ExitStack]:
        refuse_changed_data(member.config.dataset, member.identity)
        given = member.config, member.seed, member.folder, member.study, member.arm, member.hooks, member.identity
        run = OpenRun(*given, {}, place=self._place(slot), from_step=step)
        with ExitStack() as recorders:
            recorders.enter_context(run)
            refuse_small_set(run.attempt.training.batches, member.seed)
            run.attempt.hand_over(run.files, run.board)
            return run, recorders.pop_all()

    def _place(self, slot: int) -> str:
        return f"slot {slot} of {self._num_slots}"

    @contextmanager
    def _alone(self, slot: int) -> Iterator[None]:
        """Note an error inside the block as the result of one run."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - the other runs go on
            self.results[slot] = error
