"""NetworkReading: the numbers of one forward and backward pass: of each layer, each norm and each output."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, overload

Role = Literal["weights", "norm", "activation", "other", "parameter"]
"""``weights`` multiply the signal by a matrix or filters; ``other`` has parameters too: embeddings, scales;
``parameter`` is one that lies in no layer, such as a class token."""


@dataclass(frozen=True)
class LayerReading:
    """The numbers of one layer in one forward and backward pass.

    Attributes:
        layer: The layer's name; for an activation that is called again, with the number of the call: ``relu#2``.
        kind: The layer's class.
        role: The layer's role: weights, norm, activation, other, or a parameter alone, which puts nothing out.
        after: The last layer with weights that was called before it, or itself.
        shape: The weight's shape; empty without a weight.
        norm: Class of the norm that follows the weight; empty without one.
        is_hidden: Whether it has weights and is not the last such layer; growth over depth is fitted to these.
        figures: ``mean std max_abs zero_share`` of its output. Where there are such things, ``grad_std`` of the
            gradient that comes back to the output; ``weight_std``, ``weight_max_abs`` and ``weight_grad_std`` of its
            weight; ``weight_gain``, rms(weight) sqrt(fan_in), by which untrained weights multiply the rms of what comes
            in (He et al., 2015); ``bias_mean``; ``values_per_unit``; ``dead_share``, the units whose output is 0
            throughout; ``no_grad_share``, those that get no gradient, neither at the output nor at their weights;
            ``input_std``; ``input_change`` and ``change``, how much of what comes in and of the output is different for
            another input, relative to its length; ``calls`` in one pass. And, 1 or 0: ``input_finite``,
            ``weight_finite``; ``input_zero``, a tensor of zeros comes in; ``norm_apart``, a norm in a module of its own
            follows; ``learned``, it has what is to learn; ``connected``, a gradient comes, though it be 0;
            ``output_reached`` and ``weight_reached`` by one that is not; ``waits``, that is so in further passes alone.
        statistics: What is wrong with running statistics: "bn.running_var is nan in 1 of 8 channels"; "" if nothing.
        nan_buffer: Name of a buffer that holds nan; "" without one.
        zeros: Names of its learned weights that are 0 throughout.
    """

    layer: str
    kind: str
    role: Role
    after: str
    shape: tuple[int, ...]
    norm: str
    is_hidden: bool
    figures: Mapping[str, float]
    statistics: str = ""
    nan_buffer: str = ""
    zeros: tuple[str, ...] = ()


@dataclass(frozen=True)
class NormReading:
    """The number of values over which a norm takes each of its statistics.

    Attributes:
        layer: The norm's name.
        kind: Its class.
        num_values: Values per statistic in the batch that was sent through; of several calls the fewest.
        num_positions: Positions of a sample among them, such as height x width.
        over_batch: Whether they are taken from several samples, so that a larger batch has more of them.
        centres: Whether a mean is taken away; a root mean square alone keeps the ratio of two values.
    """

    layer: str
    kind: str
    num_values: int
    num_positions: int
    over_batch: bool
    centres: bool = True


@dataclass(frozen=True)
class OutputReading:
    """One floating-point tensor of what the model put out.

    Attributes:
        name: Its place: "" of a single tensor, "logits", "states.0".
        has_gradient: Whether it depends on learned parameters, and was gone back from.
        is_finite: Whether it holds no inf and no nan.
        change: How much of it is different for another input, relative to its length; None where that is not known.
        layers: Names of the layers that it was computed by.
    """

    name: str
    has_gradient: bool
    is_finite: bool = True
    change: float | None = None
    layers: tuple[str, ...] = ()


@dataclass(frozen=True)
class NetworkReading(Sequence[LayerReading]):
    """One pass through a model; as a sequence it is that of its layers.

    Attributes:
        layers: The layers that were called, in order of execution, and parameters that lie in none.
        norms: The norms that take statistics of what comes in.
        outputs: The tensors that the model put out.
        num_samples: Length of the batch.
        not_finite: Names of parameters and buffers that lie in no layer and hold nan, of parameters also inf.
        statistics: What is wrong with running statistics of modules that are no layers, by the module's name.
    """

    layers: tuple[LayerReading, ...]
    norms: tuple[NormReading, ...] = ()
    outputs: tuple[OutputReading, ...] = ()
    num_samples: int = 1
    not_finite: tuple[str, ...] = ()
    statistics: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of layers."""
        return len(self.layers)

    def __iter__(self) -> Iterator[LayerReading]:
        """Go through the layers."""
        return iter(self.layers)

    @overload
    def __getitem__(self, index: int) -> LayerReading: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[LayerReading]: ...
    def __getitem__(self, index: int | slice) -> LayerReading | Sequence[LayerReading]:
        """Return a layer by its place."""
        return self.layers[index]
