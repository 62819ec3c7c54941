"""Stacked: the base class of layers that compute at once what one layer computes in each of several networks."""

from collections.abc import Sequence
from typing import Any

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
