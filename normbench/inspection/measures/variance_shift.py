"""Measures the variance before each norm in training over that in evaluation, which dropout raises."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from normbench.inspection.measures.base import RecordedStep
from normbench.inspection.norm_readings import Probes
from normbench.inspection.reestimation import tracking_layers

NUM_SAMPLES = 64
"""Fewer than other measures read: both variances are of the same samples, so that most of the noise is in both."""


def measure(step: RecordedStep) -> Probes:
    """Return ``dropout_variance_ratio`` of each layer with running statistics: variance with dropout over that without.

    Of the layer's input, by channel, geometric mean over channels; the running variance remembers the first and is
    used on the second. All norms take the batches' statistics both times, so that the ratio is owed to dropout between
    this norm and the one before alone. Nothing in a network without dropout, or without running statistics.

    References:
        Li, Chen, Hu and Yang, Understanding the Disharmony between Dropout and Batch Normalization by Variance Shift,
        2018. https://arxiv.org/abs/1801.05134
    """
    tracking = set(tracking_layers(step.model))
    layers = {name: module for name, module in step.model.named_modules() if module in tracking}
    if not layers or not any(isinstance(module, nn.Dropout) and module.p for module in step.model.modules()):
        return {}
    with_dropout = _variances(step, layers)
    for module in step.model.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    without = _variances(step, layers)
    return {name: _ratio(with_dropout[name], without[name], layers[name]) for name in with_dropout}


def _variances(step: RecordedStep, layers: dict[str, nn.Module]) -> dict[str, Tensor]:
    """Return the variance (C,) of each layer's input, the mean over batches."""
    found: dict[str, list[Tensor]] = {name: [] for name in layers}
    handles = [layer.register_forward_pre_hook(_keeper(found[name])) for name, layer in layers.items()]
    try:
        with torch.no_grad():
            for batch in step.sample[: max(1, NUM_SAMPLES // step.batches.batch_size)]:
                step.model(batch.x)
    finally:
        for handle in handles:
            handle.remove()
    return {name: torch.stack(variances).mean(0) for name, variances in found.items() if variances}


def _keeper(found: list[Tensor]) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
    def keep(_layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if inputs:
            found.append(inputs[0].double().transpose(0, 1).flatten(1).var(1, correction=0))

    return keep


def _ratio(with_dropout: Tensor, without: Tensor, layer: Any) -> dict[str, float]:
    ratios = (with_dropout + layer.eps) / (without + layer.eps)
    return {"dropout_variance_ratio": ratios.log().mean().exp().item()}
