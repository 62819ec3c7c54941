"""Networks of which branches, gates or heads start at zero, also one behind the other, so that little learns first."""

import torch
from inspection.networks.branches import ReZeroBlock
from inspection.networks.parts import frozen, mlp, zeroed
from inspection.networks.row import Healthy, ids, normal, several
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the name that its users give it
from torch.nn.utils.parametrizations import weight_norm


class Modulated(nn.Module):
    """Attention and a dense part, which a condition scales and lets through, not at all at the start."""

    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.attention = nn.MultiheadAttention(width, 2, batch_first=True)
        self.mlp, self.condition = mlp(width, 32, width, act=nn.GELU), zeroed(nn.Linear(width, 4 * width))

    def forward(self, x, c):
        scale1, gate1, scale2, gate2 = self.condition(F.silu(c))[:, None].chunk(4, -1)
        y = self.norm(x) * (1 + scale1)
        x = x + gate1 * self.attention(y, y, y)[0]
        return x + gate2 * self.mlp(self.norm(x) * (1 + scale2))


class DiffusionTransformer(nn.Module):
    """Patches, a time and a label; the blocks' conditions and the last layer are 0 (Peebles and Xie, 2023)."""

    def __init__(self, width=16):
        super().__init__()
        self.patch, self.time, self.label = nn.Linear(12, width), nn.Linear(1, width), nn.Embedding(10, width)
        self.blocks = nn.ModuleList(Modulated(width) for _ in range(2))
        self.norm, self.out = nn.LayerNorm(width), zeroed(nn.Linear(width, 12))

    def forward(self, x, time, label):
        x, condition = self.patch(x), self.time(time) + self.label(label)
        for block in self.blocks:
            x = block(x, condition)
        return self.out(self.norm(x))


class Stage(nn.Module):
    """Two convolutions beside a skip, of which the second is 0; a time shifts what lies between (Ho et al., 2020)."""

    def __init__(self, inp=16, out=16):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(4, inp), nn.Conv2d(inp, out, 3, padding=1)
        self.norm2, self.conv2 = nn.GroupNorm(4, out), zeroed(nn.Conv2d(out, out, 3, padding=1))
        self.time, self.skip = nn.Linear(1, out), nn.Identity() if inp == out else nn.Conv2d(inp, out, 1)

    def forward(self, x, time):
        shifted = self.conv1(F.silu(self.norm1(x))) + self.time(time)[:, :, None, None]
        return self.skip(x) + self.conv2(F.silu(self.norm2(shifted)))


class Denoiser(nn.Module):
    """A stem, two such stages, the second with the stem's output beside the first's, and pictures again."""

    def __init__(self):
        super().__init__()
        self.stem, self.out = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 3, 3, padding=1)
        self.stages = nn.ModuleList([Stage(), Stage(32, 16)])

    def forward(self, x, time, control=0):
        (first, second), x = self.stages, self.stem(x)
        return self.out(second(torch.cat([first(x, time), x + control], 1), time))


class Controlled(nn.Module):
    """A denoiser that is not learned, and what a hint adds to it through a convolution of 0 (Zhang et al., 2023)."""

    def __init__(self):
        super().__init__()
        self.base, self.hint, self.stage = frozen(Denoiser()), nn.Conv2d(3, 16, 3, padding=1), Stage()
        self.gate = zeroed(nn.Conv2d(16, 16, 1))

    def forward(self, x, time, hint):
        return self.base(x, time, self.gate(self.stage(self.hint(hint), time)))


class Queries(nn.Module):
    """A few learned questions asked of a sequence, whose answers start as zeros (Carion et al., 2020)."""

    def __init__(self, width=16):
        super().__init__()
        self.queries, self.norm = nn.Embedding(5, width), nn.LayerNorm(width)
        self.among = nn.MultiheadAttention(width, 2, batch_first=True)
        self.of_input = nn.MultiheadAttention(width, 2, batch_first=True)
        self.classify = nn.Linear(width, 3)

    def forward(self, memory):
        asked = self.queries.weight.expand(len(memory), -1, -1)
        target = torch.zeros_like(asked)
        target = self.norm(target + self.among(asked, asked, target)[0])
        return self.classify(target + self.of_input(target + asked, memory, memory)[0])


def encoder():
    """Return two pre-norm layers of encoder whose branches end in weights of 0, between dense layers."""
    layer = nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=True, norm_first=True)
    for last in (layer.self_attn.out_proj, layer.linear2):
        nn.init.zeros_(last.weight)
    return nn.Sequential(nn.Linear(16, 16), nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), mlp(16, 5))


class ShortWeight(nn.Module):
    """A branch whose last weight is split into length and direction, of length 0."""

    def __init__(self, width=16):
        super().__init__()
        self.first, self.last = nn.Linear(width, width), weight_norm(nn.Linear(width, width))
        zeroed(self.last).parametrizations.weight.original1.data.normal_()

    def forward(self, x):
        return x + self.last(torch.relu(self.first(x)))


class ScaledBranches(nn.Module):
    """Words and pre-norm branches times a learned 1e-5 (Touvron et al., 2021), read by two dense layers."""

    def __init__(self, width=16):
        super().__init__()
        self.embed, self.head = nn.Embedding(40, width), mlp(width, 32, 5)
        self.branches = nn.ModuleList(nn.Sequential(nn.LayerNorm(width), mlp(width, 32, width)) for _ in range(3))
        self.scales = nn.ParameterList(1e-5 * torch.ones(width) for _ in range(3))

    def forward(self, tokens):
        x = self.embed(tokens)
        for branch, scale in zip(self.branches, self.scales, strict=True):
            x = x + scale * branch(x)
        return self.head(x)


class Scaled(nn.Module):
    """A learned number per feature, 1 at the start."""

    def __init__(self, width):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return self.scale * x


class Flow(nn.Module):
    """Halves that scale and shift each other, the identity at the start (Kingma and Dhariwal, 2018)."""

    def __init__(self):
        super().__init__()
        self.limits = nn.ModuleList(Scaled(4) for _ in "12")
        self.couplings = nn.ModuleList(nn.Sequential(mlp(4, 32), nn.ReLU(), zeroed(nn.Linear(32, 8))) for _ in "12")

    def forward(self, x):
        log_det = 0
        for coupling, limit in zip(self.couplings, self.limits, strict=True):
            kept, other = x.chunk(2, 1)
            scale, shift = coupling(kept).chunk(2, 1)
            scale = limit(scale.tanh())
            x, log_det = torch.cat([other * scale.exp() + shift, kept], 1), log_det + scale.sum(1)
        return {"z": x, "log_det": log_det}


TIME = normal(8, 1)
HEALTHY = {
    "branches times zero, the first layer in one": Healthy(
        lambda: nn.Sequential(ReZeroBlock(16), ReZeroBlock(16), mlp(16, 16, 3)),
        normal(16, 16),
        "there is no layer whose gradient could be compared with the branches'",
        ("?.f.*",),
    ),
    "diffusion transformer": Healthy(
        DiffusionTransformer,
        several(normal(8, 4, 12), TIME, ids(10, 8)),
        "the last layer learns first, then the conditions, then the branches",
        ("patch.*", "time.*", "label.*", "blocks.*", "norm.*"),
        notes=("constant_output",),
        alike="the last layer is 0",
    ),
    "denoiser whose branches end at zero": Healthy(
        Denoiser,
        several(normal(8, 3, 8, 8), TIME),
        "the second convolution of each branch learns first",
        ("stages.?.norm?.*", "stages.?.conv1.*", "stages.?.time.*"),
    ),
    "control behind two zeros": Healthy(
        Controlled,
        several(normal(8, 3, 8, 8), TIME, normal(8, 3, 8, 8)),
        "the gate learns at the first step, what lies before it later",
        ("hint.*", "stage.*"),
    ),
    "questions whose answers start as zeros": Healthy(
        Queries,
        normal(8, 9, 16),
        "values of zeros make the first attention its bias, 0, for every sample",
        ("among.in_proj_weight", "among.out_proj.weight", "norm.weight"),
    ),
    "encoder whose branches end at zero": Healthy(
        encoder,
        normal(8, 6, 16),
        "each branch lies beside a skip",
        ("1.layers.?.norm?.*", "1.layers.?.self_attn.in_proj*", "1.layers.?.linear1.*"),
    ),
    "weight norm of length 0": Healthy(
        lambda: nn.Sequential(nn.Linear(12, 16), ShortWeight(), ShortWeight(), nn.Linear(16, 3)),
        normal(16, 12),
        "the length learns first, then the direction",
        ("?.first.*", "?.last.*.original1"),
    ),
    "layer scale after words": Healthy(
        ScaledBranches, ids(40, 8, 6), "a branch has 1e-5 of the gradient of the words, which lie before it"
    ),
    "flow of identities": Healthy(
        Flow,
        normal(16, 8),
        "the last layer of each coupling learns first",
        ("couplings.?.0.*", "limits.*"),
        notes=("constant_output",),
        alike="log_det is 0 until the couplings learn",
    ),
}
