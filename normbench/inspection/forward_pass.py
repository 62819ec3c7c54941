"""Sends zeros through a run's network; notes each norm's input shape, and the dropouts and bias before it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node
from torch.func import functional_call
from torch.nn.modules.dropout import _DropoutNd

from normbench.inspection.watch.layers import watched_layers
from normbench.models.base import Shape, built_norms
from normbench.norms.base import FeatureShape, NormSpec, Properties, num_positions
from normbench.study.config import RunConfig
from normbench.study.network import network_without_numbers
from normbench.study.own_code import running_code_of

NUM_SAMPLES = 2
"""Of the pass: one sample may have no variance."""


@dataclass(frozen=True)
class NormCall:
    """Describes one norm as a training batch meets it.

    Attributes:
        name: The norm's name: ``conv1.norm``.
        layer: The norm itself, without numbers.
        spec: What it was built from.
        feature_shape: One sample's shape.
        per_step: A row of its input is not a sample but a real step of a sequence.
        num_rows: Rows that a batch gives it; of sequences, where all are as short as any.
        dropouts: Names of the dropouts that zero something on the way to it, in the order of the pass.
        bias: Name of the bias that is added last before it: ``conv1.bias``; "" if something lies between.
    """

    name: str
    layer: nn.Module
    spec: NormSpec
    feature_shape: FeatureShape
    per_step: bool
    num_rows: int
    dropouts: tuple[str, ...]
    bias: str

    @property
    def properties(self) -> Properties:
        """Return the norm's properties in training on such a batch."""
        return self.spec.properties(self.feature_shape, batch_size=self.num_rows, training=True)

    @property
    def num_positions(self) -> int:
        """Return the number of positions of each channel of a sample."""
        return num_positions(self.feature_shape)

    @property
    def takes_batch_statistics(self) -> bool:
        """Return whether samples are normalized together in training."""
        return not self.properties.sample_independent

    @property
    def keeps_running_statistics(self) -> bool:
        """Return whether evaluation normalizes with running statistics of training."""
        return not self.properties.same_in_eval

    @property
    def momentum(self) -> float | None:
        """Return the new batch's share in running statistics; None without them, or where all batches count alike."""
        moves = self.keeps_running_statistics and getattr(self.spec, "average", "moving") == "moving"
        momentum: float | None = getattr(self.spec, "momentum", None) if moves else None
        return momentum


def norm_calls(config: RunConfig) -> list[NormCall]:
    """Return the norms of a run's network in the order of its forward pass, as a training batch meets them.

    What lies before a norm is read off the graph that autograd keeps of the pass, not off names or a list of models.

    Raises:
        SettingError: The network cannot be built.
    """
    lengths = config.dataset.sequence_lengths
    shape = config.dataset.input_shape if lengths is None else (min(lengths), *config.dataset.input_shape[1:])
    network = network_without_numbers(config)
    calls = _own_pass(config, network) if config.model.name == "own" else _pass(network, shape)
    return [replace(call, num_rows=call.num_rows * config.batch_size // NUM_SAMPLES) for call in calls]


def _own_pass(config: RunConfig, network: nn.Module) -> list[NormCall]:
    """Return the norms that were put into a network of the user's own; its own norms are not looked at."""
    if not built_norms(network):
        return []
    try:
        with running_code_of(config):
            return _pass(network, config.dataset.input_shape)
    except Exception:  # noqa: BLE001 - the user's code may refuse parameters that are 0; then nothing more is known
        return []


@lru_cache(maxsize=32)  # arms that share a network share its pass
def _pass(network: nn.Module, input_shape: Shape) -> list[NormCall]:
    zeros = _zeros(network)
    samples = torch.ones(NUM_SAMPLES, *input_shape, requires_grad=True)  # of sequences, the mask is 1 at real steps
    with torch.enable_grad(), torch.random.fork_rng(devices=[]), _watching(network) as (inputs, dropouts):
        functional_call(network, zeros, samples)
    norms, upstream = built_norms(network), _Upstream(dropouts)
    weighted = [layer.name for layer in watched_layers(network) if layer.role == "weights"]
    biases = {zeros[name]: name for name in (f"{layer}.bias" for layer in weighted) if name in zeros}
    return [
        NormCall(
            name=name,
            layer=network.get_submodule(name),
            spec=norms[name].spec,
            feature_shape=norms[name].feature_shape,
            per_step=norms[name].per_step,
            num_rows=len(x),
            dropouts=upstream.of(x.grad_fn),
            bias=_last_bias(x.grad_fn, biases),
        )
        for name, x in inputs.items()
    ]


def _zeros(network: nn.Module) -> dict[str, Tensor]:
    """Return zeros for all parameters and buffers: the network itself has no values, and random ones take time."""
    return {
        name: torch.zeros(tensor.shape, dtype=tensor.dtype, requires_grad=tensor.requires_grad)
        for name, tensor in (*network.named_parameters(), *network.named_buffers())
    }


@contextmanager
def _watching(network: nn.Module) -> Iterator[tuple[dict[str, Tensor], dict[Node, str]]]:
    """Collect the input of each norm at its first call, and where in autograd's graph each dropout stands."""
    inputs: dict[str, Tensor] = {}
    dropouts: dict[Node, str] = {}

    def see_norm(name: str, x: Tensor) -> None:
        inputs.setdefault(name, x)

    def see_dropout(name: str, output: Tensor) -> None:
        if output.grad_fn is not None:
            dropouts[output.grad_fn] = name

    handles = [
        network.get_submodule(norm).register_forward_pre_hook(lambda _, given, norm=norm: see_norm(norm, given[0]))
        for norm in built_norms(network)
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


class _Upstream:
    """Tells which of the marked nodes lie above a node of autograd's graph; each node is visited once."""

    def __init__(self, marked: Mapping[Node, str]) -> None:
        self._marked = marked
        self._known: dict[Node, frozenset[str]] = {}

    def of(self, node: Node | None) -> tuple[str, ...]:
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


def _parents(node: Node) -> list[Node]:
    return [parent for parent, _ in node.next_functions if parent is not None]


def _last_bias(node: Node | None, biases: Mapping[Tensor, str]) -> str:
    """Return which bias the operation adds that made a norm's input."""
    leaves = [getattr(parent, "variable", None) for parent in _parents(node)] if node is not None else []
    return next((biases[leaf] for leaf in leaves if leaf is not None and leaf in biases), "")
