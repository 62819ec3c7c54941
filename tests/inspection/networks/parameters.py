"""Networks with parameters of other kinds than weights of layers: prompts, places, scales, codes, factors, few bits."""

import math

import torch
from inspection.networks.parts import frozen, mlp
from inspection.networks.row import Healthy, ids, normal, several
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the name that its users give it


class SoftPrompt(nn.Module):
    """Learned vectors put in front of the words (Lester et al., 2021)."""

    def __init__(self, width):
        super().__init__()
        self.embed = nn.Parameter(torch.randn(4, width))

    def forward(self, x):
        return torch.cat([self.embed.expand(len(x), -1, -1), x], 1)


def prompted(width=128):
    """Return frozen words and attention, a learned prompt and a learned head."""
    words, layer = nn.Embedding(40, width), nn.TransformerEncoderLayer(width, 4, 64, 0.0, batch_first=True)
    return nn.Sequential(frozen(words), SoftPrompt(width), frozen(layer), nn.Flatten(), nn.Linear(10 * width, 2))


class Places(nn.Module):
    """A learned vector per place, added; there are more places than the sequence has."""

    def __init__(self, width):
        super().__init__()
        self.places = nn.Parameter(0.02 * torch.randn(1, 1024, width))

    def forward(self, x):
        return x + self.places[:, : x.shape[1]]


class Affine(nn.Module):
    """A scale and a shift per feature, kept as (1, 1, C) (Touvron et al., 2021)."""

    def __init__(self, width):
        super().__init__()
        self.alpha, self.beta = nn.Parameter(torch.ones(1, 1, width)), nn.Parameter(torch.zeros(1, 1, width))

    def forward(self, x):
        return self.alpha * x + self.beta


class Codes(nn.Module):
    """The code nearest to each sample; the gradient goes past the choice (van den Oord et al., 2017)."""

    def __init__(self, width):
        super().__init__()
        self.codes = nn.Parameter(torch.randn(32, width))

    def forward(self, z):
        found = self.codes[torch.cdist(z, self.codes).argmin(1)]
        return z + (found - z).detach() + (found - found.detach())


class Cosines(nn.Module):
    """Scaled cosines between a sample and each class (Deng et al., 2019)."""

    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(10, width))

    def forward(self, x):
        return 16 * F.linear(F.normalize(x, dim=-1), F.normalize(self.weight, dim=-1))


class Equalized(nn.Module):
    """A convolution whose weight has std 1 and is scaled when it is used (Karras et al., 2018)."""

    def __init__(self, inp, out):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(out, inp, 3, 3)), nn.Parameter(torch.zeros(out))

    def forward(self, x):
        return F.conv2d(x, self.weight / math.sqrt(self.weight[0].numel()), self.bias, padding=1)


class Pairs(nn.Module):
    """Every feature of one input times every feature of another."""

    def __init__(self):
        super().__init__()
        self.left, self.right, self.pairs = nn.Linear(16, 320), nn.Linear(16, 320), nn.Bilinear(320, 320, 4)

    def forward(self, left, right):
        return self.pairs(self.left(left), self.right(right))


class Frequencies(nn.Module):
    """Sines and cosines of projections that are large and not learned (Tancik et al., 2020)."""

    def __init__(self):
        super().__init__()
        self.project, self.body = frozen(nn.Linear(2, 32, bias=False)), mlp(64, 32, 3)
        nn.init.normal_(self.project.weight, std=10)

    def forward(self, x):
        angles = 2 * math.pi * self.project(x)
        return self.body(torch.cat([angles.sin(), angles.cos()], -1))


class EightBits(nn.Module):
    """A weight in whole numbers of eight bits, not learned, and a low-rank adapter (Dettmers et al., 2023)."""

    def __init__(self, inp, out):
        super().__init__()
        self.weight = nn.Parameter(torch.randint(-127, 128, (out, inp), dtype=torch.int8), requires_grad=False)
        self.register_buffer("scale", torch.full((out, 1), 1 / (73 * math.sqrt(inp))))
        self.lora_a = nn.Parameter(torch.randn(4, inp) / math.sqrt(inp))
        self.lora_b = nn.Parameter(torch.zeros(out, 4))

    def forward(self, x):
        return x @ (self.weight.float() * self.scale).T + x @ self.lora_a.T @ self.lora_b.T


class NoNumbers(nn.Module):
    """A parameter of no numbers beside a network."""

    def __init__(self):
        super().__init__()
        self.body, self.nothing = mlp(8, 16, 3), nn.Parameter(torch.empty(0))

    def forward(self, x):
        return self.body(x)


def equalized():
    """Return three such convolutions, and the mean of each map."""
    sizes = ((3, 16), (16, 16), (16, 16))
    parts = [part for inp, out in sizes for part in (Equalized(inp, out), nn.LeakyReLU(0.2))]
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 2))


def with_affine(width=192):
    """Return dense layers between scales and shifts."""
    return nn.Sequential(nn.Linear(12, width), Affine(width), nn.GELU(), nn.Linear(width, width), Affine(width))


BATCH = normal(16, 16)
HEALTHY = {
    "soft prompt": Healthy(prompted, ids(40, 4, 6), "numbers of std 1 multiply nothing"),
    "learned places": Healthy(
        lambda: nn.Sequential(nn.Linear(12, 320), Places(320), nn.LayerNorm(320), nn.Linear(320, 4)),
        normal(4, 20, 12),
        "numbers of std 0.02 multiply nothing, and most get no gradient",
    ),
    "scales of (1, 1, C)": Healthy(with_affine, normal(4, 6, 12), "a scale of ones is no matrix of 192 inputs"),
    "codebook": Healthy(
        lambda: nn.Sequential(mlp(16, 256), nn.LayerNorm(256), Codes(256), mlp(256, 32, 16)),
        BATCH,
        "codes of std 1 multiply nothing",
    ),
    "cosine head": Healthy(
        lambda: nn.Sequential(mlp(16, 32, 256), Cosines(256)), BATCH, "the weight's length does not matter"
    ),
    "equalized learning rate": Healthy(equalized, normal(8, 3, 8, 8), "the weight of std 1 is scaled in forward"),
    "bilinear": Healthy(Pairs, several(BATCH, BATCH), "torch's start makes a product of two signals grow"),
    "frozen frequencies": Healthy(Frequencies, normal(32, 2), "weights of std 10 make angles"),
    "weights of eight bits": Healthy(
        lambda: nn.Sequential(EightBits(16, 32), nn.GELU(), EightBits(32, 32), nn.GELU(), nn.Linear(32, 3)),
        BATCH,
        "whole numbers up to 127 are scaled in forward",
        ("?.lora_a",),
    ),
    "a parameter of no numbers": Healthy(NoNumbers, normal(16, 8), "there is nothing to learn in it", ("nothing",)),
}
