"""Networks whose outputs are unusual: losses, objects, parts without samples, minus infinities, detached copies."""

from collections import UserDict

import torch
from inspection.networks.parts import mlp
from inspection.networks.row import Healthy, ids, normal, several
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the name that its users give it


class PromptedClasses(nn.Module):
    """Pictures beside texts that are made of learned numbers alone (Zhou et al., 2022)."""

    def __init__(self):
        super().__init__()
        self.see, self.read = mlp(24, 32, 16), mlp(16, 32, 16, act=nn.GELU)
        self.classes, self.context = nn.Embedding(5, 16), nn.Parameter(0.02 * torch.randn(4, 16))

    def forward(self, x):
        texts = F.normalize(self.read(self.classes.weight[:, None] + self.context).mean(1), dim=-1)
        pictures = F.normalize(self.see(x), dim=-1)
        return {"logits": 10 * pictures @ texts.T, "pictures": pictures, "texts": texts}


class LossAlone(nn.Module):
    """Bags of words and their labels; the loss is put out, and nothing else."""

    def __init__(self):
        super().__init__()
        self.bag, self.body = nn.EmbeddingBag(50, 16), mlp(16, 32, 3)

    def forward(self, words, labels):
        return {"loss": F.cross_entropy(self.body(self.bag(words)), labels)}


class Policy(nn.Module):
    """A normal distribution, its mean computed, its std learned."""

    def __init__(self):
        super().__init__()
        self.mean, self.log_std = mlp(8, 32, 4), nn.Parameter(torch.zeros(4))

    def forward(self, x):
        return torch.distributions.Normal(self.mean(x), self.log_std.exp())


class TwoAnswers(nn.Module):
    """Two answers, put out as ``pack`` has it."""

    def __init__(self, pack):
        super().__init__()
        self.left, self.right, self.pack = mlp(8, 16, 3), nn.Linear(8, 2), pack

    def forward(self, x):
        return self.pack(self.left(x), self.right(x))


class Answer:
    """An object of one's own."""

    def __init__(self, value, note="text"):
        self.value, self.note = value, note


class MaskedScores(nn.Module):
    """Scores of pairs, minus infinity where there is nothing to choose."""

    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(width, width) / width**0.5)

    def forward(self, asked, offered, absent):
        return (asked @ self.weight @ offered.transpose(1, 2)).masked_fill(absent[:, None], float("-inf"))


class Pointer(nn.Module):
    """Each position points at others by such scores, and takes their mean."""

    def __init__(self):
        super().__init__()
        self.ask, self.offer, self.scores = nn.Linear(8, 16), nn.Linear(8, 16), MaskedScores(16)
        self.out = nn.Linear(8, 2)

    def forward(self, x, absent):
        return self.out(self.scores(self.ask(x), self.offer(x), absent).softmax(-1) @ x)


class LegalMoves(nn.Module):
    """Scores of moves, minus infinity where a move is against the rules."""

    def __init__(self):
        super().__init__()
        self.body = mlp(8, 32, 5)

    def forward(self, x, legal):
        return self.body(x).masked_fill(~legal, float("-inf"))


class PositionBias(nn.Module):
    """Attention with a bias that a network of distances computes (Liu et al., 2022); the bias is put out, too."""

    def __init__(self):
        super().__init__()
        self.of_distance, self.qkv, self.out = mlp(1, 16, 1), nn.Linear(12, 36), nn.Linear(12, 3)
        places = torch.arange(6.0)
        self.register_buffer("distances", (places[:, None] - places)[..., None] / 6)

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, -1)
        bias = self.of_distance(self.distances)[..., 0]
        return self.out((q @ k.transpose(1, 2) / 12**0.5 + bias).softmax(-1) @ v), bias


def legal(seed):
    """Return states, and which of five moves each allows; two of three are allowed."""
    return normal(8, 8)(seed), torch.arange(40).view(8, 5) % 3 > 0


def absent(seed):
    """Return sequences, and where they have ended; each has five positions or more."""
    return normal(8, 9, 8)(seed), torch.arange(9) >= torch.arange(5, 13)[:, None]


BATCH = normal(16, 8)
HEALTHY = {
    "texts of parameters alone": Healthy(PromptedClasses, normal(8, 24), "texts are the same whatever is seen"),
    "loss alone": Healthy(
        LossAlone,
        several(ids(50, 8, 10), ids(3, 8)),
        "each of its layers gets a gradient",
        alike="one number for all samples",
    ),
    "distribution": Healthy(
        Policy, BATCH, "mean and std are attributes of what is put out", alike="the std is the same for every sample"
    ),
    "userdict": Healthy(lambda: TwoAnswers(lambda a, b: UserDict(left=a, right=b)), BATCH, "a mapping that is no dict"),
    "object beside a tensor": Healthy(
        lambda: TwoAnswers(lambda a, b: (a, Answer(b))), BATCH, "the second answer is an attribute"
    ),
    "scores with minus infinity inside": Healthy(
        Pointer, absent, "a softmax makes 0 of it", infinite="scores of what cannot be chosen"
    ),
    "minus infinity put out": Healthy(
        LegalMoves, legal, "a loss takes the softmax of it", infinite="scores of what is not allowed"
    ),
    "bias of positions put out": Healthy(PositionBias, normal(8, 6, 12), "places are the same in every sample"),
}
