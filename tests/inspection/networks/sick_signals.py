"""Networks with a fault on the way forward: dead, constant, vanishing, exploding, too small or too large weights."""

from itertools import pairwise

import torch
from inspection.networks.row import Sick, ids, normal
from torch import nn


class DeadAttention(nn.Module):
    """Attention without a skip whose last projection starts at 0."""

    def __init__(self):
        super().__init__()
        self.embed, self.attention = nn.Embedding(40, 16), nn.MultiheadAttention(16, 2, batch_first=True)
        self.norm, self.fc = nn.LayerNorm(16), nn.Linear(16, 4)
        nn.init.zeros_(self.attention.out_proj.weight)

    def forward(self, tokens):
        x = self.embed(tokens)
        return self.fc(self.norm(self.attention(x, x, x, need_weights=False)[0]).mean(1))


class FunctionalDeath(nn.Module):
    """ReLUs as functions; the second dense layer's bias shuts every unit for every sample."""

    def __init__(self):
        super().__init__()
        sizes = [10, 32, 32, 32, 3]
        self.fc1, self.fc2, self.fc3, self.fc4 = (nn.Linear(a, b) for a, b in pairwise(sizes))
        nn.init.constant_(self.fc2.bias, -20)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        return self.fc4(torch.relu(self.fc3(x)))


def dead_relus():
    """Dense layers with ReLU modules, of which the second gets negative numbers only."""
    sizes = [10, 32, 32, 32]
    parts = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())]
    nn.init.constant_(parts[2].bias, -20)
    return nn.Sequential(*parts, nn.Linear(32, 3))


def dense(weight, depth, activation, width=64):
    """Dense layers whose weights all have this std, and no bias."""
    parts = []
    for _ in range(depth):
        parts += [nn.Linear(width, width, bias=False), activation()]
    model = nn.Sequential(*parts, nn.Linear(width, 4, bias=False))
    for layer in model[::2]:
        nn.init.normal_(layer.weight, std=weight)
    return model


class OneScaled(nn.Module):
    """Four dense layers with the start of He et al., one weight multiplied by a factor."""

    def __init__(self, factor):
        super().__init__()
        sizes = [32, 64, 64, 64, 64]
        self.layers = nn.ModuleList(nn.Linear(a, b, bias=False) for a, b in pairwise(sizes))
        for layer in self.layers:
            nn.init.kaiming_normal_(layer.weight)
        self.layers[2].weight.data *= factor

    def forward(self, x):
        *hidden, last = self.layers
        for layer in hidden:
            x = torch.relu(layer(x))
        return last(x)


class DoublingStream(nn.Module):
    """Forty residual blocks without a norm or a scale: each adds as much as there is."""

    def __init__(self, depth=40, width=32):
        super().__init__()
        self.blocks = nn.ModuleList(nn.Linear(width, width, bias=False) for _ in range(depth))
        self.head = nn.Linear(width, 3)
        for block in self.blocks:
            nn.init.kaiming_normal_(block.weight)

    def forward(self, x):
        for block in self.blocks:
            x = x + torch.relu(block(x))
        return self.head(x)


class Padded(nn.Module):
    """An embedding of words of which all are padding: the same zeros for every sample."""

    def __init__(self):
        super().__init__()
        self.embed, self.fc1, self.fc2 = nn.Embedding(20, 8, padding_idx=0), nn.Linear(8, 16), nn.Linear(16, 3)

    def forward(self, tokens):
        return self.fc2(torch.tanh(self.fc1(self.embed(tokens * 0).mean(1))))


BEHIND = ("dead", "gradient_cut_off")
SICK = {
    "attention whose projection is 0": Sick(
        DeadAttention,
        ids(40, 8, 10),
        "every position of every sample becomes the bias, 0",
        source="constant",
        layer="attention",
        words=("out_proj|weight",),
        also=("gradient_cut_off", "weights_too_small", "dead"),
    ),
    "relu as a function, shut by a bias": Sick(
        FunctionalDeath,
        normal(16, 10),
        "fc2 puts out negative numbers only, so fc3 gets zeros",
        source="constant",
        layer="fc3",
        words=("fc2|relu",),
        also=BEHIND,
    ),
    "relu modules, shut by a bias": Sick(
        dead_relus,
        normal(16, 10),
        "every unit of the second ReLU is 0 for every sample",
        source="dead",
        layer="3",
        words=("bias",),
        also=("constant", "gradient_cut_off"),
    ),
    "all samples are padding": Sick(
        Padded,
        ids(20, 8, 6),
        "every sample becomes the embedding of the padding",
        source="constant",
        layer="embed",
        also=BEHIND,
    ),
    "tanh, weights of std 0.01": Sick(
        lambda: dense(0.01, 20, nn.Tanh),
        normal(16, 64),
        "every layer divides the signal by twelve",
        source="vanishes|weights_too_small",
        also=("vanishes", "weights_too_small", "gradient_vanishes"),
    ),
    "relu, weights of std 1": Sick(
        lambda: dense(1.0, 10, nn.ReLU),
        normal(16, 64),
        "every layer multiplies the signal by five or six",
        source="explodes|weights_too_large",
        also=("explodes", "weights_too_large", "gradient_explodes"),
    ),
    "one weight times 1e-6": Sick(
        lambda: OneScaled(1e-6),
        normal(16, 32),
        "the signal is lost at one layer, whose weight is far too small",
        source="vanishes|weights_too_small",
        layer="layers.2",
        also=("vanishes", "weights_too_small", "gradient_vanishes"),
    ),
    "one weight times 1e6": Sick(
        lambda: OneScaled(1e6),
        normal(16, 32),
        "the signal grows at one layer, whose weight is far too large",
        source="explodes|weights_too_large",
        layer="layers.2",
        also=("explodes", "weights_too_large", "gradient_explodes"),
    ),
    "forty doublings": Sick(
        DoublingStream,
        normal(16, 32),
        "the weights are right, but nothing holds the sum",
        source="explodes",
        also=("gradient_explodes",),
    ),
}
