"""Banknotes: small photos of a 1 or a 100 note, drawn by formula; the documents' image task."""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import torch
from pydantic import Field
from torch import Generator, Tensor
from torch.nn.functional import affine_grid, grid_sample, pad

from normbench.datasets.base import Dataset, DatasetSpec, Split, Task, even_labels
from normbench.parts import MAX_SAMPLES
from normbench.random_streams import stream

NUM_TEST_IMAGES = 2000
IMAGE_SIZE = 32

# Of the default settings, so that inputs have about mean 0 and std 1 in every channel.
PIXEL_MEAN, PIXEL_STD = 0.43, 0.19

MAX_TURN_RADIANS = 0.25
MAX_SHIFT = 0.2  # of half the image's side, like every length on the note
NOTE_HALF_HEIGHT = 0.6
NUM_STAINS = 3

DIGITS = {
    "1": ("..#..", ".##..", "..#..", "..#..", "..#..", "..#..", ".###."),
    "0": (".###.", "#...#", "#...#", "#...#", "#...#", "#...#", ".###."),
}
NUMERALS = ("1", "100")  # the class is the index
PIXELS_PER_CELL = 4  # of the drawn numeral, finer than the image
CELL_SIZE = 0.09
PIECE = 100  # images drawn at once; a canvas, of which each needs one, is three times as large as it
CANVAS_CELLS = 25  # odd, so that a numeral's 5 or 17 by 7 cells have a middle


class BanknotesSpec(DatasetSpec):
    """32 by 32 colour photos of notes with a 1 or a 100: turned, shifted, unevenly lit, stained, noisy.

    Paper has any hue in either class, and the numeral is lighter or darker than it by chance, so neither colour
    nor any one pixel tells the classes apart. Half of each split is of each class (an odd one out is a 1).

    Test accuracy at the default settings, of seeds 0, 1, 2 (``noise_std`` was chosen by such figures):

    - Logistic regression on the pixels, to convergence: 51.4, 50.2, 50.9 %, the best of l2 strengths 0.001, 0.1, 10.
    - LeNet with batch norm after conv1, conv2 and fc1: 97.6, 97.6, 98.9 %; seeds 0 to 9: 95.7 to 99.5 %.
    - LeNet without norms: 99.1, 98.0, 98.0 %; seeds 0 to 9: 97.8 to 99.1 %.

    LeNet: 500 steps of SGD, batch size 16, lr 0.01, momentum 0.9, weight decay 0.0005, torch's default start.
    """

    task: ClassVar[Task] = "classification"
    name: Literal["banknotes"] = "banknotes"
    num_samples: int = Field(160, ge=2, le=MAX_SAMPLES)
    """Images in train, and as many in validation; >= 2."""
    noise_std: float = Field(0.07, ge=0)
    """Std of the noise added to each pixel; >= 0."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Red, green and blue, then rows and columns."""
        return (3, IMAGE_SIZE, IMAGE_SIZE)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """One class per numeral."""
        return (len(NUMERALS),)

    def build(self, seed: int) -> Dataset:
        """Draw the three splits; the test set has 2,000 images whatever the settings."""
        train, validation = (self._draw(seed, name, self.num_samples) for name in ("train", "validation"))
        return Dataset(train, validation, self._draw(seed, "test", NUM_TEST_IMAGES))

    def _draw(self, seed: int, split: str, num_images: int) -> Split:
        labels_rng, note_rng, photo_rng, noise_rng = (
            stream(seed, "data", split, purpose) for purpose in ("labels", "note", "photo", "noise")
        )
        y = even_labels(num_images, len(NUMERALS), labels_rng)
        position = _positions_on_note(num_images, photo_rng)
        notes, photos = _Notes.draw(num_images, note_rng), _Photos.draw(num_images, photo_rng)
        images = torch.randn(num_images, 3, IMAGE_SIZE, IMAGE_SIZE, generator=noise_rng)
        for piece in torch.arange(num_images).split(PIECE):
            some = slice(int(piece[0]), int(piece[-1]) + 1)
            photo = photos.take(some).of(notes.take(some).on(y[some], position[some]), position[some])
            pixels = (photo + self.noise_std * images[some]).clamp(0, 1)
            images[some] = (pixels - PIXEL_MEAN) / PIXEL_STD
        return Split(images, y)


def _uniform(low: float, high: float, shape: tuple[int, ...], rng: Generator) -> Tensor:
    return low + (high - low) * torch.rand(shape, generator=rng)


def _positions_on_note(num_images: int, rng: Generator) -> Tensor:
    """Return where on its turned and shifted note each pixel lies: (N, H, W, 2), x then y, the note's centre at 0."""
    turn = _uniform(-MAX_TURN_RADIANS, MAX_TURN_RADIANS, (num_images,), rng)
    shift = _uniform(-MAX_SHIFT, MAX_SHIFT, (num_images, 2), rng)
    x_row = torch.stack([turn.cos(), -turn.sin(), shift[:, 0]], 1)
    y_row = torch.stack([turn.sin(), turn.cos(), shift[:, 1]], 1)
    return affine_grid(torch.stack([x_row, y_row], 1), [num_images, 1, IMAGE_SIZE, IMAGE_SIZE], align_corners=False)


@dataclass(frozen=True)
class _Drawn:
    """What was drawn of each image; the images themselves are made in pieces, which takes less memory."""

    def take(self, some: slice) -> Self:
        """Return what was drawn of some images."""
        return type(self)(*(value[some] for value in vars(self).values()))


@dataclass(frozen=True)
class _Notes(_Drawn):
    """Notes: their paper (N, 3, 1, 1), how much lighter the numeral is (N, 1, 1, 1), and their guilloche (N, 1, 1)."""

    paper: Tensor
    contrast: Tensor
    direction: Tensor
    phase: Tensor
    wave_phase: Tensor
    pitch: Tensor
    swing: Tensor

    @classmethod
    def draw(cls, num_images: int, rng: Generator) -> Self:
        one_each = (num_images, 1, 1, 1)
        hue = 2 * math.pi * (_uniform(0, 1, one_each, rng) + torch.arange(3).view(1, 3, 1, 1) / 3)
        paper = _uniform(0.45, 0.6, one_each, rng) + 0.1 * hue.cos()
        sign = torch.randint(0, 2, one_each, generator=rng) * 2 - 1
        contrast = sign * _uniform(0.2, 0.35, one_each, rng)
        direction, phase, wave_phase = (_uniform(0, 2 * math.pi, (num_images, 1, 1), rng) for _ in range(3))
        pitch, swing = _uniform(10, 20, (num_images, 1, 1), rng), _uniform(0.5, 2, (num_images, 1, 1), rng)
        return cls(paper, contrast, direction, phase, wave_phase, pitch, swing)

    def on(self, y: Tensor, position: Tensor) -> Tensor:
        """Return paper of any hue, guilloche lines, and the numeral lighter or darker than both: (N, 3, H, W)."""
        numeral = grid_sample(_numerals()[y], position / (CELL_SIZE * CANVAS_CELLS / 2), align_corners=False)
        return self.paper + 0.06 * self._guilloche(position) + self.contrast * numeral

    def _guilloche(self, position: Tensor) -> Tensor:
        """Return wavy parallel lines of random direction, pitch and phase, in [-1, 1]: (N, 1, H, W)."""
        x, y = position.unbind(-1)
        along = x * self.direction.cos() + y * self.direction.sin()
        across = y * self.direction.cos() - x * self.direction.sin()
        waves = self.swing * (6 * along + self.wave_phase).sin()
        return (self.pitch * across + waves + self.phase).sin().unsqueeze(1)


def _numerals() -> Tensor:
    """Return each numeral in the middle of a square canvas: (2, 1, H, W), 1 where there is ink."""
    return torch.stack([_drawn(numeral) for numeral in NUMERALS]).unsqueeze(1)


def _drawn(numeral: str) -> Tensor:
    rows = [".".join(cells) for cells in zip(*(DIGITS[digit] for digit in numeral), strict=True)]
    ink = torch.tensor([[float(cell == "#") for cell in row] for row in rows])
    beside, above = ((CANVAS_CELLS - cells) // 2 for cells in (ink.shape[1], ink.shape[0]))
    cells = pad(ink, (beside, beside, above, above))
    return cells.repeat_interleave(PIXELS_PER_CELL, 0).repeat_interleave(PIXELS_PER_CELL, 1)


@dataclass(frozen=True)
class _Photos(_Drawn):
    """Photos: the table's grey and the light (N, 1, 1, 1), and each blotch (N, stains, ...)."""

    table: Tensor
    centre: Tensor
    radius: Tensor
    depth: Tensor
    slope_x: Tensor
    slope_y: Tensor
    light: Tensor

    @classmethod
    def draw(cls, num_images: int, rng: Generator) -> Self:
        one_each = (num_images, 1, 1, 1)
        table = _uniform(0.1, 0.6, one_each, rng)
        stains = [_draw_stain(num_images, rng) for _ in range(NUM_STAINS)]
        centre, radius, depth = (torch.stack(values, 1) for values in zip(*stains, strict=True))
        slope_x, slope_y = _uniform(-0.25, 0.25, one_each, rng), _uniform(-0.25, 0.25, one_each, rng)
        return cls(table, centre, radius, depth, slope_x, slope_y, light=_uniform(0.75, 1.2, one_each, rng))

    def of(self, notes: Tensor, position: Tensor) -> Tensor:
        """Lay each note on a grey table, stain it and light it from one side: (N, 3, H, W)."""
        on_note = (position.abs() < torch.tensor([1.0, NOTE_HALF_HEIGHT])).all(-1).unsqueeze(1)
        scene = torch.where(on_note, notes * (1 - self._stains(position)), self.table)
        side = torch.linspace(-1, 1, IMAGE_SIZE)
        return scene * (self.light + self.slope_x * side + self.slope_y * side.view(-1, 1))

    def _stains(self, position: Tensor) -> Tensor:
        """Return how much light round blotches at random places take away: (N, 1, H, W)."""
        total = torch.zeros(position.shape[:3])
        for centre, radius, depth in zip(*(v.unbind(1) for v in (self.centre, self.radius, self.depth)), strict=True):
            total += depth * (-(position - centre).square().sum(-1) / radius.square()).exp()
        return total.clamp(max=0.8).unsqueeze(1)


def _draw_stain(num_images: int, rng: Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Return the centre (N, 1, 1, 2), radius and depth (N, 1, 1) of a blotch on each image."""
    centre = _uniform(-1, 1, (num_images, 1, 1, 2), rng)
    return centre, _uniform(0.1, 0.3, (num_images, 1, 1), rng), _uniform(0, 0.4, (num_images, 1, 1), rng)
