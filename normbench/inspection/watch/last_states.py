"""Reads the last hidden states of a recurrent module off its outputs, which hold the same numbers."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from normbench.any_module.tensors import named_tensors


def read_from_outputs(module: nn.Module, output: Any) -> tuple[Any, list[Tensor]]:
    """Take the last hidden states of a recurrent module of torch's from its outputs.

    ``nn.RNN``, ``nn.GRU`` and ``nn.LSTM`` put out the top layer's state at every step and, beside it, the states of all
    layers after the last step, so that a network may read the same numbers at either place. Here the latter are a copy
    of the former: the gradient then comes back to the outputs wherever they were read. Numbers do not change.

    Returns:
        What the module is to put out, and its tensors, without those copies; of any other module what it did put out.
    """
    tensors = list(named_tensors(output).values())
    if not isinstance(module, nn.RNNBase) or not isinstance(output, tuple) or len(output) != 2:
        return output, tensors
    outputs, states = output
    hidden, *memory = states if isinstance(states, tuple) else (states,)
    if not isinstance(hidden, Tensor) or not isinstance(outputs, Tensor | PackedSequence):  # a subclass's own
        return output, tensors
    copied = _last(module, outputs)
    below = hidden[: -len(copied)]  # the states of lower layers, which no output holds
    if copied.shape != hidden[-len(copied) :].shape or not torch.equal(
        copied, hidden[-len(copied) :]
    ):  # a backend that rounds the two in other ways
        return output, tensors
    joined = torch.cat([below, copied])
    return (outputs, (joined, *memory) if memory else joined), [tensors[0], below, *memory]


def _last(module: nn.RNNBase, outputs: Tensor | PackedSequence) -> Tensor:
    """Return the top layer's states after the last step of each direction: (directions, N, H), or (directions, H)."""
    ends = _packed_ends(outputs) if isinstance(outputs, PackedSequence) else _ends(module, outputs)
    size = module.proj_size or module.hidden_size
    found = [ends[0][..., :size]]
    if module.bidirectional:  # the other direction ends at the first step
        found.append(ends[1][..., size:])
    return torch.stack(found)


def _ends(module: nn.RNNBase, outputs: Tensor) -> tuple[Tensor, Tensor]:
    axis = 1 if module.batch_first and outputs.dim() == 3 else 0
    return outputs.select(axis, -1), outputs.select(axis, 0)


def _packed_ends(outputs: PackedSequence) -> tuple[Tensor, Tensor]:
    """Return the outputs (N, H) at the last and at the first step of each sequence, in the order of the batch."""
    sizes = outputs.batch_sizes
    places = torch.arange(int(sizes[0]))
    lengths = (sizes[:, None] > places).sum(0)  # the sequences lie by length, the longest first
    starts = sizes.cumsum(0) - sizes
    order = places if outputs.unsorted_indices is None else outputs.unsorted_indices.cpu()
    last, first = (starts[lengths - 1] + places)[order], places[order]
    return outputs.data[last.to(outputs.data.device)], outputs.data[first.to(outputs.data.device)]
