"""Measures what a norm does on the built layer: axes, statistics, parameters, modes, an example with numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from normbench.errors import SettingError
from normbench.inspection.explain.settings import SettingLine, setting_lines
from normbench.inspection.explain.variants import docstring_paragraphs, source_of
from normbench.norms.base import FeatureShape, NormSpec, Properties
from normbench.parts import About

BLOCK = (3, 4)
"""Samples and channels of the block that is drawn."""
EXAMPLE = ((1.0, 2.0, 3.0, 6.0), (0.0, 4.0, -2.0, 2.0), (5.0, 1.0, 1.0, 3.0))
"""Three samples of four numbers: small enough to check by hand."""


@dataclass(frozen=True)
class Explanation:
    """Holds all that `explain` says of one norm at one shape.

    Attributes:
        name: The norm.
        caption: What it is.
        paragraphs: What more there is to say.
        settings: Its settings with their values, defaults included.
        shape: (N, C, *) of the batch spoken of.
        about: Formula, paper, uses, disagreements.
        training: What is true in training mode.
        evaluation: What is true in evaluation mode.
        parameters: Name and shape of what is learned.
        buffers: Name and shape of what is remembered.
        momentum: Share of the new batch in running statistics, None without.
        block: One letter per sample and channel; equal letters share a mean and variance.
        shares_positions: Whether the positions of one channel share theirs.
        example: Input and output of three samples, in training mode.
        source: The file that holds it.
    """

    name: str
    caption: str
    paragraphs: tuple[str, ...]
    settings: tuple[SettingLine, ...]
    shape: tuple[int, ...]
    about: About
    training: Properties
    evaluation: Properties
    parameters: dict[str, tuple[int, ...]]
    buffers: dict[str, tuple[int, ...]]
    momentum: float | None
    block: tuple[str, ...]
    shares_positions: bool
    example: tuple["ExampleRow", ...]
    source: str


@dataclass(frozen=True)
class ExampleRow:
    """Holds one sample of the worked example."""

    values: tuple[float, ...]
    output: tuple[float, ...]


def explain_norm(spec: NormSpec, shape: Sequence[int]) -> Explanation:
    """Build the norm for a batch of ``shape`` (N, C, *) and measure its axes, statistics, parameters and modes.

    Raises:
        SettingError: The norm refuses this shape.
    """
    batch_size, feature_shape = shape[0], tuple(shape[1:])
    layer = spec.build(feature_shape)
    spec.check_batch(feature_shape, batch_size)
    block, shares_positions = draw_block(spec, feature_shape)
    caption, *paragraphs = docstring_paragraphs(spec)
    return Explanation(
        name=spec.name,
        caption=caption,
        paragraphs=tuple(paragraphs),
        settings=setting_lines(spec),
        shape=tuple(shape),
        about=spec.about,
        training=spec.properties(feature_shape, batch_size=batch_size, training=True),
        evaluation=spec.properties(feature_shape, batch_size=batch_size, training=False),
        parameters={name: tuple(p.shape) for name, p in layer.named_parameters()},
        buffers={name: tuple(b.shape) for name, b in layer.named_buffers()},
        momentum=_momentum_in_use(layer),
        block=block,
        shares_positions=shares_positions,
        example=worked_example(spec, len(feature_shape)),
        source=source_of(spec),
    )


def _momentum_in_use(layer: nn.Module) -> float | None:
    moves = getattr(layer, "running_mean", None) is not None and getattr(layer, "average", "moving") == "moving"
    return getattr(layer, "momentum", None) if moves else None


def draw_block(spec: NormSpec, feature_shape: FeatureShape) -> tuple[tuple[str, ...], bool]:
    """Return a letter per sample and channel, read from which inputs each output depends on.

    A small block stands for the real one, with 4 channels where the norm allows it and two positions per axis.
    """
    positions = (2,) * (len(feature_shape) - 1)
    num_samples, num_channels = BLOCK[0], _drawn_channels(spec, positions)
    depends = dependencies(spec, (num_samples, num_channels, *positions))
    size = depends.shape[0] // (num_samples * num_channels)
    cells = depends.view(num_samples * num_channels, size, num_samples * num_channels, size)
    between_cells = cells.any(dim=3).any(dim=1)
    shares_positions = bool(cells[0, 0, 0].sum() > 1)
    letters = _letters(between_cells)
    rows = (letters[i * num_channels : (i + 1) * num_channels] for i in range(num_samples))
    return tuple(" ".join(row) for row in rows), shares_positions


def _drawn_channels(spec: NormSpec, positions: tuple[int, ...]) -> int:
    """Return the first number of channels in which the norm can be built."""
    candidates = (BLOCK[1], 6, 8, 9, 10, *range(2, 65))
    found: int = next(number for number in candidates if _builds(spec, (number, *positions)))
    return found


def _builds(spec: NormSpec, feature_shape: FeatureShape) -> bool:
    try:
        spec.build(feature_shape)
    except SettingError:
        return False
    return True


def dependencies(spec: NormSpec, shape: tuple[int, ...]) -> Tensor:
    """Return which outputs depend on which inputs in training mode, (size, size) of bool."""
    layer = spec.build(shape[1:]).double().train()
    x = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    jacobian = torch.autograd.functional.jacobian(lambda flat: _pure(layer, flat.view(shape)).flatten(), x.flatten())
    found: Tensor = jacobian.abs() > 1e-12
    return found


def _pure(layer: nn.Module, x: Tensor) -> Tensor:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        output: Tensor = layer(x)
    return output


def _letters(between_cells: Tensor) -> list[str]:
    """Name groups of cells that depend on each other, in order of appearance."""
    letters: list[str] = []
    for i in range(between_cells.shape[0]):
        first = next(j for j in range(i + 1) if j == i or bool(between_cells[i, j]))
        letters.append(letters[first] if first < i else chr(ord("a") + len(set(letters))))
    return letters


def worked_example(spec: NormSpec, num_axes: int) -> tuple[ExampleRow, ...]:
    """Return three samples and the layer's outputs for them: four channels, or two channels of two positions."""
    x = torch.tensor(EXAMPLE, dtype=torch.float64)
    feature_shape = (4,) if num_axes == 1 else (2, 2, *(1,) * (num_axes - 2))
    try:
        layer = spec.build(feature_shape).double().train()
    except SettingError:
        return ()
    output = _pure(layer, x.view(3, *feature_shape)).detach().flatten(1)
    pairs = zip(x.tolist(), output.tolist(), strict=True)
    return tuple(ExampleRow(tuple(values), tuple(out)) for values, out in pairs)
