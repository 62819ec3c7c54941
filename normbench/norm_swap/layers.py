"""What stands around a norm in a network: axes moved to where it has them, what acts on its output, and a copy."""

from collections.abc import Mapping
from math import prod

from torch import Tensor, nn

from normbench.norms.base import FeatureShape

MOST_POSITION_AXES = 3
"""Of a norm; more are joined to one."""


class Rearranged(nn.Module):
    """Calls a norm on an input whose samples or channels do not lie on its first two axes.

    Nothing is passed on of the norm's attributes: who reads its weight, to compute a norm of another kind with it,
    shall fail.

    Shape:
        input: samples on ``batch_axis``, channels on ``channel_axis``, positions on the others, in any number.
        output: same shape as the input.

    Args:
        norm: A layer for (N, C, *).
        batch_axis: Axis of the samples.
        channel_axis: Axis of the channels, counted from the end if below 0.
    """

    def __init__(self, norm: nn.Module, batch_axis: int, channel_axis: int) -> None:
        super().__init__()
        self.norm = norm
        self.batch_axis, self.channel_axis = batch_axis, channel_axis

    def forward(self, x: Tensor) -> Tensor:
        """Normalize, and put out the axes in the order in which they came."""
        ways = (self.batch_axis, self.channel_axis), (0, 1)
        moved = x.movedim(*ways)
        joined = moved.flatten(2) if moved.dim() > MOST_POSITION_AXES + 2 else moved
        output: Tensor = self.norm(joined).reshape(moved.shape).movedim(*reversed(ways))
        return output.contiguous()  # as torch's layer norm; who calls it may view it


class Followed(nn.Module):
    """Calls a norm, then modules that the norm in its place has called on its own output: dropout, an activation.

    Args:
        norm: The norm.
        tail: These modules by the names that they had inside the norm, in order.
    """

    def __init__(self, norm: nn.Module, tail: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.norm = norm
        self.tail = tuple(tail)
        for name, module in tail.items():
            self.add_module(name, module)

    def forward(self, x: Tensor) -> Tensor:
        """Normalize, then apply the others."""
        x = self.norm(x)
        for name in self.tail:
            x = self._modules[name](x)  # type: ignore[misc]
        return x


class Copy(nn.Identity):
    """Puts out a copy of its input: an identity where something writes into what a norm has put out."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Return a copy."""
        return input.clone()


def is_channels_first(shape: tuple[int, ...], batch_axis: int, channel_axis: int) -> bool:
    """Return whether a norm takes an input of this shape as it is: (N, C, *) with few enough axes."""
    return batch_axis == 0 and channel_axis % len(shape) == 1 and len(shape) <= MOST_POSITION_AXES + 2


def channels_first(shape: tuple[int, ...], batch_axis: int, channel_axis: int) -> FeatureShape:
    """Return the shape of one sample as a norm sees it, (C, *), of an input of any order of axes.

    Example:
        >>> channels_first((4, 17, 192), 0, -1)
        (192, 17)
    """
    channel_axis %= len(shape)
    positions = [size for axis, size in enumerate(shape) if axis not in (batch_axis, channel_axis)]
    if len(positions) > MOST_POSITION_AXES:
        positions = [prod(positions)]
    return (shape[channel_axis], *positions)
