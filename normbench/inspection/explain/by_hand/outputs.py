"""Computes single outputs of a norm from its formula, line by line, as one would by hand; checks them by the layer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from normbench.inspection.explain.by_hand.arithmetic import names_in, number_text, steps, without
from normbench.inspection.explain.by_hand.example import SEED, easy_numbers, example_shape, pure
from normbench.inspection.explain.by_hand.moments import Lines, moment_of, moments
from normbench.norms.base import NormSpec
from normbench.parts import Given

Index = tuple[int, ...]
NOTHING = 1e-12
"""A derivative that is smaller came from rounding."""


@dataclass(frozen=True)
class ByHand:
    """Holds one number, computed step by step.

    Attributes:
        what: Which number.
        lines: Label and text of each step.
        result: Where the steps arrive.
        layer: What the layer itself gives.
    """

    what: str
    lines: Lines
    result: float
    layer: float


def formula_in_use(spec: NormSpec, layer: nn.Module) -> str:
    """Return the norm's formula without the weight and bias that the layer does not learn."""
    learned = {name.rpartition(".")[2] for name, _ in layer.named_parameters()}
    return without(spec.about.formula, {"weight", "bias"} - learned)


def norm_by_hand(spec: NormSpec, shape: Sequence[int]) -> tuple[ByHand, ...]:
    """Compute the first output of the worked example; and the last, if it depends on another number of values."""
    small = example_shape(spec, shape)
    layer, x = spec.build(small[1:]).double().train(), easy_numbers(small)
    ends = [(0,) * len(small), tuple(size - 1 for size in small)]
    depends = {index: _depends_on(layer, small, index) for index in ends}
    counts = [int(found.sum()) for found in depends.values()]
    shown = ends if counts[0] != counts[-1] else ends[:1]
    return tuple(_value_by_hand(spec, x, index, depends[index]) for index in shown)


def _value_by_hand(spec: NormSpec, x: Tensor, index: Index, depends: Tensor) -> ByHand:
    layer = spec.build(tuple(x.shape[1:])).double().train()
    formula = formula_in_use(spec, layer)
    lines, values = _statistics(formula, _given(spec, layer, x, index), x, depends)
    known = {**_settings(spec), **_starts(layer), "x": x[index].item(), **values}
    reduced, result = steps(formula, known)
    lines = (("x", number_text(known["x"])), *lines, ("output", formula), *(("", f"= {line}") for line in reduced))
    output = pure(spec.build(tuple(x.shape[1:])).double().train(), x)[index].item()
    return ByHand(f"the output at {place_text(_only(x, index))}", lines, result, output)


def _given(spec: NormSpec, layer: nn.Module, x: Tensor, index: Index) -> Mapping[str, Tensor | Given]:
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.default_generator.manual_seed(SEED)  # torch.manual_seed asks every device: 100 times slower
        return spec.formula_values(layer, x, index)


def _statistics(
    formula: str, given: Mapping[str, Tensor | Given], x: Tensor, depends: Tensor
) -> tuple[Lines, dict[str, float]]:
    """Return the lines and the values of all names that are taken over values or drawn."""
    lines: Lines = ()
    values: dict[str, float] = {}
    plain = [name for name in names_in(formula) if moment_of(name) and name not in given]
    if plain:
        lines += (("taken over", place_text(depends)),)
    for names, numbers in [(plain, x[depends]), *_by_numbers(given)]:
        found = moments(names, numbers.flatten().tolist()) if names else None
        lines += found.lines if found else ()
        values |= found.values if found else {}
    for name, one in given.items():
        if isinstance(one, Given):
            lines += ((name, f"{number_text(one.value)}: {one.how}"),)
            values[name] = one.value
    return lines, values


def _by_numbers(given: Mapping[str, Tensor | Given]) -> list[tuple[list[str], Tensor]]:
    """Put names together that are moments of the same numbers."""
    found: dict[str, tuple[list[str], Tensor]] = {}
    for name, numbers in given.items():
        if isinstance(numbers, Tensor):
            found.setdefault(name.removesuffix(moment_of(name)), ([], numbers))[0].append(name)
    return list(found.values())


def _depends_on(layer: nn.Module, shape: tuple[int, ...], index: Index) -> Tensor:
    """Return which inputs the output at ``index`` depends on, in training."""
    x = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    (grad,) = torch.autograd.grad(pure(layer, x)[index], x)
    found: Tensor = grad.abs() > NOTHING
    return found


def _only(x: Tensor, index: Index) -> Tensor:
    mask = torch.zeros(x.shape, dtype=torch.bool)
    mask[index] = True
    return mask


def place_text(mask: Tensor) -> str:
    """Return which samples, channels and positions a mask of (N, C, *) holds, counted from 1."""
    flat = mask.flatten(2) if mask.dim() > 2 else mask
    axes = ("sample", "channel", "position")[: flat.dim()]
    return ", ".join(_numbered(axis, flat, i) for i, axis in enumerate(axes) if flat.shape[i] > 1 or i < 2)


def _numbered(axis: str, mask: Tensor, i: int) -> str:
    numbers = [k + 1 for k, is_in in enumerate(mask.movedim(i, 0).flatten(1).any(1).tolist()) if is_in]
    if len(numbers) == 1:
        return f"{axis} {numbers[0]}"
    is_row = numbers == list(range(numbers[0], numbers[-1] + 1)) and len(numbers) > 2
    return f"{axis}s {numbers[0]} to {numbers[-1]}" if is_row else f"{axis}s {' and '.join(map(str, numbers))}"


def _settings(spec: NormSpec) -> dict[str, float]:
    return {key: value for key, value in spec.model_dump().items() if isinstance(value, float | int)}


def _starts(layer: nn.Module) -> dict[str, float]:
    """Return what weight and bias start at, the same for all channels."""
    named = ((name.rpartition(".")[2], parameter) for name, parameter in layer.named_parameters())
    return {name: parameter.flatten()[0].item() for name, parameter in named if name in ("weight", "bias")}
