"""MyNorm: divides each sample by its root mean square, then scales and shifts each channel."""

import torch
from torch import Tensor, nn


class MyNorm(nn.Module):
    """Normalize inputs (N, C), (N, C, L), (N, C, H, W) or (N, C, D, H, W); the output has the same shape.

    Every layer of a network gets a norm of its own, made with its number of channels, MyNorm(64). If the first argument
    is called feature_shape, it is one sample's whole shape, (64, 16, 16). All further arguments are settings:
    norm: {name: own, layer: "my_norm:MyNorm", settings: {eps: 0.001}}.
    """

    def __init__(self, num_features: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        # Averages over training, as batch norm has them, are kept by self.register_buffer("running_mean", ...).

    def forward(self, x: Tensor) -> Tensor:
        """Return weight * x / sqrt(mean square of the sample + eps) + bias."""
        # What one statistic is taken over: here channels and positions, (1, 2, 3) of images. In batch norm it is
        # samples and positions, (0, 2, 3), in instance norm positions alone, (2, 3).
        axes = tuple(range(1, x.dim()))
        normalized = x / (x.square().mean(axes, keepdim=True) + self.eps).sqrt()
        per_channel = (-1, *[1] * (x.dim() - 2))
        return normalized * self.weight.view(per_channel) + self.bias.view(per_channel)
