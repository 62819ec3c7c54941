"""Measures what a weight parametrization does on a layer: its filters' mean and std, what it ignores, an example."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from normbench.inspection.explain.by_hand.arithmetic import names_in, number_text, steps
from normbench.inspection.explain.by_hand.example import ExampleRow
from normbench.inspection.explain.by_hand.moments import moment_of, moments, sum_of_squares
from normbench.inspection.explain.by_hand.outputs import ByHand
from normbench.inspection.explain.settings import SettingLine, setting_lines
from normbench.inspection.explain.variants import docstring_paragraphs, source_of
from normbench.parts import About
from normbench.random_streams import derive_seed
from normbench.weight_parametrizations.base import WeightParametrizationSpec

CHANNELS, KERNEL = 64, 3
"""Of the convolution that is measured."""
EXAMPLE = ((1.0, 2.0, 3.0, 6.0), (0.0, 4.0, -2.0, 2.0), (5.0, 1.0, 1.0, 3.0))
"""Three filters of four weights: small enough to check by hand."""
DIGITS = 12
"""What lies behind them is rounding."""


@dataclass(frozen=True)
class WeightFigures:
    """Holds what is measured of a weight; lowest and highest over its output filters.

    Attributes:
        what: The weight that is meant.
        std: Of all its values.
        mean: Lowest and highest mean of a filter.
        filter_std: Lowest and highest std of a filter, divided by n.
        largest_singular_value: Of the matrix with a row per filter.
    """

    what: str
    std: float
    mean: tuple[float, float]
    filter_std: tuple[float, float]
    largest_singular_value: float


@dataclass(frozen=True)
class WeightExplanation:
    """Holds all that `explain` says of one weight parametrization.

    Attributes:
        name: As in YAML.
        caption: What it is.
        paragraphs: What more there is to say.
        settings: With their values.
        about: Paper, uses, disagreements.
        formula: Of one weight, with these settings.
        layer: What it is measured on.
        learned: Name and shape of what is learned in place of the weight.
        figures: The weight as initialized, as parametrized, and after v was doubled.
        unchanged_by: What may be done to v without changing the weight.
        example: Filters of four weights, and their weights after v was doubled.
        by_hand: The first weight of the first filter step by step, where asked for.
        source: The file that holds it.
    """

    name: str
    caption: str
    paragraphs: tuple[str, ...]
    settings: tuple[SettingLine, ...]
    about: About
    formula: str
    layer: str
    learned: dict[str, tuple[int, ...]]
    figures: tuple[WeightFigures, ...]
    unchanged_by: tuple[str, ...]
    example: tuple[ExampleRow, ...]
    by_hand: tuple[ByHand, ...]
    source: str


def explain_weight_parametrization(spec: WeightParametrizationSpec, *, by_hand: bool = False) -> WeightExplanation:
    """Put a parametrization on a convolution and measure the weight before and after."""
    caption, *paragraphs = docstring_paragraphs(type(spec))
    layer = _convolution()
    figures = [_figures("as initialized", layer.weight)]
    spec.build(layer)
    figures.append(_figures("parametrized", layer.weight))
    unchanged_by = _unchanged_by(layer)
    with changed(layer, scale=2):
        figures.append(_figures("v doubled", layer.weight))
    return WeightExplanation(
        name=spec.name,
        caption=caption,
        paragraphs=tuple(paragraphs),
        settings=setting_lines(spec),
        about=spec.about,
        formula=spec.formula(),
        layer=f"a convolution of {CHANNELS} filters of {CHANNELS}x{KERNEL}x{KERNEL} weights, torch's initialization",
        learned={name: tuple(tensor.shape) for name, tensor in learned_tensors(layer).items()},
        figures=tuple(figures),
        unchanged_by=unchanged_by,
        example=worked_example(spec),
        by_hand=(weight_by_hand(spec),) if by_hand else (),
        source=source_of(type(spec)),
    )


def _convolution() -> nn.Conv2d:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive_seed(1, "explain", "weights"))
        return nn.Conv2d(CHANNELS, CHANNELS, KERNEL, dtype=torch.float64).eval()


def learned_tensors(layer: nn.Module) -> dict[str, Tensor]:
    """Return what is learned in place of a layer's weight, v first, by the names of the parametrization's arguments."""
    parametrizations = getattr(layer, "parametrizations", None)
    if parametrizations is None:
        return {"v": layer.get_parameter("weight")}
    held = parametrizations["weight"]
    names = inspect.signature(held[0].forward).parameters
    return dict(zip(names, held.parameters(recurse=False), strict=True))


def _figures(what: str, weight: Tensor) -> WeightFigures:
    filters = weight.detach().flatten(1)
    means, stds = filters.mean(1), filters.std(1, correction=0)
    std, largest = filters.std(correction=0).item(), torch.linalg.matrix_norm(filters, 2).item()
    return WeightFigures(what, std, _ends(means), _ends(stds), largest)


def _ends(values: Tensor) -> tuple[float, float]:
    return round(values.min().item(), DIGITS) + 0.0, round(values.max().item(), DIGITS) + 0.0


def _unchanged_by(layer: nn.Conv2d) -> tuple[str, ...]:
    before = layer.weight.detach().clone()
    tried = {"the scale of v": (2.0, 0.0), "one constant added to each filter of v": (1.0, 0.1)}
    same = []
    for what, (scale, shift) in tried.items():
        with changed(layer, scale, shift):
            if torch.allclose(layer.weight, before, rtol=1e-6, atol=1e-6):
                same.append(what)
    return tuple(same)


@contextmanager
def changed(layer: nn.Module, scale: float = 1.0, shift: float = 0.0) -> Iterator[None]:
    """Scale and shift v, the first of what is learned, and put it back."""
    v = learned_tensors(layer)["v"]
    before = v.detach().clone()
    with torch.no_grad():
        v.mul_(scale).add_(shift)
        yield
        v.copy_(before)


def worked_example(spec: WeightParametrizationSpec) -> tuple[ExampleRow, ...]:
    """Return three filters of four weights, and what each is after v was doubled."""
    layer = _small_layer(spec)
    start = torch.tensor(EXAMPLE, dtype=torch.float64)
    with changed(layer, scale=2):
        after = layer.weight.detach().tolist()
    return tuple(ExampleRow(tuple(row), tuple(out)) for row, out in zip(start.tolist(), after, strict=True))


def weight_by_hand(spec: WeightParametrizationSpec) -> ByHand:
    """Compute the first weight of the example's first filter from the formula, as v starts."""
    layer, formula = _small_layer(spec), spec.formula()
    learned, numbers = learned_tensors(layer), list(EXAMPLE[0])
    names = [name for name in names_in(formula) if moment_of(name)]
    taken = moments(names, numbers) if names else None
    squares, text = sum_of_squares(numbers)
    lines = taken.lines if taken else (("values", ", ".join(map(number_text, numbers))),)
    lines += (("sum_of_squares", text),) if "sum_of_squares" in names_in(formula) else ()
    known = {key: value for key, value in spec.model_dump().items() if isinstance(value, float)}
    known |= {name: tensor.detach().flatten()[0].item() for name, tensor in learned.items()}
    known |= {"n": len(numbers), "sum_of_squares": squares} | (dict(taken.values) if taken else {})
    lines += tuple((name, f"{number_text(known[name])}: learned, as it starts") for name in learned)
    given = spec.formula_values(layer)
    known |= {name: one.value for name, one in given.items()}
    lines += tuple((name, f"{number_text(one.value)}: {one.how}") for name, one in given.items())
    reduced, result = steps(formula, known)
    lines += (("weight", formula), *(("", f"= {line}") for line in reduced))
    return ByHand("weight 1 of filter 1 in the example", lines, result, layer.weight.flatten()[0].item())


def _small_layer(spec: WeightParametrizationSpec) -> nn.Linear:
    """Return a layer whose weight is the example, parametrized."""
    layer = nn.Linear(len(EXAMPLE[0]), len(EXAMPLE), bias=False, dtype=torch.float64).eval()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(EXAMPLE, dtype=torch.float64))
    spec.build(layer)
    return layer
