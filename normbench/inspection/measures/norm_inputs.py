"""Measures how large what comes into each norm is, as a residual network's sums are that no layer puts out."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from normbench.inspection.measures.base import RecordedStep
from normbench.inspection.norm_readings import Probes
from normbench.models.base import built_norms


@torch.no_grad()
def measure(step: RecordedStep) -> Probes:
    """Return ``norm_input_std`` of each of normbench's norms: the population std of what came in.

    Read after the step, in training mode. A norm that is called several times has the std of its first call. Where each
    norm stands before a branch, this is the sum that runs past all branches.
    """
    found: dict[str, dict[str, float]] = {}
    norms = [(name, step.model.get_submodule(name)) for name in built_norms(step.model)]
    if not norms:
        return {}
    handles = [norm.register_forward_pre_hook(_reader(name, found)) for name, norm in norms]
    try:
        step.model(step.batch.x)
    finally:
        for handle in handles:
            handle.remove()
    return found


def _reader(name: str, found: dict[str, dict[str, float]]) -> Callable[[nn.Module, tuple[Any, ...]], None]:
    def read(_norm: nn.Module, inputs: tuple[Any, ...]) -> None:
        if inputs and name not in found and inputs[0].numel():
            found[name] = {"norm_input_std": inputs[0].double().std(correction=0).item()}

    return read
