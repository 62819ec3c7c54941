"""LeNet as in the documents: two convolutions, three dense layers, norm after conv1, conv2 and fc1."""

from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn

from normbench.errors import SettingError
from normbench.models.base import Conv2d, Linear, ModelSpec, Network, Shape, build_norm, flatten_input, vector_size
from normbench.norms.base import NormSpec
from normbench.norms.local_response_norm import LocalResponseNorm
from normbench.parts import MAX_ENTRIES

NormedLayer = Literal["conv1", "conv2", "fc1"]

KERNEL = 5
SMALLEST_SIDE = 16  # (16 - 4) / 2 = 6, (6 - 4) / 2 = 1


class LeNet(Network):
    """conv 6@5x5, conv 16@5x5, each with 2x2 max pooling, then 120, 84 and the outputs.

    Shape:
        input: (N, C, H, W), H and W at least 16.
        output: (N, num_outputs).

    References:
        LeCun, Bottou, Bengio and Haffner, Gradient-Based Learning Applied to Document Recognition, 1998.
        Max pooling and ReLU instead of their subsampling and sigmoid, as in the documents.
    """

    def __init__(
        self,
        input_shape: tuple[int, ...],
        num_outputs: int,
        norm: NormSpec,
        dropout: float,
        norm_after: tuple[NormedLayer, ...] = ("conv1", "conv2", "fc1"),
        local_response_alpha: float = 0.0,
    ) -> None:
        super().__init__()
        channels, *sides = input_shape
        maps1 = (6, *(side - KERNEL + 1 for side in sides))
        maps2 = (16, *(side // 2 - KERNEL + 1 for side in maps1[1:]))
        in_features = 16 * (maps2[1] // 2) * (maps2[2] // 2)
        norms = {
            name: _norm_after(name, shape, norm) if name in norm_after else None
            for name, shape in {"conv1": maps1, "conv2": maps2, "fc1": (120,)}.items()
        }
        response_norm = LocalResponseNorm(alpha=local_response_alpha) if local_response_alpha else None
        self.conv1 = Conv2d(channels, 6, KERNEL).followed_by(norms["conv1"], response_norm=response_norm, max_pool=2)
        self.conv2 = Conv2d(6, 16, KERNEL).followed_by(norms["conv2"], response_norm=response_norm, max_pool=2)
        self.fc1 = Linear(in_features, 120).followed_by(norms["fc1"], dropout=dropout)
        self.fc2 = Linear(120, 84).followed_by(dropout=dropout)
        self.fc3 = Linear(84, num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, num_outputs)."""
        x = self.conv2(self.conv1(x))
        logits: Tensor = self.fc3(self.fc2(self.fc1(flatten_input(x))))
        return logits


def _norm_after(name: str, shape: Shape, norm: NormSpec) -> nn.Module:
    """Make a layer's norm; if fc1 has no positions for it, the error names ``norm_after`` as the way out."""
    try:
        return build_norm(norm, shape, name)
    except SettingError as error:
        if name != "fc1":
            raise
        way_out = f"{error.way_out} Or leave it out there: model.norm_after: [conv1, conv2]."
        raise SettingError(error.key, error.rule, error.value, way_out, error.layer) from None


class LeNetSpec(ModelSpec):
    """LeNet for images of 16x16 or larger; norm after conv1, conv2, fc1; dropout after fc1 and fc2.

    ``norm_after: [conv1, conv2]`` lets norms work that need positions, which fc1 has not. ``local_response_alpha``
    above 0 adds a local response normalization of that alpha to both convolutions, after the activation and before the
    pooling, where AlexNet has it; size 5, beta 0.75 and k 2 are AlexNet's too, whose alpha is 0.0005 as counted here.
    """

    name: Literal["lenet"] = "lenet"
    norm_after: Annotated[tuple[NormedLayer, ...], Field(strict=False, max_length=MAX_ENTRIES)] = (
        "conv1",
        "conv2",
        "fc1",
    )
    """Layers that the norm follows: any of conv1, conv2, fc1."""
    local_response_alpha: float = Field(0.0, ge=0)
    """Factor of a local response norm after both convolutions; >= 0, and 0 puts none."""

    def build(self, input_shape: Shape, output_shape: Shape, norm: NormSpec, dropout: float) -> nn.Module:
        """Make the network; it needs images and puts out classes or values."""
        if len(input_shape) != 3 or min(input_shape[1:]) < SMALLEST_SIDE:
            rule = f"must get images (C, H, W) of {SMALLEST_SIDE}x{SMALLEST_SIDE} or larger"
            raise SettingError("name", rule, input_shape, "Use model: mlp, or dataset: banknotes.").within("model")
        num_outputs = vector_size(output_shape, self.name)
        return LeNet(input_shape, num_outputs, norm, dropout, self.norm_after, self.local_response_alpha)
