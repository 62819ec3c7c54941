"""Transformer encoder, pre-norm or post-norm; attention and norms see real steps alone."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's idiom

from normbench.errors import SettingError, divisors_text
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
from normbench.parts import MAX_DEPTH, MAX_SIZE
from normbench.stacking import RealRows, Stacked, applied

Position = Literal["pre", "post"]

LONGEST_WAVE = 10_000  # steps over 2 pi
FEEDFORWARD_FACTOR = 4


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
        if self.position == "pre":
            steps = steps + self._attend(applied(self.attention.norm, steps, real), real)
            return steps + self._feed_forward(applied(self.feedforward1.norm, steps, real), real)
        steps = applied(self.attended.norm, steps + self._attend(steps, real), real)
        return applied(self.feedforward2.norm, steps + self._feed_forward(steps, real), real)

    def _attend(self, steps: Tensor, real: RealRows) -> Tensor:
        mask = real.mask.flatten(0, 1)
        mixed = mixed_steps(self.attention(steps).view(*mask.shape, -1), mask, self.num_heads)
        attended: Tensor = self.attended(mixed.view(steps.shape), real)
        return attended

    def _feed_forward(self, steps: Tensor, real: RealRows) -> Tensor:
        fed: Tensor = self.feedforward2(self.feedforward1(steps, real), real)
        return fed


class StackedTransformer(Stacked):
    """Encoders as one: (S, N, T, F + 1) -> (S, N, num_outputs)."""

    def forward(self, x: Tensor) -> Tensor:
        """Pass each member's sequences through its blocks; the average is over real steps."""
        features, mask = zeroed_padding(x)
        real = RealRows(mask)
        embedding, *blocks, output = self.children()
        steps = embedding(features.flatten(1, 2)).unflatten(1, mask.shape[1:])
        steps = (steps + sinusoids(*steps.shape[2:]).to(steps)).flatten(1, 2)
        for block in blocks:
            steps = block(steps, real)
        if hasattr(output, "norm"):
            steps = applied(output.get_submodule("norm"), steps, real)
        of_steps = (mask.to(steps) / mask.sum(2, keepdim=True)).unsqueeze(2)  # (S, N, 1, T)
        outputs: Tensor = output((of_steps @ steps.unflatten(1, mask.shape[1:])).squeeze(2))
        return outputs


class EncoderBlock(nn.Module):
    """Self-attention, then two dense layers at each step, each added to its input.

    ``pre``: x + f(norm(x)), where the norm is called after the layer it precedes, ``attention`` and ``feedforward1``.
    ``post``: norm(x + f(x)), where it is called after the layer it follows, ``attended`` and ``feedforward2``.

    Shape:
        steps: (M, width), the real steps of the batch, one sample after the other.
        mask: (N, L), True at the M real steps.
        output: (M, width).

    Args:
        width: Features per step.
        num_heads: Heads of width / num_heads features each.
        norm: The norm, over all real steps of the batch at once.
        position: pre or post.
        dropout: Probability of zeroing an output of either branch, or an activation inside the dense one.
        name: The block's name, for messages.
    """

    stacked_form = StackedBlock

    def __init__(
        self, width: int, num_heads: int, norm: NormSpec, position: Position, dropout: float, name: str
    ) -> None:
        super().__init__()
        self.num_heads, self.position = num_heads, position
        inner = FEEDFORWARD_FACTOR * width
        self.attention = Linear(width, 3 * width).followed_by(activation=False)
        self.attended = Linear(width, width).followed_by(activation=False, dropout=dropout)
        self.feedforward1 = Linear(width, inner).followed_by(dropout=dropout)
        self.feedforward2 = Linear(inner, width).followed_by(activation=False, dropout=dropout)
        for layer in {"pre": ("attention", "feedforward1"), "post": ("attended", "feedforward2")}[position]:
            built = build_norm(norm, (width,), f"{name}.{layer}", per_step=True)
            self.get_submodule(layer).carrying(built)  # type: ignore[operator]

    def forward(self, steps: Tensor, mask: Tensor) -> Tensor:
        """Return the steps after both branches."""
        if self.position == "pre":
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


class Transformer(Network):
    """Embed each step, add its position, pass through blocks, average over the real steps, one dense layer.

    Positions are sines, so sequences may be longer than those trained on. With ``pre``, a last norm precedes the
    average; it is called ``output.norm``.

    Shape:
        input: (N, T, F + 1); the last feature is 1 at real steps, which come first, and 0 at padding.
        output: (N, num_outputs).

    References:
        Vaswani et al., Attention Is All You Need, 2017 (post-norm). https://arxiv.org/abs/1706.03762
        Xiong et al., On Layer Normalization in the Transformer Architecture, 2020 (pre-norm, and what each does to
        the gradient). https://arxiv.org/abs/2002.04745
    """

    stacked_form = StackedTransformer

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, num_outputs)."""
        features, mask = strip_mask(x)
        embedding, *blocks, output = self.children()
        steps = embedding(features[mask])
        position = sinusoids(mask.shape[1], steps.shape[1]).to(steps)
        steps = steps + position.expand(*mask.shape, -1)[mask]
        for block in blocks:
            steps = block(steps, mask)
        if hasattr(output, "norm"):
            steps = output.get_submodule("norm")(steps)
        outputs: Tensor = output(pad(steps, mask).sum(1) / mask.sum(1, keepdim=True))
        return outputs

    def rows_per_sample(self, x: Tensor) -> Tensor:
        """Return the number of real steps of each sample, (N,)."""
        return strip_mask(x)[1].sum(1)


def mixed_steps(projected: Tensor, mask: Tensor, num_heads: int) -> Tensor:
    """Return each head's mix of real steps, the heads side by side.

    Shape:
        projected: (N, L, 3 width), queries, keys and values side by side.
        mask: (N, L), True at real steps.
        output: (N, L, width).
    """
    parts = projected.unflatten(-1, (3 * num_heads, -1)).chunk(3, 2)
    query, key, value = (part.transpose(1, 2) for part in parts)  # each (N, heads, L, width / heads)
    mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None, :])
    return mixed.transpose(1, 2).flatten(2)


def sinusoids(length: int, width: int) -> Tensor:
    """Return sin and cos of each position at wave lengths from 2 pi to 20,000 pi steps: (length, width), float32."""
    half = -(-width // 2)
    rates = LONGEST_WAVE ** -(torch.arange(half) / half)
    angles = torch.arange(length)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], 1)[:, :width]


class TransformerSpec(ModelSpec):
    """Encoder on padded sequences with the norm before (``pre``) or after (``post``) each branch; mean over steps."""

    takes_sequences: ClassVar[bool] = True
    name: Literal["transformer"] = "transformer"
    norm_position: Position = "pre"
    """Where the norm stands: before each branch (pre), or after the addition (post)."""
    num_layers: int = Field(2, ge=1, le=MAX_DEPTH // 10)
    """Encoder layers; >= 1."""
    width: int = Field(32, ge=1, le=MAX_SIZE)
    """Features per step; >= 1, a multiple of num_heads."""
    num_heads: int = Field(2, ge=1, le=MAX_SIZE)
    """Heads of attention; >= 1, must divide width."""

    @model_validator(mode="after")
    def _heads_of_one_size(self) -> Self:
        if self.width % self.num_heads:
            rule = f"must divide the width {self.width}"
            raise SettingError("num_heads", rule, self.num_heads, f"Use one of {divisors_text(self.width)}.")
        return self

    @property
    def num_weight_layers(self) -> int:
        """The embedding, the output, and those of attention and of the dense branch in each layer."""
        return 2 + 4 * self.num_layers

    def build(self, input_shape: Shape, output_shape: Shape, norm: NormSpec, dropout: float) -> nn.Module:
        """Make the network; it needs sequences with a mask and puts out classes or values."""
        in_features = sequence_features(input_shape, self.name)
        model, output = Transformer(), Linear(self.width, vector_size(output_shape, self.name))
        model.add_module("embedding", Linear(in_features, self.width).followed_by(activation=False))
        for i in range(1, self.num_layers + 1):
            block = EncoderBlock(self.width, self.num_heads, norm, self.norm_position, dropout, f"block{i}")
            model.add_module(f"block{i}", block)
        if self.norm_position == "pre":
            output.carrying(build_norm(norm, (self.width,), "output", per_step=True))
        model.add_module("output", output)
        return model
