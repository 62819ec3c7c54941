"""The ways in which libraries build norms into their networks, each as a small network of its own."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - torch's idiom
from torch.utils.checkpoint import checkpoint

IMAGES = (4, 3, 8, 8)
TOKENS = (4, 5, 16)


class Block(nn.Module):
    """Two convolutions and a shortcut, with weights of the last norm at 0."""

    def __init__(self, fan_in, width, stride=1):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(fan_in, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        shortcut = [nn.Conv2d(fan_in, width, 1, stride, bias=False), nn.BatchNorm2d(width)] if stride > 1 else []
        self.shortcut = nn.Sequential(*shortcut)
        nn.init.zeros_(self.bn2.weight)

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + self.shortcut(x))


def resnet():
    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 3)
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), Block(8, 8), Block(8, 16, 2), *head)


def mobilenet(channels=(16, 24, 40)):
    parts = []
    for fan_in, width in pairwise((3, *channels)):
        conv = nn.Conv2d(fan_in, width, 3, padding=1, bias=False)
        parts += [conv, nn.BatchNorm2d(width, eps=1e-3, momentum=0.01), nn.Hardswish(inplace=True)]
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels[-1], 3))


class NormAct(nn.BatchNorm2d):
    """Batch norm that also drops and activates, by a forward of its own."""

    def __init__(self, num_features, act=nn.SiLU, drop=nn.Identity):
        super().__init__(num_features)
        self.drop, self.act = drop(), act(inplace=True) if act is not nn.Identity else act()

    def forward(self, x):
        if self.training:
            self.num_batches_tracked.add_(1)
        batch = self.training or not self.track_running_stats
        y = F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, batch, self.momentum, self.eps)
        return self.act(self.drop(y))


class Fused(nn.Module):
    """Convolutions with norms that hold their activations, the last one without; ReLU inside the first sum."""

    def __init__(self):
        super().__init__()
        self.stem, self.norm1 = nn.Conv2d(3, 8, 3, padding=1), NormAct(8)
        self.conv2, self.norm2 = nn.Conv2d(8, 8, 3, padding=1), NormAct(8, drop=lambda: nn.Dropout(0.5))
        self.conv3, self.norm3 = nn.Conv2d(8, 8, 3, padding=1), NormAct(8, act=nn.Identity)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        x = self.norm1(self.stem(x))
        x = x + self.norm3(self.conv3(self.norm2(self.conv2(x))))
        return self.head(x.mean((2, 3)))


def encoder(norm_first=False, batch_first=True, layers=2, **kwargs):
    layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=batch_first, norm_first=norm_first)
    return nn.TransformerEncoder(layer, layers, enable_nested_tensor=False, **kwargs)


class StepsFirst(nn.Module):
    """An encoder that takes steps on the first axis and samples on the second, inside a network that does not."""

    def __init__(self):
        super().__init__()
        self.embed, self.encoder, self.head = nn.Linear(16, 16), encoder(batch_first=False), nn.Linear(16, 3)

    def forward(self, x):
        return self.head(self.encoder(self.embed(x).transpose(0, 1)).mean(0))


class Functional(nn.Module):
    """Norms that are functions."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        x = self.conv(x)
        return F.instance_norm(F.layer_norm(x, x.shape[1:]))


class SharedNorm(nn.Module):
    """One batch norm under two names, called at two sizes."""

    def __init__(self):
        super().__init__()
        self.conv, self.first = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.second = self.first

    def forward(self, x):
        x = self.first(self.conv(x)).relu()
        return self.second(F.max_pool2d(x, 2)).mean((2, 3))


class ListedNorm(nn.Module):
    """A norm that is registered, and called from a plain list."""

    def __init__(self, registered=True):
        super().__init__()
        self.conv, norm = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)
        self.norms = [norm]
        self.other = nn.BatchNorm2d(8)
        if registered:
            self.norm = norm

    def forward(self, x):
        return self.other(self.norms[0](self.conv(x)).relu()).mean((2, 3))


class Checkpointed(nn.Module):
    """Computes its first norm again in the backward pass."""

    def __init__(self, reentrant=False):
        super().__init__()
        self.conv0 = nn.Conv2d(3, 8, 3, padding=1)
        self.part, self.norm = nn.Sequential(nn.BatchNorm2d(8), nn.ReLU()), nn.BatchNorm2d(8)
        self.conv, self.reentrant = nn.Conv2d(8, 8, 3), reentrant

    def forward(self, x):
        x = self.conv0(x)
        if self.training:
            x = checkpoint(lambda x: self.conv(self.part(x)), x, use_reentrant=self.reentrant)
        else:
            x = self.conv(self.part(x))
        return self.norm(x).mean((2, 3))


class ConditionalNorm(nn.Module):
    """Batch norm without weights, and weights from the input's mean."""

    def __init__(self, num_features):
        super().__init__()
        self.norm = nn.BatchNorm2d(num_features, affine=False)
        self.weight = nn.Linear(num_features, num_features)

    def forward(self, x):
        return self.norm(x) * self.weight(x.mean((2, 3)))[..., None, None]


def conditional():
    return nn.Sequential(nn.Conv2d(3, 8, 3), ConditionalNorm(8), nn.ReLU(), nn.Conv2d(8, 3, 3))


def lazy():
    return nn.Sequential(nn.LazyConv2d(8, 3), nn.LazyBatchNorm2d(eps=1e-3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(3))


def spectral():
    old = nn.utils.spectral_norm(nn.Conv2d(3, 8, 3))
    new = nn.utils.parametrizations.spectral_norm(nn.Conv2d(8, 8, 3))
    return nn.Sequential(old, nn.BatchNorm2d(8), nn.ReLU(), new, nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(128, 3))


class Uncalled(nn.Module):
    """Holds a norm that is part of what it was made from, and never calls it."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self._bn1 = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.BatchNorm2d(12)

    def forward(self, x):
        return self.norm(self.conv(x)).mean((2, 3))


class Windows(nn.Module):
    """Channels last: a layer norm on (N, H, W, C) whose output is viewed, then one on (N, H W, C)."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm1, self.norm2 = nn.Conv2d(3, 16, 3, padding=1), nn.LayerNorm(16), nn.LayerNorm(16, eps=1e-6)
        self.mlp, self.head = nn.Linear(16, 16), nn.Linear(16, 3)

    def forward(self, x):
        x = self.norm1(self.conv(x).permute(0, 2, 3, 1).contiguous())
        windows = x.view(len(x), 4, 2, 4, 2, 16).permute(0, 1, 3, 2, 4, 5).reshape(len(x), 64, 16)
        return self.head(self.norm2(self.mlp(windows)).mean(1))


class Tokens(nn.Module):
    """Batch norm on (N L, C), a row for each token."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.head = nn.Linear(16, 24), nn.BatchNorm1d(24), nn.Linear(24, 3)

    def forward(self, x):
        x = self.first(x)
        return self.head(self.norm(x.flatten(0, 1)).reshape_as(x).relu().mean(1))


class StandardizedConv2d(nn.Conv2d):
    """Weight standardization, which uses batch norm's kernel on its weight."""

    def forward(self, x):
        rows = (self.weight * 2).reshape(1, len(self.weight), -1)
        weight = F.batch_norm(rows, None, None, training=True, momentum=0.0, eps=1e-6)
        return F.conv2d(x, weight.reshape_as(self.weight), self.bias)


def standardized():
    return nn.Sequential(StandardizedConv2d(3, 8, 3), nn.GroupNorm(2, 8), nn.ReLU(), nn.Flatten(), nn.Linear(288, 3))


class DropPath(nn.Module):
    """Leaves out its branch by chance: the norm is then not called."""

    def __init__(self, probability=0.5):
        super().__init__()
        self.probability, self.norm, self.layer = probability, nn.LayerNorm(16), nn.Linear(16, 16)

    def forward(self, x):
        if self.training and torch.rand(()) < self.probability:
            return x
        return x + self.layer(self.norm(x))


def dropping():
    return nn.Sequential(*(DropPath() for _ in range(6)), nn.Linear(16, 3))


class RootMeanSquareNorm(nn.Module):
    """RMS norm as language models write it, not derived from a class of torch's."""

    def __init__(self, width):
        super().__init__()
        self.weight, self.variance_epsilon = nn.Parameter(torch.ones(width)), 1e-6

    def forward(self, hidden):
        variance = hidden.float().pow(2).mean(-1, keepdim=True)
        return self.weight * (hidden.float() * torch.rsqrt(variance + self.variance_epsilon)).to(hidden.dtype)


class ShiftedNorm(RootMeanSquareNorm):
    """The same with a weight that starts at 0 and is added to 1."""

    def __init__(self, width):
        super().__init__(width)
        nn.init.zeros_(self.weight)

    def forward(self, hidden):
        variance = hidden.pow(2).mean(-1, keepdim=True)
        return hidden * torch.rsqrt(variance + self.variance_epsilon) * (1 + self.weight)


def language(norm=RootMeanSquareNorm):
    return nn.Sequential(nn.Linear(16, 16), norm(16), nn.GELU(), nn.Linear(16, 16), norm(16), nn.Linear(16, 7))


class MapNorm(nn.LayerNorm):
    """Layer norm over the channels of maps (N, C, H, W)."""

    def forward(self, x):
        return F.layer_norm(x.permute(0, 2, 3, 1), self.normalized_shape, self.weight, self.bias, self.eps).permute(
            0, 3, 1, 2
        )


def convnext():
    return nn.Sequential(nn.Conv2d(3, 8, 2, 2), MapNorm(8, eps=1e-6), nn.GELU(), nn.Flatten(), nn.Linear(128, 3))


class PreActivation(nn.Module):
    """Norm and ReLU in place before the branch, whose input is also the shortcut."""

    def __init__(self):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.relu, self.conv = nn.ReLU(inplace=True), nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x):
        x = self.stem(x)
        return x + self.conv(self.relu(self.norm(x)))


NETWORKS = {
    "resnet": (resnet, IMAGES),
    "mobilenet": (mobilenet, IMAGES),
    "fused": (Fused, IMAGES),
    "encoder": (encoder, TOKENS),
    "pre_norm": (lambda: encoder(norm_first=True, norm=nn.LayerNorm(16)), TOKENS),
    "steps_first": (StepsFirst, TOKENS),
    "shared": (SharedNorm, IMAGES),
    "checkpointed": (Checkpointed, IMAGES),
    "reentrant": (lambda: Checkpointed(reentrant=True), IMAGES),
    "conditional": (conditional, IMAGES),
    "spectral": (spectral, IMAGES),
    "uncalled": (Uncalled, IMAGES),
    "windows": (Windows, IMAGES),
    "tokens": (Tokens, TOKENS),
    "standardized": (standardized, IMAGES),
    "dropping": (dropping, TOKENS),
    "language": (language, TOKENS),
    "convnext": (convnext, IMAGES),
    "preact": (PreActivation, IMAGES),
}


def made(name, seed=0):
    """Return a network and a batch for it."""
    make, shape = NETWORKS[name]
    torch.default_generator.manual_seed(seed)
    return make(), torch.randn(shape)
