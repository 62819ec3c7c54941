"""Networks whose weights never learn: zeros times zeros, gates that are not learned, weights and codes cut off."""

import torch
from inspection.networks.parts import mlp, zeroed
from inspection.networks.row import Sick, normal
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the name that its users give it


class ZeroAdapter(nn.Linear):
    """A dense layer that is not learned, plus a product of two matrices that are both 0."""

    def __init__(self, inp, out):
        super().__init__(inp, out)
        self.requires_grad_(requires_grad=False)
        self.lora_a, self.lora_b = nn.Parameter(torch.zeros(4, inp)), nn.Parameter(torch.zeros(out, 4))

    def forward(self, x):
        return super().forward(x) + x @ self.lora_a.T @ self.lora_b.T


class DetachedWeight(nn.Linear):
    """A dense layer that uses its weight without its gradient."""

    def forward(self, x):
        return F.linear(x, self.weight.detach(), self.bias)


class ZeroBranch(nn.Module):
    """Two convolutions beside a skip, both 0."""

    def __init__(self, channels):
        super().__init__()
        self.first = zeroed(nn.Conv2d(channels, channels, 3, padding=1, bias=False))
        self.second = zeroed(nn.Conv2d(channels, channels, 3, padding=1, bias=False))

    def forward(self, x):
        return x + self.second(torch.relu(self.first(x)))


class Adapter(nn.Module):
    """A narrow branch whose last layer starts at 0 (Houlsby et al., 2019)."""

    def __init__(self, width):
        super().__init__()
        self.down, self.up = nn.Linear(width, 4), zeroed(nn.Linear(4, width))

    def forward(self, x):
        return x + self.up(torch.relu(self.down(x)))


class SignThenAdapters(nn.Module):
    """The signs of a dense layer, whose derivative is 0, before branches that start at 0."""

    def __init__(self):
        super().__init__()
        self.stem, self.head = nn.Linear(8, 32), nn.Linear(32, 2)
        self.adapters = nn.Sequential(Adapter(32), Adapter(32))

    def forward(self, x):
        return self.head(self.adapters(torch.sign(self.stem(x))))


class LockedGate(nn.Module):
    """A branch behind a gate that is 0 and is not learned."""

    def __init__(self, width):
        super().__init__()
        self.branch, self.gate = mlp(width, 32, width), nn.Parameter(torch.zeros(width), requires_grad=False)

    def forward(self, x):
        return x + self.gate * self.branch(x)


class Attacked(nn.Module):
    """An input moved along the gradient of another network, which is taken without a graph."""

    def __init__(self):
        super().__init__()
        self.attack, self.body = mlp(8, 16, 1), mlp(8, 32, 3)

    def forward(self, x):
        x = x.detach().requires_grad_()
        (slope,) = torch.autograd.grad(self.attack(x).sum(), x)
        return self.body(x + 0.1 * slope)


BATCH = normal(16, 16)
SICK = {
    "adapters of two zeros": Sick(
        lambda: nn.Sequential(ZeroAdapter(16, 32), nn.ReLU(), ZeroAdapter(32, 32), nn.ReLU(), nn.Linear(32, 3)),
        BATCH,
        "each matrix has the other as the factor of its gradient",
        source="weights_cut_off",
        layer="0",
        words=("lora_a",),
    ),
    "weight detached where it is used": Sick(
        lambda: nn.Sequential(nn.Linear(16, 32), nn.ReLU(), DetachedWeight(32, 32, bias=False), nn.Linear(32, 3)),
        BATCH,
        "the gradient goes through the layer, and not to its weight",
        source="weights_cut_off",
        layer="2",
        words=("detach",),
    ),
    "branch of two zero convolutions": Sick(
        lambda: nn.Sequential(nn.Conv2d(3, 8, 3), ZeroBranch(8), nn.Flatten(), nn.Linear(8 * 36, 2)),
        normal(8, 3, 8, 8),
        "each weight has the other as a factor of its gradient",
        source="weights_cut_off",
        layer="1.first",
        words=("1.first.weight is 0",),
    ),
    "signs before branches that start at zero": Sick(
        SignThenAdapters,
        normal(16, 8),
        "the stem will never learn, the branches will",
        source="gradient_cut_off",
        layer="stem",
    ),
    "branch behind a gate that is not learned": Sick(
        lambda: nn.Sequential(nn.Linear(16, 16), LockedGate(16), nn.Linear(16, 2)),
        BATCH,
        "the gate stays 0",
        source="gradient_cut_off",
        layer="1.branch.2",
    ),
    "gradient taken inside, without its graph": Sick(
        Attacked,
        normal(16, 8),
        "create_graph is missing",
        source="gradient_cut_off",
        layer="attack.2",
        words=("detach",),
    ),
}
