"""Finds running statistics that activation checkpointing, which runs forward twice a step, moves twice."""

from collections.abc import Iterator
from copy import deepcopy

import torch
from torch import nn

from normbench.any_module.allocation import allocate
from normbench.findings import Finding
from normbench.inspection.checks.base import Setup
from normbench.inspection.forward_pass import NormCall
from normbench.inspection.recompute import Recomputed, checkpoint_activations, reads_running_statistics
from normbench.inspection.reestimation import tracking_layers

NUM_SAMPLES = 4


def find(setup: Setup) -> Iterator[Finding]:
    """Note norms whose running statistics two passes move as one would, warn of those that they move elsewhere."""
    if not setup.config.checkpointing:
        return
    recomputed = deepcopy(setup.network)
    checkpoint_activations(recomputed)
    for norm in setup.norms:
        is_twice = _runs_twice(recomputed, norm.name)
        if is_twice and norm.keeps_running_statistics:
            yield _finding(norm, is_right=_comes_out_the_same(norm, recomputed.get_submodule(norm.name)))


def _finding(norm: NormCall, *, is_right: bool) -> Finding:
    what = "sees every training batch twice, forward and again in backward (checkpointing: true)"
    if is_right:
        how = "The second pass moves nothing" if _reads_them(norm.layer) else "Its momentum is corrected"
        why = f"{how}, so that its running statistics are those of a run without checkpointing."
        return Finding("note", (norm.name,), what, why=why, way_out="There is nothing to do.")
    why = "Its running statistics take every batch in twice, so that evaluation is another than without checkpointing."
    return Finding("warning", (norm.name,), what, why=why, way_out="Write checkpointing: false.")


def _reads_them(norm: nn.Module) -> bool:
    return any(reads_running_statistics(layer) for layer in tracking_layers(norm))


def _runs_twice(network: nn.Module, norm: str) -> bool:
    steps = norm.split(".")
    ancestors = [network.get_submodule(".".join(steps[:end])) for end in range(1, len(steps) + 1)]
    return any(isinstance(module.forward, Recomputed) for module in ancestors)


def _comes_out_the_same(norm: NormCall, corrected: nn.Module) -> bool:
    """Compare what a fresh norm remembers of a step with what the corrected one does if it passes forward twice."""
    x = torch.randn(NUM_SAMPLES, *norm.feature_shape, generator=torch.Generator().manual_seed(0)).requires_grad_()
    once, twice = norm.spec.build(norm.feature_shape), allocate(corrected)
    vars(twice)["forward"] = Recomputed(twice)
    remembered = [_after(layer, x) for layer in (once, twice)]
    return all(torch.allclose(one, two, rtol=1e-4, atol=1e-6) for one, two in zip(*remembered, strict=True))


def _after(norm: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    """Return the running statistics of a fresh norm after it went forward and backward."""
    for module in tracking_layers(norm):
        module.reset_parameters()
    with torch.enable_grad(), torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)  # noise and exchanges are the same in both passes
        norm(x).sum().backward()
    return [getattr(layer, name) for layer in tracking_layers(norm) for name in ("running_mean", "running_var")]
