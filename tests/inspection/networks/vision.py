"""Convolutional networks: residual, inverted residual, dense, squeezing, U-shaped, weight-normed."""

import torch
from inspection.networks.row import Healthy, normal
from torch import nn
from torch.nn.utils.parametrizations import weight_norm


class Bottleneck(nn.Module):
    """Narrow, 3x3, wide, and what came in; the last norm's weight starts at 0."""

    def __init__(self, inplanes, planes, stride=1):
        super().__init__()
        width = 2 * planes
        self.conv1, self.bn1 = nn.Conv2d(inplanes, planes, 1, bias=False), nn.BatchNorm2d(planes)
        self.conv2, self.bn2 = nn.Conv2d(planes, planes, 3, stride, 1, bias=False), nn.BatchNorm2d(planes)
        self.conv3, self.bn3 = nn.Conv2d(planes, width, 1, bias=False), nn.BatchNorm2d(width)
        self.relu, self.downsample = nn.ReLU(inplace=True), None
        if stride != 1 or inplanes != width:
            self.downsample = nn.Sequential(nn.Conv2d(inplanes, width, 1, stride, bias=False), nn.BatchNorm2d(width))
        nn.init.zeros_(self.bn3.weight)

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        return self.relu(self.bn3(self.conv3(out)) + identity)


def resnet():
    """A stem, four blocks in two stages, pooling and a dense layer."""
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True)),
        nn.Sequential(Bottleneck(8, 8), Bottleneck(16, 8)),
        nn.Sequential(Bottleneck(16, 16, 2), Bottleneck(32, 16)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)),
    )


def _conv_norm(inp, out, kernel, stride=1, groups=1, act=nn.ReLU6):
    conv = nn.Conv2d(inp, out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out), *([act(inplace=True)] if act else []))


class InvertedResidual(nn.Module):
    """Wide, one filter per channel, narrow without activation; a skip where the shapes allow it."""

    def __init__(self, inp, out, stride):
        super().__init__()
        self.use_res_connect, wide = stride == 1 and inp == out, 4 * inp
        depthwise = _conv_norm(wide, wide, 3, stride, groups=wide)
        self.conv = nn.Sequential(_conv_norm(inp, wide, 1), depthwise, _conv_norm(wide, out, 1, act=None))

    def forward(self, x):
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


def mobilenet():
    """A stem, four inverted residuals, pooling, dropout that is off, and a dense layer."""
    blocks = [InvertedResidual(8, 8, 1), InvertedResidual(8, 12, 2), InvertedResidual(12, 12, 1)]
    return nn.Sequential(
        *(_conv_norm(3, 8, 3, 2), *blocks, _conv_norm(12, 32, 1)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.0), nn.Linear(32, 6)),
    )


class DenseBlock(nn.Module):
    """Each layer takes all that was made before it, joined along channels: norm, ReLU, convolution."""

    def __init__(self, channels, growth=6, depth=3):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, growth, 3, 1, 1, bias=False))
            for width in range(channels, channels + growth * depth, growth)
        )

    def forward(self, x):
        features = [x]
        for layer in self.layers:
            features.append(layer(torch.cat(features, 1)))
        return torch.cat(features, 1)


def densenet():
    """A stem, two dense blocks with a transition between, pooling and a dense layer."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 1, 1, bias=False),
        DenseBlock(8),
        *(nn.BatchNorm2d(26), nn.ReLU(inplace=True), nn.Conv2d(26, 12, 1, bias=False), nn.AvgPool2d(2)),
        DenseBlock(12),
        *(nn.BatchNorm2d(30), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(30, 10)),
    )


class SqueezeExcite(nn.Module):
    """Every channel times a number between 0 and 1 that all of them decide."""

    def __init__(self, channels, reduced):
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(channels, reduced, 1), nn.Conv2d(reduced, channels, 1)

    def forward(self, x):
        gate = self.fc2(torch.relu(self.fc1(x.mean((2, 3), keepdim=True))))
        return x * torch.sigmoid(gate)


def squeezing():
    """Two stages of convolution, norm and squeeze-and-excitation."""
    return nn.Sequential(
        *(nn.Conv2d(3, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.SiLU(), SqueezeExcite(16, 8)),
        *(nn.Conv2d(16, 24, 3, 2, 1), nn.BatchNorm2d(24), nn.SiLU(), SqueezeExcite(24, 8)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 5)),
    )


def _stage(inp, out):
    return nn.Sequential(nn.Conv2d(inp, out, 3, padding=1), nn.GroupNorm(4, out), nn.ReLU(inplace=True))


class UNet(nn.Module):
    """Down twice, up twice by transposed convolutions, each stage joined with what came down."""

    def __init__(self):
        super().__init__()
        self.pool = nn.MaxPool2d(2)
        self.down1, self.down2, self.bottom = _stage(1, 8), _stage(8, 16), _stage(16, 32)
        self.up2, self.dec2 = nn.ConvTranspose2d(32, 16, 2, 2), _stage(32, 16)
        self.up1, self.dec1 = nn.ConvTranspose2d(16, 8, 2, 2), _stage(16, 8)
        self.out = nn.Conv2d(8, 2, 1)

    def forward(self, x):
        first = self.down1(x)
        second = self.down2(self.pool(first))
        x = self.up2(self.bottom(self.pool(second)))
        x = self.dec2(torch.cat([x, second], 1))
        return self.out(self.dec1(torch.cat([self.up1(x), first], 1)))


class Causal(nn.Module):
    """Convolutions over time that see the past alone, their weights split into length and direction."""

    def __init__(self):
        super().__init__()
        sizes = ((4, 16, 1), (16, 16, 2), (16, 16, 4))
        self.convs = nn.ModuleList(weight_norm(nn.Conv1d(a, b, 2, dilation=d)) for a, b, d in sizes)
        self.fc = nn.Linear(16, 4)

    def forward(self, x):
        for conv in self.convs:
            x = torch.relu(conv(nn.functional.pad(x, (conv.dilation[0], 0))))
        return self.fc(x.transpose(1, 2))


BRANCH = ("conv1.weight", "bn1.weight", "bn1.bias", "conv2.weight", "bn2.weight", "bn2.bias", "conv3.weight")
SWITCHED_OFF = tuple(f"{stage}.{block}.{name}" for stage in (3, 4) for block in (0, 1) for name in BRANCH)
HEALTHY = {
    "resnet of bottlenecks, branches start at zero": Healthy(
        resnet, normal(8, 3, 16, 16), "a branch that puts out 0 learns from its last norm's weight on", SWITCHED_OFF
    ),
    "inverted residuals": Healthy(
        mobilenet, normal(8, 3, 16, 16), "one filter per channel, and narrow ends without activation"
    ),
    "dense concatenation": Healthy(densenet, normal(8, 3, 16, 16), "a layer's output is used by all that follow"),
    "squeeze and excitation": Healthy(
        squeezing, normal(8, 3, 16, 16), "the gates' gradient is small beside that of the maps"
    ),
    "u-net with group norm": Healthy(UNet, normal(8, 1, 16, 16), "the skips carry gradient past the bottom"),
    "weight norm, causal": Healthy(Causal, normal(8, 4, 20), "the weight is computed from two others at each call"),
}
