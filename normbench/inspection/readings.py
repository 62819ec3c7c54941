"""Reads losses of a model with running statistics in other ways: batch statistics, re-estimated, adapted."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from normbench.any_module.restore import leaving_unchanged
from normbench.datasets._batches import Batches, Sampling, samples_by_class
from normbench.datasets.base import Dataset, Split, Task
from normbench.inspection.losses import evaluate
from normbench.inspection.norm_readings import (
    Probes,
    Statistics,
    gaps_to_precise,
    named_statistics,
    statistics_by_layer,
)
from normbench.inspection.reestimation import reestimate, tracking_layers
from normbench.inspection.split_scores import Scores, new_scores, quantities
from normbench.random_streams import stream
from normbench.study.own_functions import NOTHING_OWN, OwnFunctions

MAX_BATCHES, FEWEST_SAMPLES = 64, 512
"""Of a split other than the training set: 64 batches, or more where they are so small that they hold fewer samples."""


class Readings:
    """Reads losses and scores at the end of training, beside those with the running statistics as they are.

    ``batch_statistics_test_loss``: layers with running statistics take each batch's instead, everything else, dropout
    among it, is in evaluation (the noise of noisy_batch_norm stays); batches are as in training.
    ``reestimated_test_loss``: running statistics re-estimated on the training set, on batches as in training, with the
    final weights. ``adapted_test_loss``: re-estimated on the inputs of the very split that is read, shuffled batches
    whatever the sampling, since classes are not to be known. ``momentum_0.01_test_loss``: with the running statistics
    of one of batch_norm's ``extra_momenta``, or of its own momentum.
    The second and the last two are read on whole splits. Nothing about the model is different afterwards.

    One pass over the training set gives its batches' own losses, the re-estimated statistics and the precise ones, from
    which ``running_precise_mean_gap`` is counted. Only where batches are of one class do the last need another pass:
    they are of shuffled batches.

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
        self.train = dataset.train
        self.splits = {name: split for name, split in splits.items() if split.y is not None}

    def __call__(self, model: nn.Module) -> tuple[dict[str, float], Probes]:
        """Return columns of metrics.csv, and the gaps to precise statistics by layer.

        Both are empty for a model without running statistics, and the first where there is no target.
        """
        if not tracking_layers(model):
            return {}, {}
        with torch.no_grad(), leaving_unchanged(model, parameters_change=False):
            found = self._by_momentum(model)
            read, precise = self._by_training_set(model)
            found |= read
            for name in self.splits:
                found |= self._by_its_own_statistics(model, name) if name != "train" else {}
        return found, gaps_to_precise(model, precise)

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
            found |= self._evaluated(model, key, self.splits.keys() & {"test"})
        return found

    def _by_training_set(self, model: nn.Module) -> tuple[dict[str, float], dict[str, Statistics]]:
        """Return losses with the statistics of the training set, and the precise ones."""
        batches = self._batches(self.train, self.sampling, is_whole=True)
        found = _named("batch_statistics_train", self._reestimated(model, batches))
        found |= self._evaluated(model, "reestimated", self.splits)
        if self.sampling != "shuffled":
            self._reestimated(model, self._batches(self.train, "shuffled", is_whole=True))
        return found, statistics_by_layer(model)

    def _by_its_own_statistics(self, model: nn.Module, name: str) -> dict[str, float]:
        """Return losses with the statistics of the split that is read.

        Where one pass has the right batches for both, it gives the batches' statistics and their averages.
        """
        batches = self._batches(self.splits[name], self.sampling)
        found = _named(f"batch_statistics_{name}", self._reestimated(model, batches))
        if self.sampling != "shuffled":
            self._reestimated(model, self._batches(self.splits[name], "shuffled"))
        return found | self._evaluated(model, "adapted", [name])

    def _reestimated(self, model: nn.Module, batches: "_EqualBatches | None") -> dict[str, float]:
        """Re-estimate the running statistics; return the losses of that pass itself, which took the batches' own."""
        if batches is None:
            return {}
        inputs, targets = batches.samples.x.split(batches.size), batches.samples.y
        if targets is None:
            reestimate(model, inputs)
            return {}
        size = batches.size if self.own.loss else len(targets)  # a loss of the user's is of one batch
        scores = _ScoresInOrder(new_scores(self.task, self.own), targets, size)
        reestimate(model, inputs, scores.add)
        return scores.scores.result()

    def _evaluated(self, model: nn.Module, kind: str, names: Iterable[str]) -> dict[str, float]:
        found: dict[str, float] = {}
        for name in names:
            found |= _named(f"{kind}_{name}", evaluate(model, self.splits[name], self.task, self.own))
        return found

    def _batches(self, split: Split, sampling: Sampling, *, is_whole: bool = False) -> "_EqualBatches | None":
        """Return full batches in an order that never changes, smaller ones where none is full.

        None at all where every class has a single sample: a training batch with no variance.
        """
        largest = max(map(len, samples_by_class(split))) if sampling == "by_class" else len(split)
        size = min(self.batch_size, largest)
        if size < min(self.batch_size, 2):
            return None
        max_batches = None if is_whole else max(MAX_BATCHES, FEWEST_SAMPLES // size)
        return _EqualBatches(Batches(split, size, stream(0, "reading"), sampling).epoch(max_batches), size)


@dataclass(frozen=True)
class _EqualBatches:
    """Batches of ``size`` samples, one after the other."""

    samples: Split
    size: int


@dataclass
class _ScoresInOrder:
    """Adds outputs to scores as they come, each with its target.

    Attributes:
        scores: What is added to.
        targets: Of all samples, in the order in which their outputs come.
        size: Samples that are added at once, at most.
    """

    scores: Scores
    targets: Tensor
    size: int
    _num_seen: int = 0

    def add(self, outputs: Tensor) -> None:
        """Add the outputs of the next samples."""
        for output in outputs.split(self.size):
            end = self._num_seen + len(output)
            self.scores.add(output, self.targets[self._num_seen : end])
            self._num_seen = end


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
