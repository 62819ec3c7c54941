"""Sends zeros through a run's network; notes each norm's input shape, and the dropouts and bias before it."""

from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.func import functional_call

from normbench.models.base import Layer, Shape, built_norms, weighted_layers
from normbench.norm_swap.graph_before import Upstream, last_bias, watching_inputs
from normbench.norm_swap.graph_behind import activations_behind, watching_outputs
from normbench.norm_swap.placed import PlacedNorm
from normbench.norms.base import FeatureShape, NormSpec, Properties, num_positions
from normbench.study.config import RunConfig
from normbench.study.network import network_without_numbers
from normbench.study.own_norms import own_norms

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
        is_kept: Whether it is a norm of the user's own network that was left as it was.
        made_on_last_axis: Name of the layer that made its input with features on the last axis, where the norm has its
            channels on another; "" for none.
        activation_behind: Torch's name of the activation that takes what it puts out; "" for none.
        is_in_place_of_activation: Whether an activation of its own, if it has one, stands where the network would have
            one otherwise, or where its user has put it.
        num_heads: Rows of a sample or step: one for each head of attention, else one.
        setting: The setting that names it: ``norm``, or ``model.qk_norm``.
    """

    name: str
    layer: nn.Module
    spec: NormSpec
    feature_shape: FeatureShape
    per_step: bool
    num_rows: int
    dropouts: tuple[str, ...]
    bias: str
    is_kept: bool = False
    made_on_last_axis: str = ""
    activation_behind: str = ""
    is_in_place_of_activation: bool = False
    num_heads: int = 1
    setting: str = "norm"

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

    @property
    def momentum_key(self) -> str:
        """Name the momentum as the user can set it."""
        return "the network's momentum" if self.is_kept else f"{self.setting}.momentum"

    @property
    def row(self) -> str:
        """Name a row of its input."""
        return "step of a head" if self.num_heads > 1 else "step" if self.per_step else "sample"


def norm_calls(config: RunConfig) -> list[NormCall]:
    """Return the norms of a run's network in the order of its forward pass, as a training batch meets them.

    What lies before a norm is read off the graph that autograd keeps of the pass, not off names or a list of models.

    Raises:
        SettingError: The network cannot be built.
    """
    if config.model.name == "own":
        return [_own_call(norm, config) for norm in own_norms(config).placed if norm.spec is not None]
    lengths = config.dataset.sequence_lengths
    shape = config.dataset.input_shape if lengths is None else (min(lengths), *config.dataset.input_shape[1:])
    calls = _pass(network_without_numbers(config), shape)
    return [replace(call, num_rows=call.num_rows * config.batch_size // NUM_SAMPLES) for call in calls]


def _own_call(norm: PlacedNorm, config: RunConfig) -> NormCall:
    """Return a norm of the user's own network, also one that was left as it was, as a training batch meets it."""
    assert norm.spec is not None
    return NormCall(
        name=norm.site.path,
        layer=network_without_numbers(config).get_submodule(norm.site.norm_path or norm.site.path),
        spec=norm.spec,
        feature_shape=norm.site.feature_shape,
        per_step=norm.site.rows_per_sample != 1,
        num_rows=int(norm.site.rows_per_sample * config.batch_size),
        dropouts=norm.dropouts,
        bias=norm.bias,
        is_kept=norm.is_own,
        made_on_last_axis=norm.made_on_last_axis,
        activation_behind=norm.activation_behind,
        is_in_place_of_activation=not norm.is_put_by_swap,
    )


@lru_cache(maxsize=128)  # arms that share a network share its pass
def _pass(network: nn.Module, input_shape: Shape) -> list[NormCall]:
    zeros = _zeros(network)
    samples = torch.ones(NUM_SAMPLES, *input_shape, requires_grad=True)  # of sequences, the mask is 1 at real steps
    norms = built_norms(network)
    with (
        torch.enable_grad(),
        torch.random.fork_rng(devices=[]),
        watching_inputs(network, norms) as (inputs, dropouts),
        watching_outputs(network, norms) as nodes,
    ):
        output = functional_call(network, zeros, samples)
    upstream, behind = Upstream(dropouts), activations_behind([output.grad_fn], nodes)
    biases = {zeros[name]: name for name in (f"{layer}.bias" for layer in weighted_layers(network)) if name in zeros}
    return [
        NormCall(
            name=name,
            layer=network.get_submodule(name),
            spec=norms[name].spec,
            feature_shape=norms[name].feature_shape,
            per_step=norms[name].per_step,
            num_rows=len(x),
            dropouts=upstream.of(x.grad_fn),
            bias=last_bias(x.grad_fn, biases),
            activation_behind=behind.get(name, ""),
            is_in_place_of_activation=_holds_activation(network, name),
            num_heads=norms[name].num_heads,
            setting=norms[name].setting,
        )
        for name, x in inputs.items()
    ]


def _holds_activation(network: nn.Module, norm: str) -> bool:
    layer = network.get_submodule(norm.rpartition(".")[0])
    return isinstance(layer, Layer) and layer.norm_is_activation


def _zeros(network: nn.Module) -> dict[str, Tensor]:
    """Return zeros for all parameters and buffers: the network itself has no values, and random ones take time."""
    return {
        name: torch.zeros(tensor.shape, dtype=tensor.dtype, requires_grad=tensor.requires_grad)
        for name, tensor in (*network.named_parameters(), *network.named_buffers())
    }
