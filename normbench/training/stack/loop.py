"""Trains the runs of a stack: steps of all at once, and between them the recorded rows of each, as if it were alone."""

import math
import time
from collections.abc import Callable, Mapping

from torch import Tensor

from normbench.inspection.watch.frame import Frame, updates_of, weights_of
from normbench.storage.run_status import RunStatus
from normbench.training.loop import finish, recorded_step
from normbench.training.stack.stack import Stack
from normbench.training.training_objects import Outcome, Recorder, SliceRecorder, Training, TrainingProgress


class StackedRun:
    """One run of a stack while it is trained.

    Attributes:
        training: Its objects, which share their numbers with the stack.
        progress: How far it is.
        recorder: Gets its frames.
        slices: Gets weights and gradients of further steps.
    """

    def __init__(
        self,
        training: Training,
        progress: TrainingProgress,
        recorder: Recorder,
        slices: SliceRecorder | None = None,
    ) -> None:
        self.training, self.progress, self.recorder, self.slices = training, progress, recorder, slices


def train_stack(
    stack: Stack,
    runs: Mapping[int, StackedRun],
    num_steps: int,
    every_steps: int,
    *,
    ended: Callable[[int, Outcome | Exception], None],
    between_steps: Callable[[Mapping[int, StackedRun]], Mapping[int, Exception]] = lambda _: {},
) -> None:
    """Make ``num_steps`` updates of each run; record each at step 0, every ``every_steps`` and at the end.

    A run whose loss is not finite ends before its step is made: status "diverged". The others go on, and no bit of
    theirs depends on it.

    Args:
        stack: The networks as one.
        runs: The runs by slot, all with equally many updates made.
        num_steps: Number of updates in all.
        every_steps: Number of updates between two recorded rows.
        ended: Gets the slot of each run that has ended, and how: by its training, or by an error of its recorder's.
        between_steps: Called after each update with the runs that are left; returns what has ended single ones, by
            slot. An exception it raises ends training.
    """
    left = dict(runs)

    def end(slot: int, how: Outcome | Exception) -> None:
        del left[slot]
        ended(slot, how)

    while left and _step_of(left) < num_steps:
        losses = _next_step(stack, left, every_steps, end)
        for slot, loss in losses.items():
            progress = left[slot].progress
            progress.add(loss) if math.isfinite(loss) else end(slot, progress.outcome(RunStatus.DIVERGED))
        for slot, error in (between_steps(left) if left else {}).items():
            end(slot, error)
    stack.optimizer.tell_members()
    for slot, run in list(left.items()):
        end(slot, _outcome_or_error(run))


def _step_of(runs: Mapping[int, StackedRun]) -> int:
    return next(iter(runs.values())).progress.step


def _next_step(
    stack: Stack, runs: Mapping[int, StackedRun], every_steps: int, end: Callable[[int, Outcome | Exception], None]
) -> dict[int, float]:
    """Make the next step of each run and return the losses by slot; a run that could not be recorded has ended."""
    step = _step_of(runs)
    if step % every_steps == 0:
        return _recorded_step(stack, runs, end)
    wanting = [slot for slot, run in runs.items() if run.slices is not None and run.slices.takes(step)]
    weights = {slot: weights_of(runs[slot].training.model) for slot in wanting}
    started = time.process_time()
    losses = stack.gradient()
    grads = {slot: stack.grads_of(slot) for slot in wanting}
    stack.optimizer.step(step)
    cpu_s = (time.process_time() - started) / len(runs)
    for run in runs.values():
        run.progress.cpu_s += cpu_s
        run.progress.num_timed += 1
    for slot in wanting:
        try:
            _record_slice(runs[slot], step, weights[slot], grads[slot], losses[slot])
        except Exception as error:  # noqa: BLE001 - the other runs go on
            end(slot, error)
    return {slot: losses[slot] for slot in runs}


def _record_slice(
    run: StackedRun, step: int, weights: dict[str, Tensor], grads: dict[str, Tensor], loss: float
) -> None:
    assert run.slices is not None, "it wants the step"
    updates = updates_of(run.training.model, weights) if math.isfinite(loss) else {}
    run.slices.record_slice(Frame(step, {}, weights, grads, {}, {}, updates=updates))


def _recorded_step(
    stack: Stack, runs: Mapping[int, StackedRun], end: Callable[[int, Outcome | Exception], None]
) -> dict[int, float]:
    losses: dict[int, float] = {}
    stack.optimizer.tell_members()
    for slot, run in list(runs.items()):
        try:
            losses[slot] = recorded_step(run.training, run.progress, run.recorder)
        except Exception as error:  # noqa: BLE001 - the other runs go on
            end(slot, error)
    stack.optimizer.ask_members([slot for slot, loss in losses.items() if math.isfinite(loss)])
    return losses


def _outcome_or_error(run: StackedRun) -> Outcome | Exception:
    try:
        return finish(run.training, run.progress, run.recorder)
    except Exception as error:  # noqa: BLE001 - the other runs go on
        return error
