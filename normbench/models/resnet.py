"""ResNet for small images: three stages of residual blocks, norm after each convolution; IBN-a and IBN-b."""

from typing import Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's idiom

from normbench.errors import SettingError
from normbench.models.base import Conv2d, Linear, ModelSpec, Network, Shape, build_norm
from normbench.norms.base import FeatureShape, NormSpec
from normbench.norms.batch_norm import BatchNormSpec
from normbench.norms.ibn import IBNSpec
from normbench.norms.instance_norm import InstanceNormSpec
from normbench.parts import MAX_DEPTH, MAX_SIZE

STRIDES = {"stage1": 1, "stage2": 2, "stage3": 2}
EARLY_STAGES = ("stage1", "stage2")
SMALLEST_SIDE = 8  # of the stem's maps, for stages of 8x8, 4x4 and 2x2


class ResidualBlock(nn.Module):
    """Two convolutions and a shortcut: relu(norm(conv2(relu(norm(conv1(x))))) + shortcut(x)).

    The shortcut is the identity, or where the shape changes a 1x1 convolution with a norm.

    Shape:
        input: (N, in_channels, H * stride, W * stride).
        output: (N, *maps) with maps = (C, H, W).

    Args:
        in_channels: Channels of the input.
        maps: One sample's shape after each convolution.
        stride: Of the first convolution and of the shortcut.
        norms: The norm after ``conv1``, ``conv2`` and ``shortcut``; ``instance_norm`` follows the addition.
        dropout: Probability of zeroing an activation between the two convolutions.
        name: The block's name, for messages.
    """

    def __init__(
        self, in_channels: int, maps: FeatureShape, stride: int, norms: dict[str, NormSpec], dropout: float, name: str
    ) -> None:
        super().__init__()
        norm = {place: build_norm(spec, maps, f"{name}.{place}") for place, spec in norms.items()}
        channels = maps[0]
        self.conv1 = Conv2d(in_channels, channels, 3, stride, 1).followed_by(norm["conv1"], dropout=dropout)
        self.conv2 = Conv2d(channels, channels, 3, padding=1).followed_by(norm["conv2"], activation=False)
        self.shortcut = None
        if stride != 1 or in_channels != channels:
            conv = Conv2d(in_channels, channels, 1, stride)
            self.shortcut = conv.followed_by(norm["shortcut"], activation=False)
        self.instance_norm = norm.get("instance_norm")

    def forward(self, x: Tensor) -> Tensor:
        """Add the branch to the shortcut; then instance norm, where there is one, and ReLU."""
        added: Tensor = self.conv2(self.conv1(x)) + (x if self.shortcut is None else self.shortcut(x))
        return F.relu(added if self.instance_norm is None else self.instance_norm(added))


class ResNet(Network):
    """Stem, three stages, global average pooling, one dense layer; for images out, a convolution and no pooling.

    The networks of He et al. for CIFAR-10 (6 depth + 2 layers), but with a bias in each convolution, so that an
    arm without norms has them too, and with a convolution as shortcut where the shape changes.

    Shape:
        input: (N, C, H, W), H and W at least 8.
        output: (N, num_outputs), or (N, C', H, W).

    References:
        He, Zhang, Ren and Sun, Deep Residual Learning for Image Recognition, 2015. https://arxiv.org/abs/1512.03385
        Pan, Luo, Shi and Tang, Two at Once: Enhancing Learning and Generalization Capacities via IBN-Net, 2018
        (IBN-a and IBN-b). https://arxiv.org/abs/1807.09441
    """

    def __init__(self, output_shape: Shape) -> None:
        super().__init__()
        self.is_pooled = len(output_shape) == 1

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, *output_shape)."""
        *hidden, output = self.children()
        for part in hidden:
            x = part(x)
        outputs: Tensor = output(x.mean((2, 3)) if self.is_pooled else x)
        return outputs


class ResNetSpec(ModelSpec):
    """Residual network: ``width`` channels, doubled per stage, ``depth`` blocks per stage; dropout inside each block.

    The norm follows ``stem`` and each block's ``conv1``, ``conv2`` and ``shortcut``. With ``ibn: a``, ibn stands for
    batch_norm after ``conv1`` in stages 1 and 2. With ``ibn: b``, an affine instance norm follows the addition in the
    last block of stages 1 and 2, and stands for batch_norm after ``stem``. ``stem_stride: 2`` makes all maps half as
    wide and high: of 16x16 images the last are 2x2.
    """

    name: Literal["resnet"] = "resnet"
    width: int = Field(16, ge=1, le=MAX_SIZE)
    """Channels of the first stage, doubled in each further one; >= 1."""
    depth: int = Field(1, ge=1, le=MAX_DEPTH // 10)
    """Residual blocks per stage; >= 1."""
    stem_stride: int = Field(1, ge=1, le=3)
    """Stride of the first convolution, 1 to 3: 2 halves height and width of all maps."""
    ibn: Literal["none", "a", "b"] = "none"
    """IBN-Net's variant on batch_norm: none, a (inside blocks) or b (after the addition)."""

    @property
    def num_weight_layers(self) -> int:
        """The stem, the output, and two convolutions in each block."""
        return 2 + 2 * self.depth * len(STRIDES)

    def build(self, input_shape: Shape, output_shape: Shape, norm: NormSpec, dropout: float) -> nn.Module:
        """Make the network; it needs images and puts out classes, values, or images of the same size."""
        self._check(input_shape, output_shape, norm)
        model, maps = ResNet(output_shape), (self.width, *self._stem_sides(input_shape))
        stem = Conv2d(input_shape[0], self.width, 3, self.stem_stride, 1)
        model.add_module("stem", stem.followed_by(build_norm(self._stem_norm(norm), maps, "stem")))
        for stage, stride in STRIDES.items():
            blocks, maps = self._stage(stage, maps, stride if model.is_pooled else 1, norm, dropout)
            model.add_module(stage, blocks)
        pooled = Linear(maps[0], output_shape[0]) if model.is_pooled else None
        model.add_module("output", pooled or Conv2d(maps[0], output_shape[0], 3, padding=1))
        return model

    def _stage(
        self, stage: str, maps: FeatureShape, stride: int, norm: NormSpec, dropout: float
    ) -> tuple[nn.Sequential, FeatureShape]:
        blocks, in_channels = nn.Sequential(), maps[0]
        channels = self.width * 2 ** list(STRIDES).index(stage)
        maps = (channels, *(-(-side // stride) for side in maps[1:]))
        for i in range(1, self.depth + 1):
            norms = self._block_norms(stage, norm, is_last=i == self.depth)
            block = ResidualBlock(in_channels, maps, stride if i == 1 else 1, norms, dropout, f"{stage}.block{i}")
            blocks.add_module(f"block{i}", block)
            in_channels = channels
        return blocks, maps

    def _stem_sides(self, input_shape: Shape) -> Shape:
        return tuple(-(-side // self.stem_stride) for side in input_shape[1:])

    def _stem_norm(self, norm: NormSpec) -> NormSpec:
        return InstanceNormSpec(eps=norm.eps) if self.ibn == "b" and isinstance(norm, BatchNormSpec) else norm

    def _block_norms(self, stage: str, norm: NormSpec, *, is_last: bool) -> dict[str, NormSpec]:
        norms = {"conv1": norm, "conv2": norm, "shortcut": norm}
        if stage in EARLY_STAGES and isinstance(norm, BatchNormSpec):
            if self.ibn == "a":
                norms["conv1"] = IBNSpec(**norm.changed())
            if self.ibn == "b" and is_last:
                norms["instance_norm"] = InstanceNormSpec(eps=norm.eps)
        return norms

    def _check(self, input_shape: Shape, output_shape: Shape, norm: NormSpec) -> None:
        side = SMALLEST_SIDE * self.stem_stride
        if len(input_shape) != 3 or min(self._stem_sides(input_shape)) < SMALLEST_SIDE:
            rule = f"must get images (C, H, W) of {side}x{side} or larger"
            raise SettingError("model.name", rule, input_shape, "Use model: mlp, or dataset: banknotes.")
        if len(output_shape) not in (1, 3) or output_shape[1:] not in ((), input_shape[1:]):
            rule = f"must put out vectors, or images as large as the {input_shape[1]}x{input_shape[2]} inputs"
            raise SettingError("model.name", rule, output_shape, "Use model: mlp.")
        if len(output_shape) == 3 and self.stem_stride > 1:
            raise SettingError(
                "model.stem_stride", "must be 1 where images are put out", self.stem_stride, "Leave it out."
            )
        if self.ibn != "none" and not isinstance(norm, BatchNormSpec):
            rule = f"must be none with norm: {norm.name}, since IBN joins instance norm to batch norm"
            raise SettingError("model.ibn", rule, self.ibn, "Use norm: batch_norm.")
        for key, value in norm.changed().items() if self.ibn == "a" else ():
            if value is None or key not in IBNSpec.setting_names():
                rule = "must be the default with model.ibn: a, since ibn has no such setting"
                raise SettingError(f"norm.{key}", rule, value, "Leave it out.")
