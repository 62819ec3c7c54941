"""train: the training loop over the objects of a run, with a recorded row every few steps."""

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from torch import Tensor, nn
from torch.optim import Optimizer

from normbench.any_module.random_states import RandomStates, random_states
from normbench.any_module.restore import leaving_unchanged
from normbench.datasets.base import Split
from normbench.inspection.measures.base import RecordedStep, take_measures
from normbench.inspection.norm_readings import merged, watching_norms
from normbench.inspection.readings import roughness
from normbench.inspection.watch.frame import Frame, grads_of, updates_of, weights_of
from normbench.inspection.watch.watch import grads_by_layer, outputs_by_layer, watching, whole
from normbench.storage.run_status import RunStatus
from normbench.training.backward import go_back
from normbench.training.training_objects import Outcome, Recorder, SliceRecorder, Training, TrainingProgress


def train(
    training: Training,
    num_steps: int,
    every_steps: int,
    recorder: Recorder | None,
    *,
    progress: TrainingProgress | None = None,
    slices: SliceRecorder | None = None,
    between_steps: Callable[[TrainingProgress], None] | None = None,
) -> Outcome:
    """Make ``num_steps`` updates; record at step 0, every ``every_steps`` and at the end.

    A loss that is not finite ends training before its step is made: status "diverged".

    Args:
        training: The objects of the run.
        num_steps: Number of updates in all.
        every_steps: Number of updates between two recorded rows.
        recorder: Gets the frame of each recorded step; None records nothing.
        progress: The progress of a checkpoint; by default the start.
        slices: Gets weights and gradients of further steps.
        between_steps: Called after each update; an exception it raises ends training.
    """
    progress = progress or TrainingProgress()
    while progress.step < num_steps:
        loss = _next_step(training, progress, every_steps, recorder, slices)
        if not math.isfinite(loss):
            return progress.outcome(RunStatus.DIVERGED)
        progress.add(loss)
        if between_steps:
            between_steps(progress)
    return finish(training, progress, recorder)


def finish(training: Training, progress: TrainingProgress, recorder: Recorder | None) -> Outcome:
    """Record what was reached after the last update, and return how training ended."""
    is_finite = recorder is None or math.isfinite(
        _record_without_update(training, progress.step, progress.losses, recorder)
    )
    return progress.outcome(RunStatus.FINISHED if is_finite else RunStatus.DIVERGED)


def _next_step(
    training: Training,
    progress: TrainingProgress,
    every_steps: int,
    recorder: Recorder | None,
    slices: SliceRecorder | None,
) -> float:
    if recorder is not None and progress.step % every_steps == 0:
        return recorded_step(training, progress, recorder)
    set_lr(training.optimizer, training.lr_of_step, progress.step)
    if slices is not None and slices.takes(progress.step):
        return _step_with_slice(training, progress, slices)
    started = time.process_time()
    loss = _step(training, training.batches.next())
    progress.cpu_s += time.process_time() - started
    progress.num_timed += 1
    return loss


def recorded_step(training: Training, progress: TrainingProgress, recorder: Recorder) -> float:
    """Make one update, record the frame of it, and return its loss; one that is not finite makes no update."""
    set_lr(training.optimizer, training.lr_of_step, progress.step)
    loss = _recorded_step(training, progress.step, progress.losses, recorder)
    progress.losses = []
    return loss


def set_lr(optimizer: Optimizer, lr_of_step: Callable[[int], float] | None, step: int) -> None:
    """Set the learning rate of a step, where not all steps have the same."""
    if lr_of_step:
        lr = lr_of_step(step)
        for group in optimizer.param_groups:
            group["lr"] = lr


def add_l1_gradient(parameters: Iterable[nn.Parameter], l1: float) -> None:
    """Add l1 * sign(w) to each gradient in place; sign(0) is 0, and that of a complex w is w / |w|."""
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.add_(parameter.detach().sgn(), alpha=l1)


def _step(training: Training, batch: Split) -> float:
    loss = _gradient(training, batch)
    if math.isfinite(loss):
        _update(training)
    return loss


def _step_with_slice(training: Training, progress: TrainingProgress, slices: SliceRecorder) -> float:
    """Make a step as any other, and record its weights and gradients, which takes no time of the step's."""
    weights = weights_of(training.model)
    started = time.process_time()
    loss = _gradient(training, training.batches.next())
    progress.cpu_s += time.process_time() - started
    grads = grads_of(training.model)
    started = time.process_time()
    if math.isfinite(loss):
        _update(training)
    progress.cpu_s += time.process_time() - started
    progress.num_timed += 1
    updates = updates_of(training.model, weights) if math.isfinite(loss) else {}
    slices.record_slice(Frame(progress.step, {}, weights, grads, {}, {}, updates=updates))
    return loss


def _gradient(training: Training, batch: Split) -> float:
    loss = training.loss(training.model(batch.x), batch.y)
    for parameter in training.parameters:  # what zero_grad does, without its bookkeeping
        parameter.grad = None
    go_back(loss)
    return loss.item()


def _update(training: Training) -> None:
    if training.penalty.strength:
        add_l1_gradient(training.penalty.parameters, training.penalty.strength)
    training.optimizer.step()


def _recorded_step(training: Training, step: int, losses: list[float], recorder: Recorder) -> float:
    metrics, curve = _read_metrics(training, losses)
    metrics |= {"lr": training.lr_of_step(step)} if training.lr_of_step else {}
    weights, batch, states = weights_of(training.model), training.batches.next(), random_states(training.model)
    with watching(training.model, whole) as watch, watching_norms(training.model) as norms:
        loss = _gradient(training, batch)
    grads, activations = grads_of(training.model), outputs_by_layer(watch.calls)
    activation_grads = grads_by_layer(watch.calls)
    frame = Frame(step, metrics, weights, grads, activations, activation_grads, curve=curve, probes=norms.probes())
    if math.isfinite(loss):
        _update(training)
        updates = updates_of(training.model, weights)
        frame = _with_measures(training, replace(frame, updates=updates), batch, states)
    recorder.record(frame)
    return loss


def _record_without_update(training: Training, step: int, losses: list[float], recorder: Recorder) -> float:
    metrics, curve = _read_metrics(training, losses)
    model, weights = training.model, weights_of(training.model)
    read, precise = training.final_read(model) if training.final_read else ({}, {})
    metrics |= read
    model.zero_grad(set_to_none=True)  # of the last step; the model is handed on without any
    unchanged = leaving_unchanged(model, parameters_change=False)
    with unchanged, watching(model, whole) as watch, watching_norms(model) as norms:
        batch, states = training.batches.next(), random_states(model)
        loss = _gradient(training, batch)
        grads, activations = grads_of(model), outputs_by_layer(watch.calls)
        activation_grads = grads_by_layer(watch.calls)
    probes = merged(norms.probes(), precise)
    frame = Frame(step, metrics, weights, grads, activations, activation_grads, curve=curve, probes=probes)
    recorder.record(_with_measures(training, frame, batch, states) if math.isfinite(loss) else frame)
    return loss


def _with_measures(training: Training, frame: Frame, batch: Split, states: RandomStates) -> Frame:
    """Return the frame with the chosen measures; a value that the frame already has is kept."""
    if not training.measures:
        return frame
    training.model.zero_grad(set_to_none=True)  # measures make their own, so that none need be copied and put back
    step = RecordedStep(
        training.model,
        training.layers,
        training.optimizer,
        training.batches,
        batch,
        training.loss,
        lambda: _gradient(training, batch),
        states,
        frame,
    )
    return replace(frame, probes=merged(frame.probes, take_measures(training.measures, step), frame.probes))


def _read_metrics(training: Training, losses: list[float]) -> tuple[dict[str, float], tuple[Tensor, Tensor] | None]:
    batch_losses = {"batch_loss_mean": math.fsum(losses) / len(losses), "batch_loss_max": max(losses)} if losses else {}
    curve = training.curve(training.model) if training.curve else None
    bends = {"roughness": roughness(curve[1])} if curve else {}
    return batch_losses | training.read(training.model) | bends, curve
