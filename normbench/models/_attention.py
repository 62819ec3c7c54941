"""Attention over the real steps of padded sequences, and positions as sines."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's idiom

LONGEST_WAVE = 10_000  # steps over 2 pi


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
