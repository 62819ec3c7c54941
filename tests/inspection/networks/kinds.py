"""Networks that run in unusual ways: few bits, transforms, recursion, gradients inside, layers made late, state."""

import torch
from inspection.networks.parts import mlp
from inspection.networks.row import Healthy, normal, several
from torch import nn
from torch.nn.utils import parametrize


class EightBitBuffer(nn.Module):
    """A weight in floating-point numbers of eight bits, which is not learned."""

    def __init__(self):
        super().__init__()
        self.register_buffer("weight", (torch.randn(32, 8) / 3).to(torch.float8_e4m3fn))
        self.out = nn.Linear(32, 2)

    def forward(self, x):
        return self.out(torch.relu(x @ self.weight.to(x.dtype).T))


class Ensemble(nn.Module):
    """Three networks computed at once, their weights stacked."""

    def __init__(self):
        super().__init__()
        self.members = nn.ModuleList(mlp(6, 16, 2) for _ in range(3))

    def forward(self, x):
        weights = [dict(member.named_parameters()) for member in self.members]
        stacked = {name: torch.stack([one[name] for one in weights]) for name in weights[0]}
        return torch.func.vmap(lambda one: torch.func.functional_call(self.members[0], one, (x,)))(stacked)


class Hamiltonian(nn.Module):
    """The derivatives of an energy by the input, taken inside forward (Greydanus et al., 2019)."""

    def __init__(self):
        super().__init__()
        self.energy = mlp(4, 32, 1, act=nn.Tanh)

    def forward(self, x):
        x = x.requires_grad_()
        (slope,) = torch.autograd.grad(self.energy(x).sum(), x, create_graph=True)
        return torch.cat([slope[:, 2:], -slope[:, :2]], 1)


class GradientPenalty(nn.Module):
    """A critic's loss with a penalty on its slope between real and made (Gulrajani et al., 2017)."""

    def __init__(self):
        super().__init__()
        self.critic = mlp(8, 32, 32, 1, act=nn.SiLU)

    def forward(self, real, made):
        between = torch.lerp(real, made, torch.rand(len(real), 1)).requires_grad_()
        (slope,) = torch.autograd.grad(self.critic(between).sum(), between, create_graph=True)
        penalty = (slope.norm(dim=1) - 1).square().mean()
        return self.critic(made).mean() - self.critic(real).mean() + 10 * penalty


class Tree(nn.Module):
    """Calls itself for both halves of a sequence, and merges what they put out."""

    def __init__(self):
        super().__init__()
        self.leaf, self.merge, self.out = nn.Linear(8, 16), nn.Linear(32, 16), nn.Linear(16, 2)

    def forward(self, x, depth=0):
        if x.shape[1] == 1:
            return torch.relu(self.leaf(x[:, 0]))
        halves = [self(half, depth + 1) for half in x.chunk(2, 1)]
        merged = torch.relu(self.merge(torch.cat(halves, 1)))
        return merged if depth else self.out(merged)


class LateLayer(nn.Module):
    """A last layer that is made when the first batch shows its width."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(8, 16), None

    def forward(self, x):
        x = torch.relu(self.first(x))
        if self.last is None:
            self.last = self.made(x.shape[1])
        return self.last(x)

    def made(self, width):
        return nn.Linear(width, 3)


class ScaledRoot(nn.Module):
    """A network times a scale of its own, of which a positive function is computed."""

    def __init__(self):
        super().__init__()
        self.scale, self.body = nn.Parameter(torch.ones(3)), mlp(8, 32, 3)
        parametrize.register_parametrization(self, "scale", nn.Softplus())

    def forward(self, x):
        return self.scale * self.body(x)


class StepsAlone(nn.LSTM):
    """An LSTM that puts out its steps, and None for its state."""

    def forward(self, x):
        return super().forward(x)[0], None


class First(nn.Module):
    """The first of what comes in."""

    def forward(self, several):
        return several[0]


class SmallPolicy(nn.Module):
    """Actor and critic on one trunk; the actor's weight starts 0.01 times as large (Schulman et al., 2017)."""

    def __init__(self):
        super().__init__()
        self.trunk, self.actor, self.critic = mlp(8, 32, 32, act=nn.Tanh), nn.Linear(32, 4), nn.Linear(32, 1)
        nn.init.orthogonal_(self.actor.weight, 0.01)
        nn.init.zeros_(self.actor.bias)

    def forward(self, x):
        x = torch.tanh(self.trunk(x))
        return self.actor(x), self.critic(x)


class KeepsState(nn.Module):
    """A GRU that goes on from where the last batch ended."""

    def __init__(self):
        super().__init__()
        self.rnn, self.out, self.state = nn.GRU(6, 12, batch_first=True), nn.Linear(12, 2), None

    def forward(self, x):
        steps, state = self.rnn(x, self.state)
        self.state = state.detach()
        return self.out(steps)


def half(*shape):
    """Return a function that draws N(0, 1) in bfloat16 from a seed."""
    return lambda seed: normal(*shape)(seed).bfloat16()


BATCH = normal(16, 8)
HEALTHY = {
    "softmax in bfloat16": Healthy(
        lambda: nn.Sequential(mlp(8, 32, 32, 3), nn.Softmax(-1)).bfloat16(),
        half(16, 8),
        "the gradients of a softmax sum to 0, which eight bits miss by rounding",
    ),
    "buffer of eight bits": Healthy(EightBitBuffer, BATCH, "it has no arithmetic of its own"),
    "ensemble by vmap": Healthy(Ensemble, normal(16, 6), "what a layer puts out has no numbers of its own"),
    "gradient inside forward": Healthy(
        Hamiltonian,
        normal(16, 4),
        "the last bias does not matter, and each layer's output only by its slope",
        ("energy.2.bias",),
    ),
    "gradient penalty": Healthy(
        GradientPenalty,
        several(BATCH, BATCH),
        "the last bias cancels in the difference of the means",
        ("critic.4.bias",),
        alike="one number, made of slopes and means",
    ),
    "tree": Healthy(Tree, normal(16, 4, 8), "the network is called inside its own call"),
    "layer made in forward": Healthy(LateLayer, BATCH, "before the first batch there is no such layer"),
    "computed scale of the whole": Healthy(ScaledRoot, BATCH, "the network is itself a parametrized module"),
    "lstm that puts out steps and none": Healthy(
        lambda: nn.Sequential(StepsAlone(6, 12, batch_first=True), First(), nn.Linear(12, 3)),
        normal(8, 7, 6),
        "a state that is missing is not read",
    ),
    "policy that starts small": Healthy(SmallPolicy, BATCH, "a last weight 0.01 times as large is meant so"),
    "state kept between batches": Healthy(KeepsState, normal(8, 7, 6), "the state is detached, the steps are not"),
}
