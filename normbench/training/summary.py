"""Collects the content of summary.json: the final numbers of a run."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from torch import nn

from normbench.datasets.base import Dataset
from normbench.inspection.losses import constant_predictor
from normbench.models.base import built_norms, weight_parameters, weighted_layers
from normbench.storage.identity import ENGINE, NUMERICS
from normbench.study.config import RunConfig
from normbench.training.training_objects import Outcome


def summary_of(
    config: RunConfig, model: nn.Module, dataset: Dataset, outcome: Outcome, metrics: Mapping[str, float]
) -> dict[str, Any]:
    """Return the content of summary.json without seed and files; equal for equal config and seed."""
    task, finite = config.dataset.task, config.dataset.finite
    constant = {name: constant_predictor(dataset.train, split, task) for name, split in dataset.splits().items()}
    return {
        "status": outcome.status,
        "step": outcome.step,
        "metrics": dict(metrics),
        "constant_predictor": {
            f"{name}_{key}": value for name, found in constant.items() for key, value in found.items()
        },
        "num_parameters": sum(p.numel() for p in model.parameters()),
        "num_norm_parameters": _num_norm_parameters(model),
        "layers": _layers(model),
        "steps_per_epoch": config.steps_per_epoch,
        "total_steps": config.total_steps,
        "finite": finite and asdict(finite),
        "num_train": len(dataset.train),
        **{f"num_{name}": len(split) for name, split in dataset.splits().items() if name != "train"},
        "decay_kind": config.optimizer.decay_kind,
        "numerics": NUMERICS,
        "engine": ENGINE,
    }


def _layers(model: nn.Module) -> list[dict[str, Any]]:
    """Return name, weight shape and whether a norm follows for each layer, from input to output."""
    return [
        {"name": name, "shape": list(weight_parameters(layer)[0].shape), "has_norm": _has_norm(layer)}
        for name, layer in weighted_layers(model).items()
    ]


def _has_norm(layer: nn.Module) -> bool:
    return not isinstance(getattr(layer, "norm", None), nn.Identity | type(None))


def _num_norm_parameters(model: nn.Module) -> int:
    return sum(p.numel() for name in built_norms(model) for p in model.get_submodule(name).parameters())
