"""Networks with a fault at a norm, or with numbers that are not finite: statistics, few values, masks, divisions."""

import math

import torch
from inspection.networks.row import Sick, normal
from torch import nn


def with_statistics(channel_var):
    """Two convolutions with batch norm in evaluation mode; the second norm has one channel with this variance."""
    model = nn.Sequential()
    for name, inp, out in (("1", 3, 8), ("2", 8, 16)):
        model.add_module(f"conv{name}", nn.Conv2d(inp, out, 3, padding=1, bias=False))
        model.add_module(f"bn{name}", nn.BatchNorm2d(out))
        model.add_module(f"relu{name}", nn.ReLU())
    for name, part in (("pool", nn.AdaptiveAvgPool2d(1)), ("flatten", nn.Flatten()), ("fc", nn.Linear(16, 4))):
        model.add_module(name, part)
    model.bn2.running_var[3] = channel_var
    return model.eval()


class NormThenPool(nn.Module):
    """A group norm over each channel alone, then the mean of each channel: what was taken away, again."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)
        self.norm1, self.norm2 = nn.GroupNorm(4, 16), nn.GroupNorm(16, 16)
        self.fc = nn.Linear(16, 4)

    def forward(self, x):
        x = torch.relu(self.norm1(self.conv1(x)))
        return self.fc(self.norm2(self.conv2(x)).mean((2, 3)))


class NormOnPoints(nn.Module):
    """A norm given on maps that pooling made 1x1."""

    def __init__(self, norm):
        super().__init__()
        self.conv, self.squeeze = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 1)
        self.norm, self.fc = norm, nn.Linear(16, 4)

    def forward(self, x):
        pooled = torch.relu(self.conv(x)).mean((2, 3), keepdim=True)
        return self.fc(torch.relu(self.norm(self.squeeze(pooled))).flatten(1))


class OneFeature(nn.Module):
    """A price per sample, normalized over itself."""

    def __init__(self):
        super().__init__()
        self.price, self.norm, self.out = nn.Linear(10, 1), nn.LayerNorm(1), nn.Linear(1, 2)

    def forward(self, x):
        return self.out(self.norm(self.price(x)))


class MaskedRow(nn.Module):
    """Attention in which one sample has all its keys masked: a softmax over minus infinities is nan."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(6, 16)
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)
        self.norm, self.fc = nn.LayerNorm(16), nn.Linear(16, 2)

    def forward(self, x, padding):
        x = self.embed(x)
        return self.fc(self.norm(x + self.attention(x, x, x, key_padding_mask=padding)[0]).mean(1))


class Standardize(nn.Module):
    """Each sample less its mean, by its std, times a learned scale; without eps."""

    def __init__(self, width):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return self.scale * (x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True)


class DividedByZero(nn.Module):
    """Dense layers behind a division by the std of each sample."""

    def __init__(self):
        super().__init__()
        self.standardize, self.fc1, self.fc2 = Standardize(12), nn.Linear(12, 16), nn.Linear(16, 3)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(self.standardize(x))))


def all_masked_once(seed):
    """Return sequences, and a mask that leaves nothing of the third."""
    padding = torch.zeros(8, 7, dtype=torch.bool)
    padding[:, 5:], padding[2] = True, True
    return normal(8, 7, 6)(seed), padding


def one_sample_constant(seed):
    """Return a batch whose fifth sample has the same number in every feature."""
    x = normal(16, 12)(seed)
    x[4] = 1.0
    return x


IMAGES = normal(8, 3, 8, 8)
NAN = ("not_finite", "gradient_not_finite")
NOTHING_LEFT = ("few_values", "constant", "gradient_cut_off", "gradient_vanishes", "vanishes")
SICK = {
    "running variance nan": Sick(
        lambda: with_statistics(math.nan),
        IMAGES,
        "one channel of bn2 is nan in evaluation",
        source="running_statistics",
        layer="bn2",
        words=("bn2", "nan"),
        also=NAN,
    ),
    "running variance negative": Sick(
        lambda: with_statistics(-1.0),
        IMAGES,
        "the root of a negative number",
        source="running_statistics",
        layer="bn2",
        words=("bn2", "negative|-1"),
        also=NAN,
    ),
    "running variance 0": Sick(
        lambda: with_statistics(0.0),
        IMAGES,
        "one channel is divided by the root of eps, 0.003",
        source="running_statistics",
        layer="bn2",
        words=("bn2", r"\b0\b"),
        also=("explodes", "gradient_explodes"),
    ),
    "norm of each channel, then its mean": Sick(
        NormThenPool,
        IMAGES,
        "the mean of each channel is the norm's bias, whatever the sample",
        source="constant",
        layer="fc",
        words=("norm2",),
        also=("gradient_cut_off", "gradient_vanishes", "vanishes"),
    ),
    "one channel per group on 1x1 maps": Sick(
        lambda: NormOnPoints(nn.GroupNorm(16, 16)),
        IMAGES,
        "of one value less its mean only rounding is left",
        source="few_values",
        layer="norm",
        words=(r"\b(1|one)\b",),
        also=NOTHING_LEFT,
    ),
    "batch norm of two samples on 1x1 maps": Sick(
        lambda: NormOnPoints(nn.BatchNorm2d(16)),
        normal(2, 3, 8, 8),
        "of two values a norm keeps which is larger",
        source="few_values",
        layer="norm",
        words=(r"\b(2|two)\b",),
        also=("gradient_vanishes",),
    ),
    "layer norm over one feature": Sick(
        OneFeature,
        normal(16, 10),
        "one value less its mean is 0",
        source="few_values",
        layer="norm",
        words=(r"\b(1|one)\b",),
        also=NOTHING_LEFT,
    ),
    "all keys masked": Sick(
        MaskedRow,
        all_masked_once,
        "a softmax over minus infinities",
        source="not_finite",
        layer="attention",
        words=("nan|not finite",),
        also=NAN,
    ),
    "division by a std of 0": Sick(
        DividedByZero,
        one_sample_constant,
        "0 / 0 in one sample",
        source="not_finite",
        layer="standardize",
        words=("nan|not finite",),
        also=NAN,
    ),
}
