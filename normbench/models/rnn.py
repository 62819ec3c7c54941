"""Recurrent network with the norm inside the cell: plain, GRU or LSTM; padding never enters a statistic."""

import math
from collections.abc import Callable, Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from normbench.models.base import (
    Linear,
    ModelSpec,
    Network,
    Shape,
    build_norm,
    pad,
    sequence_features,
    strip_mask,
    vector_size,
    zeroed_padding,
)
from normbench.norms.base import NormSpec
from normbench.parts import MAX_SIZE
from normbench.stacking import RealRows, Stacked

Kind = Literal["plain", "gru", "lstm"]
Places = Literal["by_statistics", "input"]
State = tuple[Tensor, ...]
"""(hidden,), for an LSTM (hidden, memory); each (N, hidden_features)."""


def plain_step(from_input: Tensor, from_hidden: Tensor, _: State) -> State:
    """Return tanh(Wx + Uh)."""
    return (torch.tanh(from_input + from_hidden),)


def gru_step(from_input: Tensor, from_hidden: Tensor, state: State) -> State:
    """Return z h + (1 - z) tanh(Wx + r Uh); the reset gate r acts after the product with U, as in cuDNN."""
    (input_r, input_z, input_n), (hidden_r, hidden_z, hidden_n) = from_input.chunk(3, -1), from_hidden.chunk(3, -1)
    update = torch.sigmoid(input_z + hidden_z)
    new = torch.tanh(input_n + torch.sigmoid(input_r + hidden_r) * hidden_n)
    return (update * state[0] + (1 - update) * new,)


def lstm_step(from_input: Tensor, from_hidden: Tensor, state: State) -> State:
    """Return o tanh(c) and c = f c + i tanh(g)."""
    i, f, g, o = (from_input + from_hidden).chunk(4, -1)
    memory = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(memory), memory


STEPS: dict[Kind, Callable[[Tensor, Tensor, State], State]] = {"plain": plain_step, "gru": gru_step, "lstm": lstm_step}
NUM_PROJECTIONS: dict[Kind, int] = {"plain": 1, "gru": 3, "lstm": 4}
NUM_STATES: dict[Kind, int] = {"plain": 1, "gru": 1, "lstm": 2}


class StackedCell(Stacked):
    """The recurrent cells of several networks as one: features (S, N, T, F), mask (S, N, T) -> (S, N, hidden_features).

    What comes in is projected at padded steps too; a state stays as it is where its sequence has ended.
    """

    input: nn.Module
    hidden: nn.Module

    def __init__(self, members: Sequence["RecurrentCell"]) -> None:
        super().__init__(members)
        self.kind, self.hidden_features = members[0].kind, members[0].hidden_features

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """Step through the sequences up to the longest one's end."""
        features, mask = features.transpose(1, 2), mask.transpose(1, 2)  # steps before samples
        from_input = self.input(features.flatten(1, 2), RealRows(mask))
        lengths = mask.sum(1)
        shortest, longest = (int(length) for length in lengths.aminmax())
        left = mask.unsqueeze(-1).unbind(1)
        state = (features.new_zeros(*lengths.shape, self.hidden_features),) * NUM_STATES[self.kind]
        for step, now in enumerate(from_input.unflatten(1, mask.shape[1:]).unbind(1)[:longest]):
            new = STEPS[self.kind](now, self.hidden(state[0]), state)
            if step >= shortest:
                new = tuple(torch.where(left[step], one, before) for one, before in zip(new, state, strict=True))
            state = new
        return state[0]


class StackedRNN(Stacked):
    """Recurrent networks as one: (S, N, T, F + 1) -> (S, N, num_outputs)."""

    cell: nn.Module
    dropout: nn.Module
    output: nn.Module

    def forward(self, x: Tensor) -> Tensor:
        """Pass each member's sequences through its cell, dropout and output."""
        outputs: Tensor = self.output(self.dropout(self.cell(*zeroed_padding(x))))
        return outputs


class Projection(Linear):
    """Dense layer to all gates of a cell, which starts as in torch's own cells: by the size of the state, not fan_in.

    Weights and biases are U(-1/sqrt(hidden_features), 1/sqrt(hidden_features)), as in ``nn.RNN``, ``nn.GRU`` and
    ``nn.LSTM``; (N, in_features) -> (N, num_gates * hidden_features).
    """

    stacked_form = Linear.stacked_form

    def __init__(self, in_features: int, hidden_features: int, num_gates: int) -> None:
        self.bound = 1 / math.sqrt(hidden_features)  # before nn.Linear draws
        super().__init__(in_features, num_gates * hidden_features)

    def reset_parameters(self) -> None:
        """Draw weight and bias from torch's global generator."""
        nn.init.uniform_(self.weight, -self.bound, self.bound)
        nn.init.uniform_(self.bias, -self.bound, self.bound)


class RecurrentCell(nn.Module):
    """Run through sequences of varying length and return each one's last hidden state.

    Every step adds two projections, ``input`` (of what comes in) and ``hidden`` (of the state), and each may have a
    norm over its C = gates * hidden_features values. The norm of ``input`` sees all real steps of the batch at once,
    (M, C): "sequence-wise", one statistic per feature for batch norm. The norm of ``hidden`` sees one step of those
    sequences that have not ended. For layer norm that is all the same, but batch statistics would be taken over
    fewer and fewer samples, and over one at the tail, so ``hidden`` has a norm only if its statistics are each
    sample's own. One norm covers all gates; the memory of the LSTM is not normalized. Both projections start as those
    of torch's own cells.

    Shape:
        features: (N, L, in_features).
        mask: (N, L), True at real steps, which come first.
        output: (N, hidden_features).

    Args:
        kind: plain (tanh), gru or lstm.
        in_features: Features per step.
        hidden_features: Size of the state.
        norm: The norm of the projections.
        norm_places: by_statistics, as said above; or input, where ``hidden`` has no norm whatever its statistics.

    References:
        Hochreiter and Schmidhuber, Long Short-Term Memory, 1997.
        Cho et al., Learning Phrase Representations using RNN Encoder-Decoder, 2014. https://arxiv.org/abs/1406.1078
        Laurent et al., Batch Normalized Recurrent Neural Networks, 2015. https://arxiv.org/abs/1510.01378
        Amodei et al., Deep Speech 2, 2015 (sequence-wise batch norm). https://arxiv.org/abs/1512.02595
        Ba, Kiros and Hinton, Layer Normalization, 2016 (norms on both projections). https://arxiv.org/abs/1607.06450
    """

    stacked_form = StackedCell

    def __init__(
        self,
        kind: Kind,
        in_features: int,
        hidden_features: int,
        norm: NormSpec,
        norm_places: Places = "by_statistics",
    ) -> None:
        super().__init__()
        self.kind, self.hidden_features = kind, hidden_features
        gates = NUM_PROJECTIONS[kind]
        shape = (gates * hidden_features,)
        of_input = build_norm(norm, shape, "cell.input", per_step=True)
        each_its_own = norm.properties(shape, batch_size=2, training=True).sample_independent
        on_hidden = each_its_own and norm_places == "by_statistics"
        of_hidden = build_norm(norm, shape, "cell.hidden") if on_hidden else None
        self.input = Projection(in_features, hidden_features, gates).followed_by(of_input, activation=False)
        self.hidden = Projection(hidden_features, hidden_features, gates).followed_by(of_hidden, activation=False)

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """Step through the sequences, longest first, leaving out those that have ended."""
        order = mask.sum(1).argsort(descending=True, stable=True)
        from_input = pad(self.input(features[mask]), mask)[order]
        state = (features.new_zeros(len(features), self.hidden_features),) * NUM_STATES[self.kind]
        for step, num_left in enumerate(mask.sum(0).tolist()):
            left = tuple(part[:num_left] for part in state)
            new = STEPS[self.kind](from_input[:num_left, step], self.hidden(left[0]), left)
            state = tuple(torch.cat([now, before[num_left:]]) for now, before in zip(new, state, strict=True))
        return state[0][order.argsort()]


class RNN(Network):
    """One recurrent cell, dropout, and a dense layer on the last real hidden state.

    Shape:
        input: (N, T, F + 1); the last feature is 1 at real steps, which come first, and 0 at padding.
        output: (N, num_outputs).
    """

    stacked_form = StackedRNN

    def __init__(self, cell: RecurrentCell, num_outputs: int, dropout: float) -> None:
        super().__init__()
        self.cell = cell
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.output = Linear(cell.hidden_features, num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, num_outputs)."""
        outputs: Tensor = self.output(self.dropout(self.cell(*strip_mask(x))))
        return outputs

    def rows_per_sample(self, x: Tensor) -> Tensor:
        """Return the number of real steps of each sample, (N,)."""
        return strip_mask(x)[1].sum(1)


class RNNSpec(ModelSpec):
    """Recurrent network on padded sequences: ``cell`` is plain, gru or lstm; dropout before the output.

    The norm follows the input's projection, over all real steps of the batch; a norm whose statistics are each
    sample's own (layer_norm, group_norm ...) follows the state's projection too, but not with norm_places: input,
    where all norms stand at the same place.
    """

    takes_sequences: ClassVar[bool] = True
    name: Literal["rnn"] = "rnn"
    cell: Kind = "gru"
    """Kind of the recurrent cell: plain (tanh), gru or lstm."""
    hidden_features: int = Field(32, ge=1, le=MAX_SIZE)
    """Size of the state, in units; >= 1."""
    norm_places: Places = "by_statistics"
    """Which projections have the norm: by_statistics (the input's, and the state's as above), or input alone."""

    def build(self, input_shape: Shape, output_shape: Shape, norm: NormSpec, dropout: float) -> nn.Module:
        """Make the network; it needs sequences with a mask and puts out classes or values."""
        in_features = sequence_features(input_shape, self.name)
        cell = RecurrentCell(self.cell, in_features, self.hidden_features, norm, self.norm_places)
        return RNN(cell, vector_size(output_shape, self.name), dropout)
