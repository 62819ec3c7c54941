"""Sequences: steps of varying number whose label is the sign that came first, a task that needs memory."""

from typing import ClassVar, Literal

import torch
from pydantic import Field, model_validator
from torch import Generator, Tensor

from normbench.datasets.base import Dataset, DatasetSpec, Split, Task, even_labels
from normbench.errors import SettingError
from normbench.parts import MAX_SAMPLES, MAX_SIZE
from normbench.random_streams import stream

NUM_TEST_SEQUENCES = 2000


class SequencesSpec(DatasetSpec):
    """Noisy steps among which each of ``num_classes`` signs appears once; class = which of them came first.

    (T, F + 1) per sequence, F = ``num_classes``: a sign is a 1 in its feature, and N(0, noise_std^2) is added to
    all F features of every real step. The last feature is the mask: 1 in real steps, which come first, 0 in
    padding, where all else is 0 too. Lengths are even between ``min_length`` and ``max_length``; in ``longer``
    each is ``longer_by`` times as long (at 1 there is no ``longer``; a model of a fixed number of steps needs that).

    Known beforehand: every class has the same signs at the same places, so the steps without their order (their
    mean, their maximum, any sum over steps) carry no label.

    Test accuracy at the default settings, of seeds 0, 1, 2, with the ``longer`` one behind it: GRU of width 32, read
    at the last real step, 97.5, 96.2, 98.3 % (longer 87.4, 83.9, 89.1 %), of width 64 97.9, 97.4, 97.5 % (90.2, 90.1,
    88.4 %); a network on the mean over real steps of what a dense layer makes of each 25.0 %, thrice. GRU: 500 steps
    of Adam, batch size 32, lr 0.01 (0.003 gave 90 to 96 %). The other: 1,000 steps, lr 0.003.
    """

    task: ClassVar[Task] = "classification"
    name: Literal["sequences"] = "sequences"
    num_classes: int = Field(4, ge=2, le=MAX_SIZE)
    """Classes, each a sign that may come first; >= 2."""
    num_samples: int = Field(2000, ge=2, le=MAX_SAMPLES)
    """Sequences in train, and as many in validation; >= 2."""
    min_length: int = Field(8, ge=2, le=MAX_SIZE)
    """Steps of the shortest sequences; >= 2, and at least num_classes."""
    max_length: int = Field(16, ge=2, le=MAX_SIZE)
    """Steps of the longest sequences in train, validation and test; >= min_length."""
    longer_by: int = Field(3, ge=1, le=MAX_SIZE)
    """How many times as long the sequences of the longer split are; >= 1, and 1 leaves it out."""
    noise_std: float = Field(0.2, ge=0)
    """Std of the noise added to each real step; >= 0."""

    @model_validator(mode="after")
    def _lengths_fit(self) -> "SequencesSpec":
        if self.min_length < self.num_classes:
            rule = f"must be at least {self.num_classes}, a step per class"
            raise SettingError("min_length", rule, self.min_length, "Use longer sequences or fewer classes.")
        if self.max_length < self.min_length:
            rule = f"must be at least min_length {self.min_length}"
            raise SettingError("max_length", rule, self.max_length, "Raise max_length or lower min_length.")
        return self

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Steps, then features with the mask last; ``longer`` has more steps."""
        return (self.max_length, self.num_classes + 1)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """One class per sign."""
        return (self.num_classes,)

    @property
    def sequence_lengths(self) -> tuple[int, int]:
        """The longest are in ``longer``."""
        return (self.min_length, self.max_length * self.longer_by)

    def build(self, seed: int) -> Dataset:
        """Draw the splits; test and longer have 2,000 sequences whatever the settings."""
        train, validation = (self._draw(seed, name, self.num_samples) for name in ("train", "validation"))
        test = self._draw(seed, "test", NUM_TEST_SEQUENCES)
        if self.longer_by == 1:
            return Dataset(train, validation, test)
        longer = self._draw(seed, "longer", NUM_TEST_SEQUENCES, self.longer_by)
        return Dataset(train, validation, test, extra={"longer": longer})

    def _draw(self, seed: int, split: str, num_sequences: int, longer_by: int = 1) -> Split:
        labels_rng, places_rng, noise_rng = (
            stream(seed, "data", split, purpose) for purpose in ("labels", "places", "noise")
        )
        y = even_labels(num_sequences, self.num_classes, labels_rng)
        length = longer_by * torch.randint(self.min_length, self.max_length + 1, y.shape, generator=places_rng)
        mask = (torch.arange(longer_by * self.max_length) < length.unsqueeze(1)).float().unsqueeze(2)
        places = _places(mask, self.num_classes, places_rng)
        signs = _signs(y, places, mask.shape[1], labels_rng)
        noise = torch.randn(signs.shape, generator=noise_rng)
        return Split(torch.cat([mask * (signs + self.noise_std * noise), mask], 2), y)


def _places(mask: Tensor, num_places: int, rng: Generator) -> Tensor:
    """Return different real steps in rising order, any as likely: (N, num_places)."""
    drawn = (1 - torch.rand(mask.shape[:2], generator=rng)) * mask[..., 0]  # above 0 in real steps, 0 in padding
    return drawn.topk(num_places, dim=1).indices.sort(dim=1).values


def _signs(y: Tensor, places: Tensor, num_steps: int, rng: Generator) -> Tensor:
    """Return sign y at the first place and the others in random order at the others: (N, num_steps, F)."""
    num_sequences, num_classes = places.shape
    order = torch.rand(places.shape, generator=rng).scatter(1, y.unsqueeze(1), -1.0).argsort(1)
    signs = torch.zeros((num_sequences, num_steps, num_classes))
    signs[torch.arange(num_sequences).unsqueeze(1), places, order] = 1.0
    return signs
