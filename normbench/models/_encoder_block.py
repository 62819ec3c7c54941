"""EncoderBlock: attention and two dense layers, each added to its input, with norms before, after or around them."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from torch import Tensor, nn

from normbench.models._attention import QueryKeyNorm, mixed_steps
from normbench.models.base import Linear, build_norm, pad
from normbench.norms.base import NormSpec
from normbench.norms.none import NoneSpec
from normbench.stacking import RealRows, Stacked, applied

Position = Literal["pre", "post", "peri"]
BEFORE, AFTER = ("attention", "feedforward1"), ("attended", "feedforward2")
NORMED: Mapping[Position, tuple[str, ...]] = {"pre": BEFORE, "post": AFTER, "peri": (*BEFORE, *AFTER)}
"""The layers whose names the norms bear."""

FEEDFORWARD_FACTOR = 4
NO_NORM = NoneSpec()


class StackedBlock(Stacked):
    """The encoder blocks of several networks as one: (S, N * T, width) -> (S, N * T, width)."""

    attention: Any
    attended: Any
    feedforward1: Any
    feedforward2: Any

    def __init__(self, members: Sequence["EncoderBlock"]) -> None:
        super().__init__(members)
        self.num_heads, self.position = members[0].num_heads, members[0].position

    def forward(self, steps: Tensor, real: RealRows) -> Tensor:
        """Return the steps after both branches; those of padding are finite, and nothing is made of them."""
        if self.position != "post":
            steps = steps + self._attend(applied(self.attention.norm, steps, real), real)
            return steps + self._feed_forward(applied(self.feedforward1.norm, steps, real), real)
        steps = applied(self.attended.norm, steps + self._attend(steps, real), real)
        return applied(self.feedforward2.norm, steps + self._feed_forward(steps, real), real)

    def _attend(self, steps: Tensor, real: RealRows) -> Tensor:
        mask = real.mask.flatten(0, 1)
        mixed = mixed_steps(self.attention(steps, real).view(*mask.shape, -1), mask, self.num_heads)
        attended: Tensor = self.attended(mixed.view(steps.shape), real)
        return attended

    def _feed_forward(self, steps: Tensor, real: RealRows) -> Tensor:
        fed: Tensor = self.feedforward2(self.feedforward1(steps, real), real)
        return fed


class EncoderBlock(nn.Module):
    """Self-attention, then two dense layers at each step, each added to its input.

    ``pre``: x + f(norm(x)), where the norm is called after the layer it precedes, ``attention`` and ``feedforward1``.
    ``post``: norm(x + f(x)), where it is called after the layer it follows, ``attended`` and ``feedforward2``.
    ``peri``: x + norm(f(norm(x))), with norms of all four names; dropout comes after the norm of the branch's output.

    Shape:
        steps: (M, width), the real steps of the batch, one sample after the other.
        mask: (N, L), True at the M real steps.
        output: (M, width).

    Args:
        width: Features per step.
        num_heads: Heads of width / num_heads features each.
        norm: The norm, over all real steps of the batch at once.
        position: pre, post or peri.
        dropout: Probability of zeroing an output of either branch, or an activation inside the dense one.
        name: The block's name, for messages.
        qk_norm: The norm of each head's queries and keys, ``attention.qk_norm``.
    """

    stacked_form = StackedBlock

    def __init__(
        self,
        width: int,
        num_heads: int,
        norm: NormSpec,
        position: Position,
        dropout: float,
        name: str,
        qk_norm: NormSpec = NO_NORM,
    ) -> None:
        super().__init__()
        self.num_heads, self.position = num_heads, position
        inner = FEEDFORWARD_FACTOR * width
        norms = {layer: build_norm(norm, (width,), f"{name}.{layer}", per_step=True) for layer in NORMED[position]}
        ends = norms if position == "peri" else {}  # there the layer itself applies it, before dropout
        self.attention = Linear(width, 3 * width).followed_by(activation=False)
        if qk_norm != NO_NORM:
            self.attention.ending_with(qk_norm=QueryKeyNorm(qk_norm, width, num_heads, f"{name}.attention"))
        self.attended = Linear(width, width).followed_by(ends.get("attended"), activation=False, dropout=dropout)
        self.feedforward1 = Linear(width, inner).followed_by(dropout=dropout)
        self.feedforward2 = Linear(inner, width).followed_by(
            ends.get("feedforward2"), activation=False, dropout=dropout
        )
        for layer in AFTER if position == "post" else BEFORE:
            self.get_submodule(layer).carrying(norms[layer])  # type: ignore[operator]

    def forward(self, steps: Tensor, mask: Tensor) -> Tensor:
        """Return the steps after both branches."""
        if self.position != "post":
            steps = steps + self._attend(self.attention.norm(steps), mask)
            return steps + self._feed_forward(self.feedforward1.norm(steps))
        steps = self.attended.norm(steps + self._attend(steps, mask))
        normed: Tensor = self.feedforward2.norm(steps + self._feed_forward(steps))
        return normed

    def _attend(self, steps: Tensor, mask: Tensor) -> Tensor:
        attended: Tensor = self.attended(mixed_steps(pad(self.attention(steps), mask), mask, self.num_heads)[mask])
        return attended

    def _feed_forward(self, steps: Tensor) -> Tensor:
        fed: Tensor = self.feedforward2(self.feedforward1(steps))
        return fed
