"""NormArgument: a callable that a network is given to make its norms with, and the places that it makes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from normbench.errors import SettingError
from normbench.norm_swap.kinds import Traits
from normbench.norm_swap.places import NormPlace

KEY = "swap.norm_argument"
WAY_OUT = "Leave it out, and norms are replaced where they are found."


class ArgumentPlace(NormPlace):
    """Keeps a place free for a norm of a known number of channels, with the weight and bias that it starts with.

    A network that sets these, as to 0 at the end of a residual branch, sets those of the norm to come.

    Args:
        num_channels: Number of channels.
        argument: Name of the argument of which it was made.
    """

    def __init__(self, num_channels: int, argument: str) -> None:
        super().__init__(channel_axis=1)
        self.origin = f"{argument}="
        self.num_channels = num_channels
        self.weight = nn.Parameter(torch.ones(num_channels))
        self.bias = nn.Parameter(torch.zeros(num_channels))

    def traits(self, shape: tuple[int, ...]) -> Traits | None:
        """Return where the channels lie: on the axis of their number, of several the second, of steps the last."""
        axes = [axis for axis in range(1, len(shape)) if shape[axis] == self.num_channels]
        last = len(shape) - 1
        if not axes:
            return None
        return Traits("", -1 if axes == [last] != [1] or (last == 2 and last in axes) else axes[0])

    @property
    def is_set(self) -> bool:
        """Whether the network has given it another weight or bias than those of a new norm, or frozen them."""
        as_new = bool((self.weight == 1).all() and (self.bias == 0).all())
        return not (as_new and self.weight.requires_grad and self.bias.requires_grad)


@dataclass
class NormArgument:
    """A callable for a network to make its norms with, and how often it was called.

    Attributes:
        name: Name of the argument.
        num_made: Number of places for norms that it has made.
    """

    name: str
    num_made: int = 0

    def as_function(self) -> Callable[..., nn.Module]:
        """Return the callable, in the form that most libraries take: (num_channels, ...) -> module."""
        return partial(_place, made_with=self)


def _place(num_channels: Any, *_others: Any, made_with: NormArgument, **_ignored: Any) -> nn.Module:
    """Return a place for a norm; what else is given, such as an eps, is that of other norms and has no effect.

    Raises:
        SettingError: The first argument is no number of channels.
    """
    sizes = tuple(num_channels) if isinstance(num_channels, list | tuple) else (num_channels,)
    if len(sizes) != 1 or not isinstance(sizes[0], int) or sizes[0] < 1:
        rule = f"must be called with a number of channels, the network calls {made_with.name} with another value"
        raise SettingError(KEY, rule, num_channels, WAY_OUT)
    made_with.num_made += 1
    return ArgumentPlace(sizes[0], made_with.name)
