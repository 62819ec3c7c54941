"""Reads off autograd's graph what lies before a tensor: dropouts on the way to it, and the layer that made it."""

import re
from collections.abc import Iterator, Mapping

from torch import Tensor
from torch.autograd.graph import Node

SHAPES_ONLY = re.compile(
    "(Alias|AsStrided|Clone|Expand|Permute|Reshape|ReshapeAlias|Squeeze|T|Transpose|Unsqueeze|UnsafeView|View)Backward"
)
"""Operations that hand numbers on as they are, in another shape."""


class Upstream:
    """Tells which of the marked nodes lie above a node of autograd's graph; each node is visited once."""

    def __init__(self, marked: Mapping[Node, str]) -> None:
        self._marked = marked
        self._known: dict[Node, frozenset[str]] = {}

    def of(self, node: Node | None) -> tuple[str, ...]:
        """Return the names of the marked nodes above a node, in the order in which they were marked."""
        if node is None:
            return ()
        waiting = [node]
        while waiting:
            above = _parents(waiting[-1])
            unknown = [parent for parent in above if parent not in self._known]
            if unknown:
                waiting += unknown
            else:
                self._learn(waiting.pop(), above)
        return tuple(name for name in self._marked.values() if name in self._known[node])

    def _learn(self, node: Node, above: list[Node]) -> None:
        own = {self._marked[node]} if node in self._marked else set()
        self._known[node] = frozenset(own.union(*(self._known[parent] for parent in above)))


def learned_by_last_operation(node: Node | None) -> Iterator[Tensor]:
    """Yield the parameters that the operation took which made a tensor, whatever its shape was changed to since."""
    made_by = _past_shapes(node)
    for parent in _parents(made_by) if made_by is not None else []:
        leaf = getattr(_past_shapes(parent), "variable", None)
        if leaf is not None:
            yield leaf


def _past_shapes(node: Node | None) -> Node | None:
    while node is not None and SHAPES_ONLY.match(node.name()) and _parents(node):
        node = _parents(node)[0]
    return node


def _parents(node: Node) -> list[Node]:
    return [parent for parent, _ in node.next_functions if parent is not None]
