"""Networks in which chance leaves parts without work: branches skipped, experts not chosen, units that stay at 0."""

import torch
from inspection.networks.parts import mlp
from inspection.networks.row import Healthy, normal
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the name that its users give it


class SkippedAtRandom(nn.Module):
    """A branch that half of the batches go through (Huang et al., 2016)."""

    def __init__(self, channels=8):
        super().__init__()
        first, last = (nn.Conv2d(channels, channels, 3, padding=1) for _ in "12")
        self.f = nn.Sequential(first, nn.BatchNorm2d(channels), nn.ReLU(), last)

    def forward(self, x):
        return x + 2 * (torch.rand(()) > 0.5) * self.f(x)


def stochastic_depth():
    """Return six such branches between a convolution and a dense layer."""
    branches = (SkippedAtRandom() for _ in range(6))
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), *branches, nn.Flatten(), nn.Linear(8 * 64, 4))


class Choice(nn.Module):
    """The expert with the largest share answers for a sample (Fedus et al., 2022); more experts than samples."""

    def __init__(self, experts=12):
        super().__init__()
        self.gate, self.out = nn.Linear(16, experts, bias=False), nn.Linear(16, 3)
        self.experts = nn.ModuleList(mlp(16, 24, 16, act=nn.GELU) for _ in range(experts))

    def forward(self, x):
        share, chosen = self.gate(x).softmax(-1).max(-1)
        return self.out(x + share[:, None] * self.answers(x, chosen))


class Masked(Choice):
    """All experts answer; what was not chosen is multiplied by 0."""

    def answers(self, x, chosen):
        mask = F.one_hot(chosen, len(self.experts)).to(x)
        return sum(mask[:, i, None] * expert(x) for i, expert in enumerate(self.experts))


class Routed(Choice):
    """Each expert gets the samples that chose it, often none."""

    def answers(self, x, chosen):
        found = torch.zeros_like(x)
        for i, expert in enumerate(self.experts):
            found[chosen == i] = expert(x[chosen == i])
        return found


class TopOfMany(nn.Module):
    """Of 512 features the eight largest of a sample are kept (Gao et al., 2024)."""

    def __init__(self):
        super().__init__()
        self.encode, self.decode = nn.Linear(24, 512), nn.Linear(512, 24, bias=False)

    def forward(self, x):
        features = torch.relu(self.encode(x))
        largest, places = features.topk(8)
        return self.decode(torch.zeros_like(features).scatter(1, places, largest))


class NarrowGate(nn.Module):
    """Squeeze and excitation through one unit, which a ReLU may hold at 0 for every sample."""

    def __init__(self, channels=8):
        super().__init__()
        self.conv, self.up = nn.Conv2d(channels, channels, 3, padding=1), nn.Linear(1, channels)
        self.down, self.relu = nn.Linear(channels, 1), nn.ReLU()

    def forward(self, x):
        y = self.conv(x)
        gate = self.up(self.relu(self.down(y.mean((2, 3)))))
        return x + y * gate.sigmoid()[:, :, None, None]


def narrow_gates():
    """Return six such gates between a convolution and a dense layer."""
    gates = (NarrowGate() for _ in range(6))
    return nn.Sequential(nn.Conv2d(3, 8, 1), *gates, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))


SKIPPED = tuple(f"{i}.f.*" for i in (2, 3, 5))
IDLE = tuple(f"experts.{i}.*" for i in (1, 2, 6, 7, 9, 11))
SHUT = tuple(f"{i}.{name}" for i in (1, 3, 4, 6) for name in ("down.*", "up.weight"))
HEALTHY = {
    "depth drawn for each batch": Healthy(
        stochastic_depth, normal(8, 3, 8, 8), "a branch that this batch skips learns from another", SKIPPED
    ),
    "experts multiplied by 0": Healthy(Masked, normal(8, 16), "eight samples cannot choose twelve experts", IDLE),
    "experts without samples": Healthy(
        Routed, normal(8, 16), "an expert that is called with no sample puts out none", IDLE
    ),
    "largest eight of many": Healthy(TopOfMany, normal(16, 24), "most features are 0 in most samples, as intended"),
    "gates through one unit": Healthy(narrow_gates, normal(8, 3, 8, 8), "a unit alone is shut as often as not", SHUT),
}
