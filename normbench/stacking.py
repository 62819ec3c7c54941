"""Stacked: the base class of layers that compute at once what one layer computes in each of several networks."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

WITHOUT_PARAMETERS = (nn.Identity, nn.ReLU)
"""Layers of torch's that compute each value by itself: they are in a stack what they are alone."""


class CannotStack(Exception):  # noqa: N818 - no error: such networks are trained one by one
    """A layer does not say how it stacks; the text says which and why."""


class Stacked(nn.Module):
    """The layer of S networks, its members, as one: (S, N, *) -> (S, N, *), each member with its own samples.

    Parameters and buffers have the members' names, and an axis of members in front: (S, *shape), (S, 1, C) for one
    value per feature. The members' own tensors become views of them, so that a member's network computes with the
    same numbers, and what is recorded of it is recorded as ever. Layers inside it are added by ``stacked``.

    A layer's class names its stacked form in ``stacked_form``; its stacked form may refuse settings in ``obstacle``.

    Args:
        members: The layer of each network, all of one kind and shape.
    """

    takes_real_rows: ClassVar[bool] = False
    """Whether forward also takes ``RealRows``: it computes something of all rows of a member, or draws for each."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.num_members = len(members)
        for name, tensor in members[0].named_parameters(recurse=False):
            joined = joined_as_views([member.get_parameter(name) for member in members])
            self.register_parameter(name, nn.Parameter(joined, requires_grad=tensor.requires_grad))
        for name, _ in members[0].named_buffers(recurse=False):
            self.register_buffer(name, joined_as_views([member.get_buffer(name) for member in members]))

    @classmethod
    def obstacle(cls, _member: Any) -> str:
        """Return why a layer cannot be stacked, as the end of a sentence that begins with its name; "" if it can."""
        return ""


class RealRows:
    """Which rows of S networks are real steps of sequences, where (S, R, C) has a row for each padded step as well.

    What a row becomes by itself may be computed of padding too, but statistics and random numbers are those of the
    real rows alone: (M, C) of each member, M by member.

    Args:
        mask: True at real rows, (S, *) with R values for each member: (S, N, T) for N sequences of T steps.
    """

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    @cached_property
    def count(self) -> Tensor:
        """Real rows of each member: (S, 1, 1)."""
        return self.mask.flatten(1).sum(1).view(-1, 1, 1)

    def of_heads(self, num_heads: int) -> "RealRows":
        """Return which rows are real where each row of these is a row for each head of attention."""
        return RealRows(self.mask.unsqueeze(-1).expand(*self.mask.shape, num_heads))

    def mean(self, x: Tensor) -> Tensor:
        """Return the mean over each member's real rows of (S, R, C): (S, 1, C)."""
        return torch.bmm(self.mask.flatten(1).unsqueeze(1).to(x.dtype), x) / self.count

    def new_empty(self, x: Tensor) -> Sequence[Tensor]:
        """Return room for the real rows of each member of x, (S, R, C): (M, C) each."""
        numbers = self.count.flatten().tolist()
        return torch.split(x.new_empty(sum(numbers), x.shape[2]), numbers)

    def padded(self, members: Sequence[Tensor]) -> Tensor:
        """Put the real rows of all members, (M, C) each, to their places in (S, R, C); padding is 0."""
        rows = torch.cat(list(members))
        return rows.new_zeros(*self.mask.shape, rows.shape[1]).index_put_((self.mask,), rows).flatten(1, -2)


def applied(layer: nn.Module, x: Tensor, real: RealRows | None) -> Tensor:
    """Return the layer's output of (S, R, C), of which only some rows may be real."""
    needs_rows = real is not None and isinstance(layer, Stacked) and layer.takes_real_rows
    output: Tensor = layer(x, real) if needs_rows else layer(x)
    return output


def joined_as_views(tensors: Sequence[Tensor]) -> Tensor:
    """Return tensors of one shape as (S, *shape), (S, 1, C) of lone axes; each becomes a view of its part in place."""
    joined = torch.stack([tensor.detach() for tensor in tensors])
    for member, tensor in enumerate(tensors):
        tensor.data = joined[member]
    return joined.unsqueeze(1) if joined.dim() == 2 else joined


def stacked(members: Sequence[nn.Module]) -> nn.Module:
    """Return the networks as one, whose parameters the networks' own become views of.

    Raises:
        CannotStack: A layer has no stacked form.
    """
    refusal = obstacle(members[0])
    if refusal:
        raise CannotStack(refusal)
    first = members[0]
    if isinstance(first, WITHOUT_PARAMETERS):
        return first
    layer: nn.Module = first.stacked_form(members)  # type: ignore[operator]
    for name, _ in first.named_children():
        layer.add_module(name, stacked([member.get_submodule(name) for member in members]))
    return layer


def obstacle(network: nn.Module, name: str = "") -> str:
    """Return why networks like this one cannot be stacked: "hidden1.norm of class AdaIN does not stack"; "" if so."""
    if type(network) in WITHOUT_PARAMETERS:
        return ""
    form = vars(type(network)).get("stacked_form")
    if form is None:
        return f"{name or 'a network'} of class {type(network).__name__} does not stack"
    refusal = form.obstacle(network)
    if refusal:
        return f"{name or 'the network'} {refusal}"
    prefix = f"{name}." if name else ""
    inside = (obstacle(child, f"{prefix}{of_child}") for of_child, child in network.named_children())
    return next((found for found in inside if found), "")
