"""Walks autograd's graph of a pass: what a tensor was computed from."""

from collections.abc import Iterable

from torch import Tensor
from torch.autograd.graph import Node


def nodes_before(tensor: Tensor) -> set[Node]:
    """Return every node of the graph that a tensor was computed by, its own among them; empty without a graph."""
    found: set[Node] = set()
    waiting = [tensor.grad_fn] if tensor.grad_fn else []
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += [before for before, _ in node.next_functions if before]
    return found


def depends_on(nodes: Iterable[Node], leaves: Iterable[Tensor]) -> bool:
    """Return whether any of these leaves, such as parameters, takes part in a graph."""
    wanted = {id(leaf) for leaf in leaves}
    return any(id(getattr(node, "variable", None)) in wanted for node in nodes)
