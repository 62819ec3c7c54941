"""Reads losses of a model with running statistics in other ways: batch statistics, re-estimated, adapted."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from normbench.any_module.restore import leaving_unchanged
from normbench.datasets._batches import Batches, Sampling, samples_by_class
from normbench.datasets.base import Dataset, Split, Task
from normbench.inspection.losses import evaluate
from normbench.inspection.norm_readings import named_statistics
from normbench.inspection.reestimation import reestimate, tracking_layers
from normbench.inspection.split_scores import new_scores, quantities
from normbench.random_streams import stream
from normbench.study.own_functions import NOTHING_OWN, OwnFunctions

MAX_BATCHES, FEWEST_SAMPLES = 64, 512
"""Of one split, for each reading: 64 batches, or more where they are so small that they hold fewer samples."""


class Readings:
    """Reads losses and scores at the end of training, beside those with the running statistics as they are.

    ``batch_statistics_test_loss``: layers with running statistics take each batch's instead, everything else, dropout
    among it, is in evaluation (the noise of noisy_batch_norm stays); batches are as in training.
    ``reestimated_test_loss``: running statistics re-estimated on the training set, on batches as in training, with the
    final weights. ``adapted_test_loss``: re-estimated on the inputs of the very split that is read, shuffled batches
    whatever the sampling, since classes are not to be known. ``momentum_0.01_test_loss``: with the running statistics
    of one of batch_norm's ``extra_momenta``, or of its own momentum.
    The second and the last two are read on whole splits. Nothing about the model is different afterwards.

    Args:
        dataset: What is read; not its validation split.
        task: Decides what is read: loss, accuracy ...
        batch_size: Samples per batch, as in training.
        sampling: What a batch is drawn from, as in training.
        own: The user's own loss and metric.
    """

    def __init__(
        self, dataset: Dataset, task: Task, batch_size: int, sampling: Sampling, own: OwnFunctions = NOTHING_OWN
    ) -> None:
        self.task, self.batch_size, self.sampling, self.own = task, batch_size, sampling, own
        splits = {name: split for name, split in dataset.splits().items() if name != "validation"}
        self.splits = {name: split for name, split in splits.items() if split.y is not None}

    def __call__(self, model: nn.Module) -> dict[str, float]:
        """Return columns of metrics.csv; none for a model without running statistics."""
        if not tracking_layers(model):
            return {}
        with torch.no_grad(), leaving_unchanged(model, parameters_change=False):
            found = self._by_momentum(model)
            for name in self.splits:
                found |= self._by_statistics_of(model, name)
        return found

    def columns(self, model: nn.Module) -> list[str]:
        """Return the columns that reading this model fills."""
        if not tracking_layers(model):
            return []
        kinds = [f"{kind}_{name}" for kind in ("batch_statistics", "reestimated", "adapted") for name in self.splits]
        kinds = [kind for kind in kinds if kind != "adapted_train"] + [f"{key}_test" for key in momenta(model)]
        names = quantities(self.task, self.own.metric.name if self.own.metric else None)
        return [f"{kind}_{name}" for kind in kinds for name in names]

    def _by_momentum(self, model: nn.Module) -> dict[str, float]:
        found: dict[str, float] = {}
        remembered = {layer: named_statistics(layer) for layer in tracking_layers(model)}
        for key in momenta(model):
            for layer, named in remembered.items():
                mean, var = named[key]
                layer.running_mean.copy_(mean)
                layer.running_var.copy_(var)
            found |= self._evaluated(model, key, ["test"])
        return found

    def _by_statistics_of(self, model: nn.Module, name: str) -> dict[str, float]:
        """Return losses with the statistics of one split: the training set's serve all splits, others their own.

        Where one pass has the right batches for both, it gives the batches' statistics and their averages.
        """
        batches = self._batches(self.splits[name], self.sampling)
        found = _named(f"batch_statistics_{name}", self._reestimated(model, batches))
        if name == "train":
            return found | self._evaluated(model, "reestimated", self.splits)
        if self.sampling != "shuffled":
            self._reestimated(model, self._batches(self.splits[name], "shuffled"))
        return found | self._evaluated(model, "adapted", [name])

    def _reestimated(self, model: nn.Module, batches: Sequence[Split]) -> dict[str, float]:
        """Re-estimate the running statistics; return the losses of that pass itself, which took the batches' own."""
        if not batches:
            return {}
        scores, targets = new_scores(self.task, self.own), iter([batch.y for batch in batches if batch.y is not None])
        handle = model.register_forward_hook(lambda _model, _inputs, output: scores.add(output, next(targets)))
        try:
            reestimate(model, (batch.x for batch in batches))
        finally:
            handle.remove()
        return scores.result()

    def _evaluated(self, model: nn.Module, kind: str, names: Iterable[str]) -> dict[str, float]:
        found: dict[str, float] = {}
        for name in names:
            found |= _named(f"{kind}_{name}", evaluate(model, self.splits[name], self.task, self.own))
        return found

    def _batches(self, split: Split, sampling: Sampling) -> list[Split]:
        """Return full batches in an order that never changes, smaller ones where none is full.

        None at all where every class has a single sample: a training batch with no variance.
        """
        largest = max(map(len, samples_by_class(split))) if sampling == "by_class" else len(split)
        size = min(self.batch_size, largest)
        if size < min(self.batch_size, 2):
            return []
        batches = Batches(split, size, stream(0, "reading"), sampling).epoch()
        return batches[: max(MAX_BATCHES, FEWEST_SAMPLES // size)]


def momenta(model: nn.Module) -> list[str]:
    """Return the names of the running statistics a model carries beside its own: momentum_0.1 ..."""
    named = [named_statistics(layer) for layer in tracking_layers(model)]
    return [key for key in (named[0] if named else {}) if key != "running"]


def _named(start: str, values: dict[str, float]) -> dict[str, float]:
    return {f"{start}_{quantity}": value for quantity, value in values.items()}


def roughness(curve: Tensor) -> float:
    """Return the sum of squared second differences of a fitted curve on its even grid, (M,): smaller is smoother.

    A second difference is f(x - h) - 2 f(x) + f(x + h), not divided by h^2; a straight line has 0.
    """
    return curve.double().diff(n=2).square().sum().item()
