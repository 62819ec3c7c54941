"""Measures what a norm does on the built layer: axes, statistics, parameters, modes, an example with numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase

import torch
from torch import Tensor, nn

from normbench.errors import SettingError
from normbench.inspection.explain.by_hand.example import WorkedExample, pure, worked_example
from normbench.inspection.explain.by_hand.outputs import ByHand, formula_in_use, norm_by_hand
from normbench.inspection.explain.by_hand.running import RunningStatistics, running_statistics
from normbench.inspection.explain.by_hand.unbiased import difference_by_hand, running_variance_by_hand
from normbench.inspection.explain.settings import SettingLine, setting_lines
from normbench.inspection.explain.variants import docstring_paragraphs, source_of
from normbench.norms.base import FeatureShape, NormSpec, Properties
from normbench.parts import About

BLOCK = (3, 4)
"""Samples and channels of the block that is drawn."""


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
        formula: Of one output, without a weight and bias that are not learned.
        example: Input and output of a few samples, in training mode.
        running: Two training steps of the running statistics, None without.
        by_hand: Single numbers step by step, where asked for.
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
    formula: str
    example: WorkedExample
    running: RunningStatistics | None
    by_hand: tuple[ByHand, ...]
    source: str


def explain_norm(spec: NormSpec, shape: Sequence[int], *, by_hand: bool = False) -> Explanation:
    """Build the norm for a batch of ``shape`` (N, C, *) and measure its axes, statistics, parameters and modes.

    Args:
        spec: The norm with its settings.
        shape: (N, C, *) of the batch.
        by_hand: Whether to compute single numbers step by step.

    Raises:
        SettingError: The norm refuses this shape.
    """
    batch_size, feature_shape = shape[0], tuple(shape[1:])
    layer = spec.build(feature_shape)
    spec.check_batch(feature_shape, batch_size)
    block, shares_positions = draw_block(spec, feature_shape)
    caption, *paragraphs = docstring_paragraphs(type(spec))
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
        formula=formula_in_use(spec, layer),
        example=worked_example(spec, shape),
        running=running_statistics(spec, shape),
        by_hand=all_by_hand(spec, shape) if by_hand else (),
        source=source_of(type(spec)),
    )


def all_by_hand(spec: NormSpec, shape: Sequence[int]) -> tuple[ByHand, ...]:
    """Return outputs of the example, the running variance, and what dividing by n - 1 would change, step by step."""
    more = (running_variance_by_hand(spec, shape), difference_by_hand(spec, shape))
    return (*norm_by_hand(spec, shape), *(found for found in more if found))


def _momentum_in_use(layer: nn.Module) -> float | None:
    moves = getattr(layer, "running_mean", None) is not None and getattr(layer, "average", "moving") == "moving"
    return getattr(layer, "momentum", None) if moves else None


def draw_block(spec: NormSpec, feature_shape: FeatureShape) -> tuple[tuple[str, ...], bool]:
    """Return a letter per sample and channel, read from which inputs each output depends on.

    A small block stands for the real one, with 4 channels where the norm allows it and two positions per axis.
    """
    positions = (2,) * (len(feature_shape) - 1)
    num_samples, num_channels = BLOCK[0], _drawn_channels(spec, positions)
    if num_channels is None:
        return (), False
    depends = dependencies(spec, (num_samples, num_channels, *positions))
    size = depends.shape[0] // (num_samples * num_channels)
    cells = depends.view(num_samples * num_channels, size, num_samples * num_channels, size)
    between_cells = cells.any(dim=3).any(dim=1)
    shares_positions = bool(cells[0, 0, 0].sum() > 1)
    letters = _letters(between_cells)
    rows = (letters[i * num_channels : (i + 1) * num_channels] for i in range(num_samples))
    return tuple(" ".join(row) for row in rows), shares_positions


def _drawn_channels(spec: NormSpec, positions: tuple[int, ...]) -> int | None:
    """Return the first number of channels in which the norm can be built; None where it needs too many to draw."""
    candidates = (BLOCK[1], 6, 8, 9, 10, *range(2, 65))
    return next((number for number in candidates if _builds(spec, (number, *positions))), None)


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
    jacobian = torch.autograd.functional.jacobian(lambda flat: pure(layer, flat.view(shape)).flatten(), x.flatten())
    found: Tensor = jacobian.abs() > 1e-12
    return found


def _letters(between_cells: Tensor) -> list[str]:
    """Name groups of cells that depend on each other, in order of appearance."""
    letters: list[str] = []
    for i in range(between_cells.shape[0]):
        first = next(j for j in range(i + 1) if j == i or bool(between_cells[i, j]))
        letters.append(letters[first] if first < i else _letter(len(set(letters))))
    return letters


def _letter(number: int) -> str:
    """Return a, b, ... z, aa, ab, ..."""
    rest, last = divmod(number, len(ascii_lowercase))
    return (_letter(rest - 1) if rest else "") + ascii_lowercase[last]
