"""Attention over the real steps of padded sequences, norms of its queries and keys, and positions as sines."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's idiom

from normbench.models.base import build_norm
from normbench.norms.base import NormSpec
from normbench.stacking import RealRows, Stacked, applied

LONGEST_WAVE = 10_000  # steps over 2 pi


class StackedQueryKeyNorm(Stacked):
    """The norms of queries and keys in several networks as one: (S, R, 3 width) -> (S, R, 3 width)."""

    takes_real_rows: ClassVar[bool] = True
    query: Any
    key: Any

    def __init__(self, members: Sequence["QueryKeyNorm"]) -> None:
        super().__init__(members)
        self.num_heads = members[0].num_heads

    def forward(self, projected: Tensor, real: RealRows | None = None) -> Tensor:
        """Normalize each head's queries and keys of real rows."""
        of_heads = real and real.of_heads(self.num_heads)
        return _normed(projected, self.query, self.key, self.num_heads, of_heads)


class QueryKeyNorm(nn.Module):
    """Normalize each head's queries and keys before their products; values stay.

    The heads share the norm's weight and bias: each has its width / num_heads features normalized as one row. With
    layer_norm this is what ViT-22B does, without biases there. With rms_norm and affine: none queries and keys have
    length sqrt(width / num_heads), so that the products are cosines times that root after attention's own division;
    Henry et al. multiply cosines by one learned number instead, which starts at log2(L^2 - L) for L steps.

    Shape:
        projected: (M, 3 width), queries, keys and values side by side.
        output: (M, 3 width).

    Args:
        norm: The norm, over the features of a head.
        width: Features of all heads.
        num_heads: Heads of width / num_heads features each.
        layer: Name of the layer that makes queries and keys, for messages.

    References:
        Henry, Dachapally, Pawar and Chen, Query-Key Normalization for Transformers, 2020.
        https://arxiv.org/abs/2010.04245
        Dehghani et al., Scaling Vision Transformers to 22 Billion Parameters, 2023. https://arxiv.org/abs/2302.05442
    """

    stacked_form = StackedQueryKeyNorm

    def __init__(self, norm: NormSpec, width: int, num_heads: int, layer: str) -> None:
        super().__init__()
        self.num_heads, shape = num_heads, (width // num_heads,)
        of_heads: dict[str, Any] = {"per_step": True, "num_heads": num_heads, "setting": "model.qk_norm"}
        self.query = build_norm(norm, shape, layer, **of_heads)
        self.key = build_norm(norm, shape, layer, **of_heads)

    def forward(self, projected: Tensor) -> Tensor:
        """Normalize each head's queries and keys."""
        return _normed(projected, self.query, self.key, self.num_heads)


def _normed(
    projected: Tensor, query_norm: nn.Module, key_norm: nn.Module, num_heads: int, real: RealRows | None = None
) -> Tensor:
    query, key, value = projected.chunk(3, -1)
    pairs = ((query, query_norm), (key, key_norm))
    rows = [(x.unflatten(-1, (num_heads, -1)).flatten(-3, -2), norm) for x, norm in pairs]  # one for each head
    return torch.cat([*(applied(norm, x, real).view(query.shape) for x, norm in rows), value], -1)


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
