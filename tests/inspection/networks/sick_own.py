"""Networks with a fault in a layer of one's own, or where nobody looks: statistics, heads, trees, the model itself."""

import torch
from inspection.networks.kinds import LateLayer, ScaledRoot, Tree
from inspection.networks.parameters import Equalized
from inspection.networks.parts import mlp
from inspection.networks.row import Sick, normal
from inspection.networks.sick_norms import with_statistics
from torch import nn


class FrozenBN(nn.Module):
    """Batch norm of four buffers and no parameter, as of detectors whose backbone is not learned."""

    def __init__(self, channels):
        super().__init__()
        for name, start in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)):
            self.register_buffer(name, torch.full((channels,), start))

    def forward(self, x):
        scale = self.weight * (self.running_var + 1e-5).rsqrt()
        return x * scale[:, None, None] + (self.bias - self.running_mean * scale)[:, None, None]


def frozen_norm():
    """Return a convolution with such a norm, of which two variances are 0."""
    norm = FrozenBN(8)
    norm.running_var[:2] = 0
    return nn.Sequential(nn.Conv2d(3, 8, 3), norm, nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 2)).eval()


class StandardizedInput(nn.Module):
    """Keeps the statistics of its inputs itself; the variances are negative."""

    def __init__(self):
        super().__init__()
        self.body = mlp(8, 32, 2)
        self.register_buffer("running_mean", torch.zeros(8))
        self.register_buffer("running_var", torch.full((8,), -1.0))

    def forward(self, x):
        return self.body((x - self.running_mean) / self.running_var.abs().sqrt())


def huge_variance():
    """Return convolutions with batch norms in evaluation mode, all variances of the first far too large."""
    model = with_statistics(1.0)
    model.bn1.running_var.fill_(1e12)
    return model


def most_channels_dead():
    """Return two convolutions of one's own, the second with 29 of 32 channels held shut by its bias."""
    convs = Equalized(3, 16), Equalized(16, 32)
    convs[1].bias.data[:29] = -30
    return nn.Sequential(convs[0], nn.LeakyReLU(0.2), convs[1], nn.ReLU(), nn.Flatten(), nn.Linear(32 * 64, 2))


class NormOfOneValue(nn.Module):
    """Every channel less its own mean, which on a map of one position is all of it."""

    def forward(self, x):
        centred = x - x.mean((2, 3), keepdim=True)
        return centred / (centred.square().mean((2, 3), keepdim=True) + 1e-5).sqrt()


class OneLogit(nn.Module):
    """A softmax over one number, which is 1."""

    def __init__(self):
        super().__init__()
        self.body = mlp(8, 32, 1)

    def forward(self, x):
        return self.body(x).softmax(-1)


class DeadHead(nn.Module):
    """Two heads on a trunk; in the second a bias shuts every unit."""

    def __init__(self):
        super().__init__()
        self.trunk, self.kind, self.box = mlp(8, 32, 16), nn.Linear(16, 3), mlp(16, 16, 2)
        nn.init.constant_(self.box[0].bias, -9)

    def forward(self, x):
        x = torch.tanh(self.trunk(x))
        return {"kind": self.kind(x), "box": self.box(x)}


class DeadTree(Tree):
    """A tree that merges to zeros everywhere."""

    def __init__(self):
        super().__init__()
        nn.init.constant_(self.merge.bias, -20)


class LargeLateLayer(LateLayer):
    """A layer that is made in forward, far too large."""

    def made(self, width):
        layer = super().made(width)
        layer.weight.data *= 1000
        return layer


def dead_inside_a_parametrized_model():
    """Return a model with a parametrization of its own, and dead units in a layer."""
    model = ScaledRoot()
    nn.init.constant_(model.body[0].bias, -20)
    return model


PICTURES, BATCH = normal(8, 3, 8, 8), normal(16, 8)
SICK = {
    "variance 0 in a norm without parameters": Sick(
        frozen_norm,
        PICTURES,
        "two channels are divided by the root of eps, 0.003",
        source="running_statistics",
        layer="1",
        words=("1.running_var", r"\b0\b"),
    ),
    "statistics of the model itself": Sick(
        lambda: StandardizedInput().eval(),
        BATCH,
        "variances of -1",
        source="running_statistics",
        layer="(model)",
        words=("running_var", "negative"),
    ),
    "running variance 1e12": Sick(
        huge_variance,
        PICTURES,
        "the norm's output is 1e-6 of what it should be",
        source="running_statistics",
        layer="bn1",
        words=("far too large",),
    ),
    "channels of one's own convolution dead": Sick(
        most_channels_dead,
        PICTURES,
        "29 of 32 channels are 0 for every sample",
        source="dead",
        layer="3",
        words=("bias of 2",),
    ),
    "one's own norm over one value": Sick(
        lambda: nn.Sequential(
            *(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), NormOfOneValue(), nn.Flatten(), nn.Linear(8, 2))
        ),
        PICTURES,
        "one value less its mean is 0",
        source="constant",
        layer="2",
        words=("one value",),
    ),
    "softmax over one logit": Sick(
        OneLogit, BATCH, "it is 1 for every sample", source="constant", layer="body.2", words=("softmax",)
    ),
    "one of two heads dead": Sick(
        DeadHead, BATCH, "a bias of -9 before the ReLU", source="dead", layer="box.1", words=("bias of box.0",)
    ),
    "dead merges of a tree": Sick(
        DeadTree, normal(16, 4, 8), "a bias of -20 before the ReLU", source="constant", layer="out", words=("merge",)
    ),
    "layer made in forward, too large": Sick(
        LargeLateLayer, BATCH, "a weight a thousand times as large", source="weights_too_large", layer="last"
    ),
    "dead units inside a parametrized model": Sick(
        dead_inside_a_parametrized_model,
        BATCH,
        "a bias of -20 before the ReLU",
        source="dead",
        layer="body.1",
        words=("bias of body.0",),
    ),
}
