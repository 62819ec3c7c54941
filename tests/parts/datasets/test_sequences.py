"""Sequences: what their order says and their steps do not."""

import pytest
import torch
from pydantic import ValidationError

from normbench.datasets.sequences import SequencesSpec

SPEC = SequencesSpec()
CLEAR = SequencesSpec(noise_std=0.0)


@pytest.fixture(scope="module")
def dataset():
    return SPEC.build(0)


def lengths(split):
    return split.x[..., -1].sum(1).int()


def bag(split):
    """Return statistics of the real steps that ignore their order: mean, maximum, mean square and length."""
    steps, mask = split.x[..., :-1], split.x[..., -1:]
    count = mask.sum(1)
    return torch.cat([steps.sum(1) / count, steps.amax(1), steps.square().sum(1) / count, count], 1)


def test_the_class_is_the_sign_that_comes_first():
    for split in CLEAR.build(0).splits().values():
        first = split.x[..., :-1].argmax(1)  # of each sign
        assert torch.equal(first.argmin(1), split.y)


def test_every_sign_appears_once_in_every_sequence():
    for split in CLEAR.build(0).splits().values():
        assert (split.x[..., :-1].sum(1) == 1).all()
        assert (split.x[..., :-1].sum(2) <= 1).all()


def test_without_noise_all_bags_of_one_length_are_equal():
    split = CLEAR.build(0).test
    for length in range(CLEAR.min_length, CLEAR.max_length + 1):
        assert bag(split)[lengths(split) == length].unique(dim=0).shape[0] == 1


def test_bags_carry_no_label(dataset):
    train, test = bag(dataset.train), bag(dataset.test)
    means = torch.stack([train[dataset.train.y == label].mean(0) for label in range(4)])
    nearest = torch.cdist(test / train.std(0), means / train.std(0)).argmin(1)
    assert 0.2 < (nearest == dataset.test.y).double().mean() < 0.3
    assert (means.std(0) / train.std(0)).max() < 0.1  # 500 sequences a class: 0.045 by chance


def test_real_steps_come_first_and_padding_is_zero(dataset):
    for split in dataset.splits().values():
        mask = split.x[..., -1]
        assert set(mask.unique().tolist()) == {0.0, 1.0}
        assert (mask.diff(dim=1) <= 0).all()
        assert (split.x[mask == 0] == 0).all()


def test_lengths_are_even_over_their_range(dataset):
    counts = torch.bincount(lengths(dataset.test))[SPEC.min_length :]
    assert len(counts) == SPEC.max_length - SPEC.min_length + 1
    assert counts.min() > 0.7 * counts.float().mean()


def test_longer_sequences_are_longer_by_the_factor_asked_for():
    longer = SequencesSpec(longer_by=5).build(0).extra["longer"]
    assert longer.x.shape == (2000, 5 * SPEC.max_length, SPEC.num_classes + 1)
    assert set(lengths(longer).tolist()) == {5 * n for n in range(SPEC.min_length, SPEC.max_length + 1)}


def test_without_a_factor_there_is_no_longer_split():
    assert list(SequencesSpec(longer_by=1).build(0).splits()) == ["train", "validation", "test"]


def test_signs_are_anywhere_also_in_longer_sequences():
    longer = CLEAR.build(0).extra["longer"]
    first = longer.x[..., :-1].argmax(1).amin(1) / lengths(longer)
    assert first.mean().item() == pytest.approx(0.2, abs=0.03)  # the least of four places in [0, 1]


def test_classes_are_balanced_exactly(dataset):
    for split in dataset.splits().values():
        assert torch.bincount(split.y).tolist() == [len(split) // 4] * 4


def test_sequences_as_short_as_the_signs_are_full_of_them():
    train = SequencesSpec(min_length=4, max_length=4, noise_std=0.0).build(0).train
    assert (train.x[..., :-1].sum(2) == 1).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"num_classes": 9},
            "min_length: must be at least 9, a step per class, got 8. Use longer sequences or fewer classes.",
        ),
        (
            {"max_length": 7},
            "max_length: must be at least min_length 8, got 7. Raise max_length or lower min_length.",
        ),
    ],
)
def test_lengths_that_do_not_fit_are_refused(settings, message):
    with pytest.raises(ValidationError) as refusal:
        SequencesSpec(**settings)
    assert str(refusal.value.errors()[0]["ctx"]["error"]) == message
