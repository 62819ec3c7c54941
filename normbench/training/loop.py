"""train: the training loop over ready-made objects; knows no config."""

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from torch import Tensor, nn

from normbench.datasets.base import Split
from normbench.inspection.measures.base import RecordedStep, take_measures
from normbench.inspection.norm_readings import merged, precise_gaps, watching_norms
from normbench.inspection.readings import roughness
from normbench.inspection.watch.frame import Frame, grads_of, weights_of
from normbench.inspection.watch.random_states import random_states
from normbench.inspection.watch.restore import leaving_unchanged
from normbench.inspection.watch.watch import grads_by_layer, outputs_by_layer, watching, whole
from normbench.storage.run_status import RunStatus
from normbench.training.training_objects import Outcome, Recorder, Training, TrainingProgress


def train(
    parts: Training,
    num_steps: int,
    every_steps: int,
    recorder: Recorder | None,
    *,
    progress: TrainingProgress | None = None,
    between_steps: Callable[[TrainingProgress], None] | None = None,
) -> Outcome:
    """Make ``num_steps`` updates; record at step 0, every ``every_steps`` and at the end.

    A loss that is not finite ends training before its step is made: status "diverged".

    Args:
        parts: The objects to train.
        num_steps: Updates in all.
        every_steps: Updates between two recorded rows.
        recorder: Takes the frame of each recorded step; nothing is watched without one.
        progress: Where to go on from; the start if not given.
        between_steps: Called after each update; what it raises ends training.
    """
    progress = progress or TrainingProgress()
    while progress.step < num_steps:
        loss = _next_step(parts, progress, every_steps, recorder)
        if not math.isfinite(loss):
            return Outcome(RunStatus.DIVERGED, progress.step, progress.cpu_s, progress.num_timed)
        progress.losses.append(loss)
        progress.step += 1
        if between_steps:
            between_steps(progress)
    status = RunStatus.FINISHED
    if recorder is not None and not math.isfinite(_look_without_a_step(parts, num_steps, progress.losses, recorder)):
        status = RunStatus.DIVERGED
    return Outcome(status, num_steps, progress.cpu_s, progress.num_timed)


def _next_step(parts: Training, progress: TrainingProgress, every_steps: int, recorder: Recorder | None) -> float:
    if recorder is not None and progress.step % every_steps == 0:
        loss = _watched_step(parts, progress.step, progress.losses, recorder)
        progress.losses = []
        return loss
    started = time.process_time()
    loss = _step(parts, parts.batches.next())
    progress.cpu_s += time.process_time() - started
    progress.num_timed += 1
    return loss


def add_l1_gradient(parameters: Iterable[nn.Parameter], l1: float) -> None:
    """Add l1 * sign(w) to each gradient in place; sign(0) is 0."""
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.add_(parameter.detach().sign(), alpha=l1)


def _step(parts: Training, batch: Split) -> float:
    loss = _gradient(parts, batch)
    if math.isfinite(loss):
        _update(parts)
    return loss


def _gradient(parts: Training, batch: Split) -> float:
    loss = parts.loss(parts.model(batch.x), batch.y)
    for parameter in parts.parameters:  # what zero_grad does, without its bookkeeping
        parameter.grad = None
    loss.backward()
    return loss.item()


def _update(parts: Training) -> None:
    if parts.penalty.strength:
        add_l1_gradient(parts.penalty.parameters, parts.penalty.strength)
    parts.optimizer.step()


def _watched_step(parts: Training, step: int, losses: list[float], recorder: Recorder) -> float:
    metrics, curve = _read(parts, losses)
    weights, batch, states = weights_of(parts.model), parts.batches.next(), random_states()
    with watching(parts.model, whole) as watch, watching_norms(parts.model) as norms:
        loss = _gradient(parts, batch)
    grads, activations = grads_of(parts.model), outputs_by_layer(watch.calls)
    activation_grads = grads_by_layer(watch.calls)
    frame = Frame(step, metrics, weights, grads, activations, activation_grads, curve=curve, probes=norms.probes())
    if math.isfinite(loss):
        _update(parts)
        updates = {name: after - weights[name] for name, after in weights_of(parts.model).items()}
        frame = _measured(parts, replace(frame, updates=updates), batch, states)
    recorder.record(frame)
    return loss


def _look_without_a_step(parts: Training, step: int, losses: list[float], recorder: Recorder) -> float:
    metrics, curve = _read(parts, losses)
    metrics |= parts.final_read(parts.model) if parts.final_read else {}
    model, weights = parts.model, weights_of(parts.model)
    precise = precise_gaps(model, parts.batches.split.x, parts.batches.batch_size)
    model.zero_grad(set_to_none=True)  # of the last step; the model is handed on without any
    unchanged = leaving_unchanged(model, parameters_change=False)
    with unchanged, watching(model, whole) as watch, watching_norms(model) as norms:
        batch, states = parts.batches.next(), random_states()
        loss = _gradient(parts, batch)
        grads, activations = grads_of(model), outputs_by_layer(watch.calls)
        activation_grads = grads_by_layer(watch.calls)
    probes = merged(norms.probes(), precise)
    frame = Frame(step, metrics, weights, grads, activations, activation_grads, curve=curve, probes=probes)
    recorder.record(_measured(parts, frame, batch, states) if math.isfinite(loss) else frame)
    return loss


def _measured(parts: Training, frame: Frame, batch: Split, states: list[Tensor]) -> Frame:
    """Return the frame with what the chosen measures find; where both speak of one thing, what was there stays."""
    if not parts.measures:
        return frame
    parts.model.zero_grad(set_to_none=True)  # measures make their own, so that none need be copied and put back
    step = RecordedStep(
        parts.model,
        parts.optimizer,
        parts.batches,
        batch,
        parts.loss,
        lambda: _gradient(parts, batch),
        states,
        frame,
    )
    return replace(frame, probes=merged(frame.probes, take_measures(parts.measures, step), frame.probes))


def _read(parts: Training, losses: list[float]) -> tuple[dict[str, float], tuple[Tensor, Tensor] | None]:
    batch_losses = {"batch_loss_mean": math.fsum(losses) / len(losses), "batch_loss_max": max(losses)} if losses else {}
    curve = parts.curve(parts.model) if parts.curve else None
    bends = {"roughness": roughness(curve[1])} if curve else {}
    return batch_losses | parts.read(parts.model) | bends, curve
