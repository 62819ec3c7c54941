"""Models that know nothing of normbench, as their users write them: residual, attention, recurrent, generating."""

from collections import OrderedDict
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, relu


class BasicBlock(nn.Module):
    """Two convolutions and what came in; one in-place ReLU for both places."""

    def __init__(self, inplanes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = None
        if stride != 1 or inplanes != planes:
            conv = nn.Conv2d(inplanes, planes, 1, stride, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm2d(planes))

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += identity
        return self.relu(out)


class ResNet(nn.Module):
    """Stem, two stages of two blocks, pooling, one dense layer."""

    def __init__(self, width=8, zero_init_residual=False):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = nn.Sequential(BasicBlock(width, width), BasicBlock(width, width))
        self.layer2 = nn.Sequential(BasicBlock(width, 2 * width, 2), BasicBlock(2 * width, 2 * width))
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(2 * width, 10)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if isinstance(module, BasicBlock) and zero_init_residual:
                nn.init.zeros_(module.bn2.weight)

    def forward(self, x):
        x = self.layer2(self.layer1(self.relu(self.bn1(self.conv1(x)))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


def encoder(*, norm_first=False, num_layers=3):
    layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.1, batch_first=True, norm_first=norm_first)
    return nn.TransformerEncoder(layer, num_layers, enable_nested_tensor=False)


class Generator(nn.Module):
    """A small decoder of text: whole numbers in, weights of std 0.02, the output tied to the embedding."""

    def __init__(self, words=50, width=32, depth=3):
        super().__init__()
        self.token, self.place = nn.Embedding(words, width), nn.Embedding(64, width)
        kwargs = {"activation": gelu, "norm_first": True, "batch_first": True}
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(width, 2, 2 * width, 0.0, **kwargs) for _ in range(depth)
        )
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, words, bias=False)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
        self.head.weight = self.token.weight

    def forward(self, ids):
        x = self.token(ids) + self.place(torch.arange(ids.shape[1], device=ids.device))
        mask = nn.Transformer.generate_square_subsequent_mask(ids.shape[1], device=ids.device)
        for block in self.blocks:
            x = block(x, src_mask=mask)
        return {"logits": self.head(self.norm(x))}


@dataclass
class Answer:
    """An output as some libraries give it."""

    ids: Tensor
    values: Tensor


class Recurrent(nn.Module):
    """An LSTM with a dense layer on its last step."""

    def __init__(self):
        super().__init__()
        self.lstm, self.output = nn.LSTM(6, 16, num_layers=2, batch_first=True), nn.Linear(16, 3)

    def forward(self, x):
        values = self.output(self.lstm(x)[0][:, -1])
        return Answer(values.argmax(1), values)


class Functional(nn.Module):
    """ReLUs that no hook sees."""

    def __init__(self, widths=(16, 32, 32, 32, 4)):
        super().__init__()
        self.layers = nn.ModuleList(kaiming(nn.Linear(a, b)) for a, b in pairwise(widths))

    def forward(self, x):
        *hidden, output = self.layers
        for layer in hidden:
            x = relu(layer(x))
        return output(x)


def kaiming(layer):
    nn.init.kaiming_normal_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def plain(depth=6, width=32, activation=nn.ReLU):
    """Dense layers named dense1, relu1, dense2 ..., kaiming start, no norm."""
    parts = OrderedDict()
    for i in range(1, depth + 1):
        parts[f"dense{i}"], parts[f"relu{i}"] = kaiming(nn.Linear(width, width)), activation()
    parts["output"] = nn.Linear(width, 4)
    return nn.Sequential(parts)


def vgg():
    """Convolutions with batch norm and pooling, then a dense layer."""
    parts, channels = [], 3
    for wanted in (8, 16, 16):
        parts += [nn.Conv2d(channels, wanted, 3, padding=1), nn.BatchNorm2d(wanted), nn.ReLU(True), nn.MaxPool2d(2)]
        channels = wanted
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.5), nn.Linear(16, 10))


def autoencoder():
    """Down by strides, up by transposed convolutions."""
    return nn.Sequential(
        *(nn.Conv2d(3, 16, 4, 2, 1), nn.GroupNorm(4, 16), nn.SiLU()),
        *(nn.Conv2d(16, 32, 4, 2, 1), nn.GroupNorm(4, 32), nn.SiLU()),
        *(nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.GroupNorm(4, 16), nn.SiLU()),
        nn.ConvTranspose2d(16, 3, 4, 2, 1),
    )


def tanh_net():
    return nn.Sequential(*(part for _ in range(5) for part in (nn.Linear(24, 24), nn.Tanh())), nn.Linear(24, 2))


IMAGES, TOKENS = (8, 3, 16, 16), (8, 10, 16)
HEALTHY = {
    "resnet": (ResNet, IMAGES),
    "resnet, branches start at zero": (lambda: ResNet(zero_init_residual=True), IMAGES),
    "vgg with batch norm": (vgg, IMAGES),
    "autoencoder with group norm": (autoencoder, IMAGES),
    "encoder, post-norm": (encoder, TOKENS),
    "encoder, pre-norm": (lambda: encoder(norm_first=True), TOKENS),
    "generator, std 0.02, tied": (Generator, None),
    "lstm": (Recurrent, (8, 10, 6)),
    "kaiming, 6 layers": (plain, (16, 32)),
    "kaiming, 40 layers": (lambda: plain(40), (16, 32)),
    "relu in functional style": (Functional, (16, 16)),
    "tanh, torch's default start": (tanh_net, (16, 24)),
    "one dense layer": (lambda: nn.Linear(8, 2), (16, 8)),
}


def batch_for(shape):
    """N(0, 1) of a shape; without one, ids of words."""
    return torch.randint(0, 50, (8, 12)) if shape is None else torch.randn(shape)
