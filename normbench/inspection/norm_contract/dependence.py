"""Finds what a layer averages by changing one input at a time: how many sets of values, and over which axes."""

import warnings
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor, nn
from torch.func import functional_call, vmap

from normbench.inspection.norm_contract.measured_norm import axis_letters, seed_all

IntArray = npt.NDArray[np.int_]
STEP = 1000.0
"""What is added to an input: so much that it is the largest, for layers that look at extremes."""
LEAST = 1e-11
"""Smallest change of an output, as a share of the largest one, that is more than rounding in float64."""
MOST_AT_ONCE = 1024
"""Changed batches that are held in memory."""


@torch.no_grad()
def dependence(layer: nn.Module, x: Tensor) -> Tensor:
    """Return which outputs change with which inputs: (x.numel(), x.numel()) of bool, the inputs along the first axis.

    The inputs are changed one by one; no derivative is taken, so that detached statistics are seen too.
    """
    run, before = _outputs_of(layer, x), _outputs_of(layer, x)(torch.zeros_like(x))
    changes = STEP * torch.eye(x.numel(), dtype=x.dtype).view(x.numel(), *x.shape)
    found = (_all_outputs(run, changes) - before).abs().flatten(1)
    return found > LEAST * found.max()


def _outputs_of(layer: nn.Module, x: Tensor) -> Callable[[Tensor], Tensor]:
    """Return the output as a function of what is added to x; layer and x stay as they are, so do random numbers."""
    buffers = dict(layer.named_buffers())

    def run(change: Tensor) -> Tensor:
        seed_all(1, layer)
        copies = {name: tensor + torch.zeros_like(change.sum(), dtype=tensor.dtype) for name, tensor in buffers.items()}
        result: Tensor = functional_call(layer, copies, (x + change,))
        return result

    return run


def _all_outputs(run: Callable[[Tensor], Tensor], changes: Tensor) -> Tensor:
    """Return the outputs for each change, stacked: at once where torch can, as it can for plain operations."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "There is a performance drop")
            at_once: Tensor = vmap(run, randomness="same", chunk_size=MOST_AT_ONCE)(changes)
            return at_once
    except Exception:  # noqa: BLE001 - the layer is not the one to blame
        return torch.stack([run(change) for change in changes])


def statistics(found: Tensor, shape: tuple[int, ...]) -> tuple[int, set[str]]:
    """Return how many sets of values are normalized together, and the axes that they span; "C/G" is a part of C.

    Args:
        found: What ``dependence`` returned.
        shape: (N, C, *) of the batch.
    """
    num_sets, labels = connected_components(csr_array(found.numpy()), directed=False)
    places = zip(axis_letters(len(shape) - 1), shape, np.indices(shape).reshape(len(shape), -1), strict=True)
    spans = [_span(letter, length, _num_distinct(along, labels)) for letter, length, along in places]
    of_sets = [" ".join(filter(None, letters)) for letters in zip(*spans, strict=True)]
    together = [of_sets[label] for label in np.flatnonzero(np.bincount(labels, minlength=num_sets) > 1)]
    return len(together), set(together)


def _num_distinct(along: IntArray, labels: IntArray) -> IntArray:
    """Return how many distinct indices each set has along an axis."""
    return np.bincount(np.unique(np.stack([labels, along]), axis=1)[0])


def _span(letter: str, length: int, numbers: IntArray) -> list[str]:
    return ["" if number == 1 else letter if number == length else f"{letter}/G" for number in numbers]


def overlaps(found: Tensor) -> bool:
    """Return whether values have windows of their own: what changes with one is not what changes with another there."""
    first = found.int().argmax(dim=1)
    return not bool((found == found[first]).all())
