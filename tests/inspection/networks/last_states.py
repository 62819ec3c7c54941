"""What torch's recurrent modules put out: the last states of the top layer are steps of the output, read twice."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence


def is_recurrent(module: nn.Module) -> bool:
    """Return whether a module is one of torch's RNN, GRU and LSTM."""
    return isinstance(module, nn.RNNBase)


def joined_states(
    module: nn.RNNBase, output: tuple[Any, Any], gradient: Callable[[Tensor], Tensor | None]
) -> list[tuple[Tensor, Tensor | None]]:
    """Return the steps with the whole gradient at them, then cells and lower layers' states that get a gradient.

    Args:
        module: The recurrent module.
        output: What it put out: all steps, and the last states.
        gradient: Returns the gradient at one of its tensors.
    """
    steps, state = output
    hidden, *cells = state if isinstance(state, tuple) else (state,)
    values = steps.data if isinstance(steps, PackedSequence) else steps
    directions = 2 if module.bidirectional else 1
    at_steps, at_hidden = gradient(values), gradient(hidden)
    if at_hidden is not None:
        at_steps = torch.zeros_like(values) if at_steps is None else at_steps.clone()
        for direction, grad in enumerate(at_hidden[-directions:]):
            _add_at_last_step(module, steps, at_steps, grad, direction)
    lower = [] if at_hidden is None else [(hidden[:-directions], at_hidden[:-directions])]
    further = lower + [(cell, gradient(cell)) for cell in cells]
    return [(values, at_steps)] + [(one, grad) for one, grad in further if grad is not None and grad.any()]


def _add_at_last_step(module: nn.RNNBase, steps: Any, at_steps: Tensor, grad: Tensor, direction: int) -> None:
    """Add the gradient at one direction's last states, (N, H), where its features stand in the last valid step."""
    width = grad.shape[1]
    features = slice(direction * width, (direction + 1) * width)
    if isinstance(steps, PackedSequence):
        at_steps[_rows_of_last_steps(steps, direction), features] += grad
        return
    samples_first = at_steps if module.batch_first else at_steps.transpose(0, 1)
    samples_first[:, 0 if direction else -1, features] += grad


def _rows_of_last_steps(packed: PackedSequence, direction: int) -> Tensor:
    """Return in which row of the packed steps each sample's last one stands; backward that is its first."""
    numbered = packed._replace(data=torch.arange(len(packed.data)))
    rows, lengths = pad_packed_sequence(numbered, batch_first=True)
    return rows[:, 0] if direction else rows[torch.arange(len(lengths)), lengths - 1]
