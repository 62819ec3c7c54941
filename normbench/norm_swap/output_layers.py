"""Finds the layers of a network from which an output comes without another layer with weights."""

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, nn
from torch.autograd.graph import Node

from normbench.any_module.tensors import named_tensors
from normbench.norm_swap.graph_before import learned_by_last_operation


def output_layers(output: Any, made_by: Mapping[Node, nn.Module]) -> set[nn.Module]:
    """Return the layers that autograd's graph meets first on its ways back from what a network puts out.

    A weight that a function uses, as where it is tied to that of an embedding, ends a way too.

    Args:
        output: What the network puts out, with its graph.
        made_by: The layers with weights, by the operations that made what they put out.
    """
    found: set[nn.Module] = set()
    known: set[Node] = set()
    waiting = [tensor.grad_fn for tensor in named_tensors(output).values() if tensor.grad_fn is not None]
    while waiting:
        node = waiting.pop()
        if node in known:
            continue
        known.add(node)
        if node in made_by:
            found.add(made_by[node])
        elif not any(_is_matrix(one) for one in learned_by_last_operation(node)):
            waiting += _before(node)
    return found


def _is_matrix(parameter: Tensor) -> bool:
    return sum(size > 1 for size in parameter.shape) > 1


def _before(node: Node) -> Iterator[Node]:
    return (parent for parent, _ in node.next_functions if parent is not None)
