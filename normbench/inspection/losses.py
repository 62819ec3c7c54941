"""Computes the loss that is minimised and the losses and scores that are read, for each kind of task."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's idiom

from normbench.any_module.restore import leaving_unchanged
from normbench.datasets.base import IGNORED, OF_NUMBERS, Split, Task
from normbench.errors import SettingError
from normbench.inspection.class_scores import BALANCED, balanced_accuracy
from normbench.inspection.mask_scores import constant_overlaps, pixel_loss
from normbench.inspection.split_scores import new_scores, score
from normbench.random_streams import seeded_globally, stream
from normbench.study.constant_output import constant_output
from normbench.study.own_functions import NOTHING_OWN, OwnFunctions, OwnMetric

LossFunction = Callable[[Tensor, Tensor | None], Tensor]

EVALUATION_BATCH = 500
MAX_NUMBERS = 2**21
"""Most numbers of images that are read at once, as a network holds many more for each: 42 images of 3x128x128."""


def loss_function(task: Task, seed: int) -> LossFunction:
    """Return the loss of a task: mean squared error, cross-entropy, or a random direction's signal.

    ``signal`` sends N(0, 1) backward from the outputs, whatever they are, so that what arrives at the first
    layer speaks of the layers between and of nothing else.
    """
    if task == "signal":
        return lambda output, _: (output * _direction(output, seed)).sum() / output.shape[0]
    losses = {"classification": F.cross_entropy, "segmentation": pixel_loss} | dict.fromkeys(OF_NUMBERS, F.mse_loss)
    return losses[task]  # type: ignore[return-value]


def losses_of_members(task: Task) -> Callable[[Tensor, Tensor], Tensor] | None:
    """Return what the losses of several networks are the means of: (S, N, *), targets (S, N, *) -> (S, M).

    None where it is not known.
    """
    losses = {"classification": _cross_entropies} | dict.fromkeys(OF_NUMBERS, _squared_errors)
    return losses.get(task)


def _squared_errors(output: Tensor, targets: Tensor) -> Tensor:
    return F.mse_loss(output, targets, reduction="none").flatten(1)


def _cross_entropies(output: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(output.flatten(0, 1), targets.flatten(), reduction="none").view(targets.shape)


def _direction(output: Tensor, seed: int) -> Tensor:
    return torch.randn(output.shape, generator=stream(seed, "data", "direction")).to(output.device)


def evaluate(
    model: nn.Module, split: Split, task: Task, own: OwnFunctions = NOTHING_OWN, *, is_finite: bool = False
) -> dict[str, float]:
    """Return the quantities of a task over a whole split, in evaluation mode: a loss, and shares from 0 to 1."""
    if split.y is None:
        return {}
    scores, start = new_scores(task, own, is_finite=is_finite), 0
    with torch.no_grad(), evaluating(model):
        for x in evaluation_batches(split.x):
            scores.add(model(x), split.y[start : start + len(x)])
            start += len(x)
    return scores.result()


def predict(model: nn.Module, x: Tensor) -> Tensor:
    """Return the outputs for all samples in evaluation mode; the model's mode is put back."""
    with torch.no_grad(), evaluating(model):
        return torch.cat([model(batch) for batch in evaluation_batches(x)])


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a model into evaluation mode inside the block."""
    if not any(module.training for module in model.modules()):  # as inside another such block
        yield
        return
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


def evaluation_batches(x: Tensor) -> Iterator[Tensor]:
    """Cut samples into batches; a last one alone joins those before, as a norm may take the batch's statistics here."""
    size = samples_at_once(x)
    starts = list(range(0, len(x), size))
    if len(starts) > 1 and starts[-1] == len(x) - 1:
        starts.pop()
    for start, end in zip(starts, [*starts[1:], len(x)], strict=True):
        yield x[start:end]


def samples_at_once(x: Tensor) -> int:
    """Return how many samples such as these, (N, *), are read at once."""
    return EVALUATION_BATCH if x.dim() < 4 else max(2, min(EVALUATION_BATCH, MAX_NUMBERS // prod(x.shape[1:])))


def output_means(model: nn.Module, x: Tensor) -> dict[str, float]:
    """Return the mean output in training and in evaluation mode, which is read where there is no target."""
    with torch.no_grad(), leaving_unchanged(model, parameters_change=False):
        training = model(x).double().mean().item()
    return {
        "output_mean_training": training,
        "output_mean_evaluation": predict(model, x).double().mean().item(),
    }


def constant_predictor(
    train: Split, split: Split, task: Task, output_shape: tuple[int, ...] = (), own: OwnFunctions = NOTHING_OWN
) -> dict[str, float]:
    """Return the quantities on a split of the best constant output, as which a diverged run counts.

    Args:
        train: The training set, which decides what is best.
        split: What is read.
        task: Decides the quantities.
        output_shape: Of one sample; it holds the number of classes, of which these splits may lack some.
        own: The user's own loss, of which the best constant output is not known, and metric.
    """
    if train.y is None or split.y is None:
        return {}
    found = _constant_of_task(train.y, split.y, task, output_shape[0] if output_shape else 0)
    if own.loss:
        del found["loss"]
    return found | (_own_constant(train, split, task, output_shape, own.metric) if own.metric else {})


def _constant_of_task(train: Tensor, targets: Tensor, task: Task, num_classes: int) -> dict[str, float]:
    if task in OF_NUMBERS:
        return score(train.mean(0).expand_as(targets), targets, task)
    known, counted = (y[y != IGNORED] if task == "segmentation" else y for y in (train, targets))
    shares = torch.bincount(known, minlength=max(num_classes, int(counted.max()) + 1)).double() / len(known)
    loss = -shares.clamp_min(1 / len(known)).log()[counted].mean().item()
    said = shares.argmax().expand_as(counted)
    found = {"loss": loss, "accuracy": (said == counted).double().mean().item()}
    if task == "segmentation":
        return found | _best_overlaps(train, targets, len(shares))
    return found | {BALANCED: balanced_accuracy(said, counted)}


def _best_overlaps(train: Tensor, masks: Tensor, num_classes: int) -> dict[str, float]:
    """Return Dice and IoU of one class in all pixels, that with the highest on the training set."""
    on_masks = constant_overlaps(masks, num_classes)
    known = constant_overlaps(train, num_classes).items()
    return {name: on_masks[name][max(range(num_classes), key=of_class.__getitem__)] for name, of_class in known}


def _own_constant(
    train: Split, split: Split, task: Task, output_shape: tuple[int, ...], metric: OwnMetric
) -> dict[str, float]:
    """Return the user's own metric of the best constant output; nothing where it takes none, or is not finite."""
    assert split.y is not None
    try:
        with torch.no_grad(), seeded_globally(0):
            value = metric(constant_output(train, len(split), task, output_shape).clone(), split.y)
    except SettingError:
        return {}
    return {metric.name: value} if math.isfinite(value) else {}
