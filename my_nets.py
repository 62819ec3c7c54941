
import torch
from torch import nn
from torch.nn import functional as F


class Cnn(nn.Module):
    """Two convolutions with batch norms that have an eps and a momentum of their own."""

    def __init__(self, output_shape, dropout=0.0):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8, eps=1e-3, momentum=0.01)
        self.drop = nn.Dropout(dropout)
        self.conv2, self.bn2 = nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16, eps=1e-3, momentum=0.01)
        self.out = nn.Linear(16, *output_shape)

    def forward(self, x):
        x = self.drop(F.relu(self.bn1(self.conv1(x))))
        return self.out(self.bn2(self.conv2(x)).mean((2, 3)))


class Block(nn.Module):
    def __init__(self, fan_in, width, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(fan_in, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        down = [nn.Conv2d(fan_in, width, 1, stride, bias=False), nn.BatchNorm2d(width)] if stride > 1 else []
        self.down = nn.Sequential(*down)

    def forward(self, x):
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + self.down(x))


def resnet18(output_shape):
    """As many norms as the network of that name has, with few channels."""
    blocks = [(32, 32, 1), (32, 32, 1), (32, 64, 2), (64, 64, 1), (64, 64, 2), (64, 64, 1), (64, 64, 2), (64, 64, 1)]
    stem = nn.Sequential(nn.Conv2d(1, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU())
    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, *output_shape)
    return nn.Sequential(stem, *[Block(*block) for block in blocks], *head)


def mobilenet(output_shape):
    layers, fan_in = [], 1
    for width in (16, 24, 40, 48, 72, 88, 120, 144, 240):
        layers += [nn.Conv2d(fan_in, width, 1), nn.BatchNorm2d(width, eps=1e-3, momentum=0.01), nn.Hardswish()]
        fan_in = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(240, *output_shape))


class Encoder(nn.Module):
    """torch's transformer, which computes a layer norm of its own in evaluation where it may."""

    def __init__(self, output_shape):
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        self.encoder, self.out = nn.TransformerEncoder(layer, 2), nn.Linear(8, *output_shape)

    def forward(self, x):
        return self.out(self.encoder(x.flatten(1, 2)).mean(1))


class Func(nn.Module):
    def __init__(self, output_shape):
        super().__init__()
        self.first, self.out = nn.Linear(64, 16), nn.Linear(16, *output_shape)

    def forward(self, x):
        x = F.relu(F.layer_norm(self.first(x.flatten(1)), (16,)))
        return self.out(F.layer_norm(x, (16,)))


class HalfFunc(Func):
    def __init__(self, output_shape):
        super().__init__(output_shape)
        self.norm = nn.LayerNorm(64)

    def forward(self, x):
        return super().forward(self.norm(x.flatten(1)))


class Shared(nn.Module):
    """One batch norm under two names, called at two sizes."""

    def __init__(self, output_shape):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 8, 3, 2, 1)
        self.norm = nn.BatchNorm2d(8)
        self.again, self.out = self.norm, nn.Linear(8, *output_shape)

    def forward(self, x):
        return self.out(self.again(self.conv2(self.norm(self.conv1(x)))).mean((2, 3)))


class InAList(nn.Module):
    def __init__(self, output_shape):
        super().__init__()
        self.conv, self.norms, self.out = nn.Conv2d(1, 8, 3), [nn.BatchNorm2d(8)], nn.Linear(8, *output_shape)

    def forward(self, x):
        return self.out(self.norms[0](self.conv(x)).mean((2, 3)))


class Sequences(nn.Module):
    """Attention over real steps (N, T, F + 1), causal or not; the mask is the last feature."""

    def __init__(self, input_shape, output_shape, causal=False):
        super().__init__()
        self.first, self.norm1 = nn.Linear(input_shape[1] - 1, 8), nn.LayerNorm(8)
        self.mixing, self.norm2 = nn.Linear(8, 24), nn.LayerNorm(8)
        self.out, self.causal = nn.Linear(8, *output_shape), causal

    def forward(self, x):
        real, h = x[..., -1] > 0.5, self.first(x[..., :-1])
        query, key, value = self.mixing(self.norm1(h)).chunk(3, -1)
        seen = real[:, None]
        if self.causal:
            seen = seen & torch.ones(x.shape[1], x.shape[1]).tril().bool()
        weights = (query @ key.mT).masked_fill(~seen, -1e9).softmax(-1)
        h = self.norm2(h + weights @ value)
        return self.out((h * real[..., None]).sum(1) / real.sum(1, keepdim=True))


class Pooled(nn.Module):
    """A branch of maps of 1x1, with as many groups as channels there."""

    def __init__(self, output_shape, norm="group"):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8)
        self.branch, self.out = nn.Conv2d(8, 8, 1), nn.Linear(8, *output_shape)
        self.branch_norm = nn.GroupNorm(8, 8) if norm == "group" else nn.BatchNorm2d(8)

    def forward(self, x):
        x = F.relu(self.norm(self.conv(x)))
        return self.out((x + self.branch_norm(self.branch(x.mean((2, 3), keepdim=True)))).mean((2, 3)))


class Tokens(nn.Module):
    """Eight tokens of a dense layer, which a norm takes for channels."""

    def __init__(self, output_shape):
        super().__init__()
        self.first, self.norm, self.out = nn.Linear(8, 16), nn.BatchNorm1d(8), nn.Linear(16, *output_shape)

    def forward(self, x):
        return self.out(self.norm(self.first(x.flatten(1, 2))).mean(1))


def pretrained(output_shape):
    torch.manual_seed(3)
    return Cnn(output_shape)
