"""Collects the content of summary.json: the final numbers of a run."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from normbench.datasets.base import Dataset
from normbench.inspection.losses import constant_predictor
from normbench.inspection.split_scores import quantities
from normbench.inspection.watch.layer_stats import layer_of
from normbench.inspection.watch.network_layers import NetworkLayer
from normbench.inspection.watch.parameter_groups import norm_parameters
from normbench.models.base import Layer
from normbench.storage.identity import NUMERICS
from normbench.study.config import RunConfig
from normbench.study.own_functions import own_functions
from normbench.training.training_objects import Outcome, Training


def summary_of(
    config: RunConfig, training: Training, dataset: Dataset, outcome: Outcome, metrics: Mapping[str, float]
) -> dict[str, Any]:
    """Return the content of summary.json without seed, engine and files; equal for equal config and seed."""
    task, shape, own = config.dataset.task, config.dataset.output_shape, own_functions(config)
    splits, finite = dataset.splits().items(), config.dataset.finite
    names = quantities(task, config.metric.name, is_finite=finite is not None)
    constant = {name: constant_predictor(dataset.train, split, task, shape, own) for name, split in splits}
    return {
        "status": outcome.status,
        "step": outcome.step,
        "metrics": dict(metrics),
        "constant_predictor": {
            f"{name}_{key}": value for name, found in constant.items() for key, value in found.items() if key in names
        },
        "num_parameters": sum(p.numel() for p in training.model.parameters()),
        "num_norm_parameters": sum(p.numel() for p in norm_parameters(training.model)),
        "layers": [_layer(layer) for layer in training.layers],
        "steps_per_epoch": config.steps_per_epoch,
        "total_steps": config.total_steps,
        "finite": finite and asdict(finite),
        "num_train": len(dataset.train),
        **{f"num_{name}": len(split) for name, split in dataset.splits().items() if name != "train"},
        "decay_kind": config.optimizer.decay_kind,
        "numerics": NUMERICS,
    }


def _layer(layer: NetworkLayer) -> dict[str, Any]:
    """Return name, weight shape and whether a norm follows.

    Of a layer that is not normbench's own also its role, and under which name layer_stats.csv has its weight where that
    is another than its own: a recurrent layer has several.
    """
    found = {"name": layer.name, "shape": list(layer.shape), "has_norm": layer.has_norm}
    if isinstance(layer.module, Layer):
        return found
    weight = layer_of(layer.weights[0]) if layer.weights else layer.name
    return found | {"role": layer.role} | ({"weight": weight} if weight != layer.name else {})
