"""Networks with a fault on the way back: cut off, rounded away, not finite, vanishing, exploding."""

from itertools import pairwise

import torch
from inspection.networks.row import Sick, normal, several
from torch import nn


class DetachedInput(nn.Module):
    """Features made by a dense layer and detached before an LSTM reads them."""

    def __init__(self):
        super().__init__()
        self.project, self.norm = nn.Linear(6, 12), nn.LayerNorm(12)
        self.lstm, self.fc = nn.LSTM(12, 16, batch_first=True), nn.Linear(16, 3)

    def forward(self, x):
        features = self.norm(torch.tanh(self.project(x))).detach()
        _, (h, _) = self.lstm(features)
        return self.fc(h[-1])


class DetachedHead(nn.Module):
    """Two heads; what one of them puts out is detached."""

    def __init__(self):
        super().__init__()
        self.trunk, self.kind, self.box = nn.Linear(10, 32), nn.Linear(32, 5), nn.Linear(32, 4)

    def forward(self, x):
        shared = torch.relu(self.trunk(x))
        return {"kind": self.kind(shared), "box": self.box(shared).detach()}


class EncoderWithoutGradient(nn.Module):
    """An encoder that is to learn, called under no_grad."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1))
        self.head = nn.Linear(16, 4)

    def forward(self, x):
        with torch.no_grad():
            features = self.encoder(x).mean((2, 3))
        return self.head(features)


class Rounded(nn.Module):
    """Codes rounded to whole numbers, whose derivative is 0 everywhere."""

    def __init__(self):
        super().__init__()
        self.encode, self.decode = nn.Linear(10, 16), nn.Linear(16, 10)

    def forward(self, x):
        return self.decode(torch.round(3 * self.encode(x)))


class Distance(nn.Module):
    """The distance of two codes; the root has no finite derivative where a pair of inputs is equal."""

    def __init__(self):
        super().__init__()
        self.encoder, self.compare = nn.Linear(8, 16), nn.Linear(1, 2)

    def forward(self, left, right):
        squares = (self.encoder(left) - self.encoder(right)).square().sum(1, keepdim=True)
        return self.compare(squares.sqrt())


class SteepSines(nn.Module):
    """Sines of thirty times the signal: they keep it below 1, and multiply its gradient by up to thirty."""

    def __init__(self, depth=6):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(32, 32) for _ in range(depth))

    def forward(self, x):
        for layer in self.layers:
            x = layer(torch.sin(30 * x))
        return x


def sigmoids(depth=7, width=32):
    """Dense layers and sigmoids, torch's start: a derivative of a quarter at most, seven times."""
    sizes = pairwise([width] * (depth + 1))
    return nn.Sequential(*(part for a, b in sizes for part in (nn.Linear(a, b), nn.Sigmoid())), nn.Linear(width, 3))


def pair_of_equals(seed):
    """Return two batches whose first samples are the same."""
    left, right = several(normal(16, 8), normal(16, 8))(seed)
    right[0] = left[0]
    return left, right


SICK = {
    "lstm whose input is detached": Sick(
        DetachedInput,
        normal(8, 10, 6),
        "detach() behind the first two layers",
        source="gradient_cut_off",
        layer="norm",
        words=("detach|no_grad",),
    ),
    "detached head": Sick(
        DetachedHead,
        normal(16, 10),
        "detach() behind one of two heads",
        source="gradient_cut_off",
        layer="box",
        words=("detach|no_grad",),
    ),
    "encoder under no_grad": Sick(
        EncoderWithoutGradient,
        normal(8, 3, 16, 16),
        "the encoder's parameters are to learn, and nothing comes back",
        source="gradient_cut_off",
        layer="encoder.3",
        words=("detach|no_grad",),
    ),
    "rounded codes": Sick(
        Rounded,
        normal(16, 10),
        "the derivative of round is 0",
        source="gradient_cut_off",
        layer="encode",
        words=("gradient",),
    ),
    "distance of equals": Sick(
        Distance,
        pair_of_equals,
        "the derivative of the root at 0 is infinite, times 0 is nan",
        source="gradient_not_finite",
        layer="encoder",
        words=("nan|not finite",),
    ),
    "sigmoids": Sick(
        sigmoids,
        normal(16, 32),
        "each sigmoid divides the gradient by four or more",
        source="gradient_vanishes",
        also=("constant", "vanishes"),
    ),
    "steep sines": Sick(
        SteepSines,
        normal(16, 32),
        "each sine bounds the signal and multiplies its gradient by twelve",
        source="gradient_explodes",
    ),
}
