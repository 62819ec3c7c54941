"""Computes the loss that is minimised and the losses and accuracies that are read, for each kind of task."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's idiom

from normbench.any_module.restore import leaving_unchanged
from normbench.datasets.base import Split, Task
from normbench.random_streams import stream

LossFunction = Callable[[Tensor, Tensor | None], Tensor]

EVALUATION_BATCH = 500


def loss_function(task: Task, seed: int) -> LossFunction:
    """Return the loss of a task: mean squared error, cross-entropy, or a random direction's signal.

    ``signal`` sends N(0, 1) backward from the outputs, whatever they are, so that what arrives at the first
    layer speaks of the layers between and of nothing else.
    """
    if task == "signal":
        return lambda output, _: (output * _direction(output, seed)).sum() / output.shape[0]
    loss: LossFunction = {"regression": F.mse_loss, "classification": F.cross_entropy}[task]  # type: ignore[assignment]
    return loss


def _direction(output: Tensor, seed: int) -> Tensor:
    return torch.randn(output.shape, generator=stream(seed, "data", "direction")).to(output.device)


def evaluate(model: nn.Module, split: Split, task: Task) -> dict[str, float]:
    """Return loss (and accuracy, 0 to 1, in classification) over a whole split, in evaluation mode."""
    if split.y is None:
        return {}
    return score(predict(model, split.x), split.y, task)


def score(output: Tensor, targets: Tensor, task: Task) -> dict[str, float]:
    """Return loss (and accuracy, 0 to 1, in classification) of given outputs."""
    if task == "regression":
        return {"loss": F.mse_loss(output, targets).item()}
    accuracy = (output.argmax(1) == targets).double().mean().item()
    return {"loss": F.cross_entropy(output, targets).item(), "accuracy": accuracy}


def predict(model: nn.Module, x: Tensor) -> Tensor:
    """Return the outputs for all samples in evaluation mode; the model's mode is put back."""
    was_training = model.training
    model.eval()
    with torch.no_grad():
        output = torch.cat([model(batch) for batch in _evaluation_batches(x)])
    model.train(was_training)
    return output


def _evaluation_batches(x: Tensor) -> Sequence[Tensor]:
    """Cut samples into batches; a last one alone joins those before, as a norm may take the batch's statistics here."""
    batches: tuple[Tensor, ...] = x.split(EVALUATION_BATCH)
    if len(batches) > 1 and len(batches[-1]) == 1:
        return *batches[:-2], x[-EVALUATION_BATCH - 1 :]
    return batches


def output_means(model: nn.Module, x: Tensor) -> dict[str, float]:
    """Return the mean output in training and in evaluation mode, which is read where there is no target."""
    with torch.no_grad(), leaving_unchanged(model, parameters_change=False):
        training = model(x).double().mean().item()
    return {
        "output_mean_training": training,
        "output_mean_evaluation": predict(model, x).double().mean().item(),
    }


def constant_predictor(train: Split, split: Split, task: Task) -> dict[str, float]:
    """Return loss and accuracy on a split of the best constant output, as which a diverged run counts."""
    if train.y is None or split.y is None:
        return {}
    if task == "regression":
        return {"loss": F.mse_loss(train.y.mean(0).expand_as(split.y), split.y).item()}
    shares = torch.bincount(train.y, minlength=int(split.y.max()) + 1).double() / len(train)
    loss = -shares.clamp_min(1 / len(train)).log()[split.y].mean().item()
    return {"loss": loss, "accuracy": (split.y == shares.argmax()).double().mean().item()}
