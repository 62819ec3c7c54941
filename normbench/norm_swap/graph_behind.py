"""Reads off autograd's graph which activation takes what a norm puts out."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import nn
from torch.autograd.graph import Node

from normbench.norm_swap.graph_before import SHAPES_ONLY, parents_of
from normbench.norm_swap.operations import ACTIVATIONS, first_tensor

OF_NODES = {"".join(part.capitalize() for part in name.split("_")): name.strip("_") for name in ACTIVATIONS}
"""Names of activation functions by what autograd calls them: LeakyRelu."""
NODE = re.compile(f"({'|'.join(OF_NODES)})Backward[0-9]*")
BETWEEN = re.compile("(MaxPool[123]D(WithIndices)?|NativeDropout)Backward")
"""Operations after which an activation sees what it would see before them."""


@contextmanager
def watching_outputs(network: nn.Module, names: Iterable[str]) -> Iterator[dict[str, Node]]:
    """Collect where in autograd's graph each module's first output stands."""
    nodes: dict[str, Node] = {}

    def see(name: str, output: Any) -> None:
        y = first_tensor(output)
        if y is not None and y.grad_fn is not None:
            nodes.setdefault(name, y.grad_fn)

    handles = [
        network.get_submodule(name).register_forward_hook(lambda _, _given, output, name=name: see(name, output))
        for name in names
    ]
    try:
        yield nodes
    finally:
        for handle in handles:
            handle.remove()


def activations_behind(ends: Iterable[Node | None], norms: Mapping[str, Node]) -> dict[str, str]:
    """Return the activation that takes what each norm puts out, ``{"bn1": "relu"}``; without those that none takes.

    Args:
        ends: Where the outputs of the network stand in autograd's graph.
        norms: Where the outputs of the norms stand, by name.
    """
    names = {node: name for name, node in norms.items()}
    found: dict[str, str] = {}
    for node in _all_above(ends):
        activation = NODE.fullmatch(node.name())
        for parent in parents_of(node) if activation else ():
            name = names.get(_source(parent, names))
            if activation and name is not None:
                found.setdefault(name, OF_NODES[activation[1]])
    return found


def _source(node: Node, norms: Mapping[Node, str]) -> Node:
    while node not in norms and (SHAPES_ONLY.match(node.name()) or BETWEEN.match(node.name())) and parents_of(node):
        node = parents_of(node)[0]
    return node


def _all_above(ends: Iterable[Node | None]) -> Iterator[Node]:
    waiting, seen = [node for node in ends if node is not None], set[Node]()
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting += parents_of(node)
            yield node
