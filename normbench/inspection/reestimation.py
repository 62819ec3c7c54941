"""Re-estimates running statistics from given batches, with the weights as they are."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from normbench.any_module.random_states import is_foreign
from normbench.inspection.joined_batches import can_join, in_groups, rows_of_batches, telling_batches_apart

AVERAGES = ("running_mean", "running_var")


def reestimate(model: nn.Module, batches: Iterable[Tensor], see: Callable[[Tensor], None] | None = None) -> None:
    """Replace running means and variances by their averages over ``batches``, each weighted by its size.

    A moving average lags behind the weights and remembers few batches; these averages do neither (Wu and Johnson,
    Rethinking "Batch" in BatchNorm, 2021, https://arxiv.org/abs/2105.07576). One pass serves all layers: those with
    running statistics normalize with each batch as in training, and all others, dropout among them, are
    in evaluation. One that corrects them in training towards its running statistics (``corrects``) does not. Nothing
    else changes: parameters, modes, momenta, counts, statistics of extra momenta. A layer that
    goes by its own count of batches instead of ``momentum`` (switchable_norm's ``average: batch``) weights them alike.

    Batches of one shape pass the network many at once where that makes no difference but for rounding, as
    ``joined_batches.py`` says: small ones then cost what large ones do.

    Args:
        model: What holds the layers.
        batches: Inputs (N, *), as many per batch as in training; at least one.
        see: Gets the outputs, each batch normalized by its own statistics, of one batch or of several at once.

    Raises:
        ValueError: No batch was given, or one has a single value per channel.
    """
    layers = tracking_layers(model)
    joins = can_join(model, layers)
    groups = in_groups(batches) if joins else ([batch] for batch in batches)
    num_samples = 0
    with (
        torch.no_grad(),
        _averaging(model, layers),
        _by_batches_alone(layers),
        telling_batches_apart(layers if joins else []) as rows,
    ):
        for group in groups:
            x = group[0] if len(group) == 1 else torch.cat(group)
            num_samples += len(x)
            for layer in layers:
                layer.momentum = len(x) / num_samples  # all, for the first
            rows[:] = rows_of_batches(model, x, len(group)) if joins else []
            outputs = model(x)
            if see:
                see(outputs)
        if not num_samples:
            raise ValueError("batches: must hold one batch or more, got none. Pass the training batches.")


def tracking_layers(model: nn.Module) -> list[Any]:
    """Return the layers that update running statistics in training, each in torch's convention of ``momentum``."""
    return [module for module in model.modules() if _tracks(module)]


def _tracks(module: nn.Module) -> bool:
    if is_foreign(module) and not isinstance(module, _NormBase):  # what it does with them is its own
        return False
    return getattr(module, "running_mean", None) is not None and bool(getattr(module, "track_running_stats", True))


@contextmanager
def _averaging(model: nn.Module, layers: list[Any]) -> Iterator[None]:
    """Train the given layers' statistics inside the block; then put back all but these, or after a failure all."""
    modes = {module: module.training for module in model.modules()}
    momenta = {layer: layer.momentum for layer in layers}
    buffers = {buffer: buffer.clone() for layer in layers for buffer in layer.buffers(recurse=False)}
    averages = {layer.get_buffer(name) for layer in layers for name in AVERAGES}
    model.eval()
    for layer in layers:
        layer.training = True
        layer.reset_running_stats()
    try:
        yield
    except BaseException:
        averages = set()
        raise
    finally:
        for module, mode in modes.items():
            module.training = mode
        for layer, momentum in momenta.items():
            layer.momentum = momentum
        for buffer, before in buffers.items():
            if buffer not in averages:
                buffer.copy_(before)


@contextmanager
def _by_batches_alone(layers: list[Any]) -> Iterator[None]:
    """Keep layers that correct a batch's statistics towards the running ones from it inside the block."""
    correcting = [layer for layer in layers if getattr(layer, "corrects", False)]
    for layer in correcting:
        layer.corrects = False
    try:
        yield
    finally:
        for layer in correcting:
            layer.corrects = True
