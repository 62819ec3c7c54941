"""Reads off autograd's graph what lies before a norm: dropouts on the way to it, and the layer that made its input."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from torch import Tensor, nn
from torch.autograd.graph import Node
from torch.nn.modules.dropout import _DropoutNd

from normbench.norm_swap.operations import first_tensor

SHAPES_ONLY = re.compile(
    "(Alias|AsStrided|Clone|Expand|Permute|Reshape|ReshapeAlias|Squeeze|T|Transpose|Unsqueeze|UnsafeView|View)Backward"
)
"""Operations that hand numbers on as they are, in another shape."""


@contextmanager
def watching_inputs(network: nn.Module, names: Iterable[str]) -> Iterator[tuple[dict[str, Tensor], dict[Node, str]]]:
    """Collect the input of each module at its first call, and where in autograd's graph each dropout stands."""
    inputs: dict[str, Tensor] = {}
    dropouts: dict[Node, str] = {}

    def see_input(name: str, given: object) -> None:
        x = first_tensor(given)
        if x is not None:
            inputs.setdefault(name, x)

    def see_dropout(name: str, output: Tensor) -> None:
        if output.grad_fn is not None:
            dropouts[output.grad_fn] = name

    handles = [
        network.get_submodule(name).register_forward_pre_hook(
            lambda _, args, kwargs, name=name: see_input(name, (args, kwargs)), with_kwargs=True
        )
        for name in names
    ] + [
        module.register_forward_hook(lambda _, _given, output, name=name: see_dropout(name, output))
        for name, module in network.named_modules()
        if isinstance(module, _DropoutNd) and module.p > 0
    ]
    try:
        yield inputs, dropouts
    finally:
        for handle in handles:
            handle.remove()


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
            above = parents_of(waiting[-1])
            unknown = [parent for parent in above if parent not in self._known]
            if unknown:
                waiting += unknown
            else:
                self._learn(waiting.pop(), above)
        return tuple(name for name in self._marked.values() if name in self._known[node])

    def _learn(self, node: Node, above: list[Node]) -> None:
        own = {self._marked[node]} if node in self._marked else set()
        self._known[node] = frozenset(own.union(*(self._known[parent] for parent in above)))


def last_bias(node: Node | None, biases: Mapping[Tensor, str]) -> str:
    """Return which bias the operation adds that made a norm's input; "" for none."""
    return next((biases[leaf] for leaf in learned_by_last_operation(node) if leaf in biases), "")


def learned_by_last_operation(node: Node | None) -> Iterator[Tensor]:
    """Yield the parameters that the operation took which made a tensor, whatever its shape was changed to since."""
    made_by = _past_shapes(node)
    for parent in parents_of(made_by) if made_by is not None else []:
        leaf = getattr(_past_shapes(parent), "variable", None)
        if leaf is not None:
            yield leaf


def _past_shapes(node: Node | None) -> Node | None:
    while node is not None and SHAPES_ONLY.match(node.name()) and parents_of(node):
        node = parents_of(node)[0]
    return node


def parents_of(node: Node) -> list[Node]:
    """Return the nodes of autograd's graph from which a node was computed."""
    return [parent for parent, _ in node.next_functions if parent is not None]
