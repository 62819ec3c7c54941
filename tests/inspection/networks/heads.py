"""Networks with several inputs or outputs: siamese, variational, heads by name, experts, tied weights."""

from collections import namedtuple
from dataclasses import dataclass

import torch
from inspection.networks.row import Healthy, normal, several
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name that its users give it


class Siamese(nn.Module):
    """One encoder for two inputs; their distance per feature is compared."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 16))
        self.compare = nn.Linear(16, 1)

    def forward(self, left, right):
        return self.compare((self.encoder(left) - self.encoder(right)).abs())


class VAE(nn.Module):
    """Mean and log variance of a code, a draw from it, and the picture made of the draw."""

    def __init__(self):
        super().__init__()
        self.enc, self.mu, self.logvar = nn.Linear(24, 32), nn.Linear(32, 6), nn.Linear(32, 6)
        self.dec1, self.dec2 = nn.Linear(6, 32), nn.Linear(32, 24)

    def forward(self, x):
        h = torch.tanh(self.enc(x))
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self.dec2(torch.tanh(self.dec1(z))), mu, logvar


class ByName(nn.Module):
    """A shared trunk, and two heads in a dict beside numbers that no gradient goes through."""

    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(10, 32), nn.LayerNorm(32), nn.GELU())
        self.heads = nn.ModuleDict({"age": nn.Linear(32, 1), "kind": nn.Linear(32, 5)})

    def forward(self, features, mask):
        shared = self.trunk(features * mask)
        found = {name: head(shared) for name, head in self.heads.items()}
        return found | {"label": found["kind"].argmax(1), "mask": mask}


Detection = namedtuple("Detection", ["boxes", "scores", "levels"])  # noqa: PYI024 - as untyped code has it


class Detector(nn.Module):
    """Boxes and scores at two scales, lists within a named tuple."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 12, 3, 2, 1), nn.GroupNorm(3, 12), nn.SiLU())
        self.next = nn.Sequential(nn.Conv2d(12, 12, 3, 2, 1), nn.GroupNorm(3, 12), nn.SiLU())
        self.box, self.score = nn.Conv2d(12, 4, 3, padding=1), nn.Conv2d(12, 2, 1)

    def forward(self, x):
        fine = self.stem(x)
        maps = [fine, self.next(fine)]
        return Detection([self.box(one) for one in maps], [self.score(one) for one in maps], len(maps))


@dataclass
class ActorCriticOutput:
    """What an agent does, and what it expects."""

    logits: Tensor
    value: Tensor
    entropy: Tensor | None = None


class ActorCritic(nn.Module):
    """Two networks side by side for one input."""

    def __init__(self):
        super().__init__()
        self.actor = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 4))
        self.critic = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 1))

    def forward(self, state):
        return ActorCriticOutput(self.actor(state), self.critic(state).squeeze(-1))


class TiedAutoencoder(nn.Module):
    """The way back is the way in, transposed."""

    def __init__(self):
        super().__init__()
        self.enc, self.bias = nn.Linear(20, 12), nn.Parameter(torch.zeros(20))

    def forward(self, x):
        return F.linear(torch.sigmoid(self.enc(x)), self.enc.weight.t(), self.bias)


class Experts(nn.Module):
    """Every expert answers; a gate decides by how much each counts."""

    def __init__(self, count=4):
        super().__init__()
        self.gate = nn.Linear(10, count)
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(10, 24), nn.ReLU(), nn.Linear(24, 3)) for _ in range(count)
        )

    def forward(self, x):
        share = self.gate(x).softmax(-1)
        answers = torch.stack([expert(x) for expert in self.experts], 1)
        return (share.unsqueeze(-1) * answers).sum(1)


class FiLM(nn.Module):
    """A condition scales and shifts the channels of a norm without weights (Perez et al., 2018)."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)
        self.norm, self.film = nn.BatchNorm2d(16, affine=False), nn.Linear(5, 32)
        self.fc = nn.Linear(16, 4)

    def forward(self, image, condition):
        scale, shift = self.film(condition)[:, :, None, None].chunk(2, 1)
        x = self.norm(self.conv2(torch.relu(self.conv1(image))))
        return self.fc(torch.relu((1 + scale) * x + shift).mean((2, 3)))


def by_name(seed):
    """Return the keyword arguments of ``ByName``; one in ten features is masked."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(16, 10, generator=generator)
    return {"mask": (torch.rand(16, 10, generator=generator) > 0.1).float(), "features": features}


HEALTHY = {
    "siamese, two inputs": Healthy(
        Siamese,
        several(normal(16, 12), normal(16, 12)),
        "each layer is called twice, and the encoder's last bias cancels in the difference",
        ("encoder.2.bias",),
    ),
    "variational autoencoder": Healthy(VAE, normal(16, 24), "mean and variance are both read and put out"),
    "two heads in a dict": Healthy(
        ByName, by_name, "two of the four outputs have no gradient, as they should", notes=("silent_output",)
    ),
    "heads in a named tuple of lists": Healthy(Detector, normal(8, 3, 16, 16), "each head is called at two scales"),
    "heads in a dataclass": Healthy(ActorCritic, normal(16, 8), "two networks that share nothing but the input"),
    "tied autoencoder": Healthy(TiedAutoencoder, normal(16, 20), "one weight, used in two places"),
    "mixture of experts": Healthy(Experts, normal(16, 10), "the gate's layer comes first, and acts last"),
    "condition that scales and shifts": Healthy(
        FiLM, several(normal(8, 3, 8, 8), normal(8, 5)), "the norm has no weight of its own"
    ),
}
