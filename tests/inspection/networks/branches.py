"""Networks of which a part starts at zero or is not learned, and parameters of unusual kinds."""

import torch
from inspection.networks.row import Healthy, ids, normal
from torch import nn


class ReZero(nn.Module):
    """Blocks that start as the identity: each branch times a number that is 0 (Bachlechner et al., 2020)."""

    def __init__(self, width=24, depth=4):
        super().__init__()
        self.stem, self.head = nn.Linear(10, width), nn.Linear(width, 3)
        self.blocks = nn.ModuleList(ReZeroBlock(width) for _ in range(depth))

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


class ReZeroBlock(nn.Module):
    """The stream, plus a branch times alpha."""

    def __init__(self, width):
        super().__init__()
        self.f = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
        self.alpha = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return x + self.alpha * self.f(x)


class LayerScale(nn.Module):
    """A branch of a norm and two convolutions, each channel times a learned 1e-4 (Touvron et al., 2021)."""

    def __init__(self, channels=16):
        super().__init__()
        self.dwconv, self.norm = nn.Conv2d(channels, channels, 3, padding=1, groups=channels), nn.LayerNorm(channels)
        self.pwconv1, self.act, self.pwconv2 = nn.Linear(channels, 32), nn.GELU(), nn.Linear(32, channels)
        self.gamma = nn.Parameter(1e-4 * torch.ones(channels))

    def forward(self, x):
        branch = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        branch = self.gamma * self.pwconv2(self.act(self.pwconv1(branch)))
        return x + branch.permute(0, 3, 1, 2)


def convnext():
    """Patches, three blocks with layer scale, pooling, a norm and a dense layer."""
    blocks = (LayerScale() for _ in range(3))
    return nn.Sequential(
        nn.Conv2d(3, 16, 4, 4), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(16), nn.Linear(16, 4)
    )


class FrozenBackbone(nn.Module):
    """A backbone that is not learned and always in evaluation mode, with a new head."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(
            *(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU()),
            *(nn.Conv2d(8, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()),
        )
        for i in (1, 4):
            self.backbone[i].running_mean.normal_(0, 0.2)
            self.backbone[i].running_var.uniform_(0.1, 0.6)
        self.backbone.requires_grad_(requires_grad=False)
        self.head = nn.Linear(16, 3)
        self.train()

    def train(self, mode=True):
        super().train(mode)
        self.backbone.eval()
        return self

    def forward(self, x):
        with torch.no_grad():
            features = self.backbone(x)
        return self.head(features.mean((2, 3)))


class LoRALinear(nn.Module):
    """A dense layer that is not learned, plus a product of two thin matrices; the second is 0 (Hu et al., 2021)."""

    def __init__(self, base, rank=4):
        super().__init__()
        self.base = base.requires_grad_(requires_grad=False)
        self.lora_A = nn.Linear(base.in_features, rank, bias=False)
        self.lora_B = nn.Linear(rank, base.out_features, bias=False)
        nn.init.zeros_(self.lora_B.weight)

    def forward(self, x):
        return self.base(x) + 2.0 * self.lora_B(self.lora_A(x))


def lora():
    """Two layers that are adapted, and a head that is learned."""
    return nn.Sequential(
        *(LoRALinear(nn.Linear(12, 32)), nn.Tanh(), LoRALinear(nn.Linear(32, 32)), nn.Tanh()), nn.Linear(32, 4)
    )


class SpectralConv(nn.Module):
    """The lowest frequencies of a picture, mixed over channels by complex weights (Li et al., 2021)."""

    def __init__(self, channels, modes=4):
        super().__init__()
        self.modes = modes
        draw = torch.randn(channels, channels, modes, modes, dtype=torch.cfloat)
        self.weight = nn.Parameter(draw / channels**0.5)

    def forward(self, x):
        found, kept = torch.fft.rfft2(x), self.modes
        mixed = torch.zeros_like(found)
        mixed[:, :, :kept, :kept] = torch.einsum("nixy,ioxy->noxy", found[:, :, :kept, :kept], self.weight)
        return torch.fft.irfft2(mixed, s=x.shape[-2:])


class FourierOperator(nn.Module):
    """Lift, two layers of spectral beside pointwise convolution, project."""

    def __init__(self, channels=8):
        super().__init__()
        self.lift, self.project = nn.Conv2d(1, channels, 1), nn.Conv2d(channels, 1, 1)
        self.spectral = nn.ModuleList(SpectralConv(channels) for _ in range(2))
        self.pointwise = nn.ModuleList(nn.Conv2d(channels, channels, 1) for _ in range(2))

    def forward(self, x):
        x = self.lift(x)
        for spectral, pointwise in zip(self.spectral, self.pointwise, strict=True):
            x = nn.functional.gelu(spectral(x) + pointwise(x))
        return self.project(x)


class Bags(nn.Module):
    """Means over bags of words, given end to end with where each begins."""

    def __init__(self):
        super().__init__()
        self.bag, self.fc = nn.EmbeddingBag(60, 16, mode="mean", sparse=True), nn.Linear(16, 4)

    def forward(self, words, offsets):
        return self.fc(self.bag(words, offsets))


class SparseWords(nn.Module):
    """An embedding whose gradient is a sparse tensor; convolutions over the words."""

    def __init__(self):
        super().__init__()
        self.embed, self.conv = nn.Embedding(80, 12, sparse=True), nn.Conv1d(12, 16, 3, padding=1)
        self.fc = nn.Linear(16, 2)

    def forward(self, tokens):
        return self.fc(torch.relu(self.conv(self.embed(tokens).transpose(1, 2))).amax(2))


def bags(seed):
    """Return forty words in eight bags."""
    return ids(60, 40)(seed), torch.arange(0, 40, 5)


F_PARAMETERS = tuple(f"blocks.{i}.f.{j}.{what}" for i in range(4) for j in (0, 2) for what in ("weight", "bias"))
HEALTHY = {
    "branches times zero": Healthy(ReZero, normal(16, 10), "only alpha learns at the first step", F_PARAMETERS),
    "layer scale": Healthy(convnext, normal(8, 3, 32, 32), "the branches' gradient is small by design, beside skips"),
    "frozen backbone, new head": Healthy(FrozenBackbone, normal(8, 3, 16, 16), "what is not learned wants no gradient"),
    "low-rank adapters": Healthy(
        lora, normal(16, 12), "B is 0, so A learns from the second step on", ("0.lora_A.weight", "2.lora_A.weight")
    ),
    "fourier operator": Healthy(FourierOperator, normal(8, 1, 16, 16), "weights and spectra are complex"),
    "bags of words": Healthy(Bags, bags, "the batch is as long as the offsets, not the words"),
    "sparse embedding": Healthy(SparseWords, ids(80, 8, 10), "the gradient of the embedding is a sparse tensor"),
}
