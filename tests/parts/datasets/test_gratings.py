"""Gratings: what a style changes, and what takes the change away."""

import pytest
import torch

from normbench.datasets.gratings import STYLE_SPREAD, GratingsSpec

SPEC = GratingsSpec()


@pytest.fixture(scope="module")
def dataset():
    return SPEC.build(0)


def standardized(x):
    """Return each channel of each image with mean 0 and std 1: what an instance norm does."""
    return (x - x.mean((2, 3), keepdim=True)) / x.std((2, 3), keepdim=True, correction=0)


def quantiles(values):
    return values.flatten()[:: max(1, values.numel() // 100_000)].quantile(torch.linspace(0.02, 0.98, 25))


def apart(one, other):
    """Return the greatest distance between the distributions of two sets of values, in stds of the first."""
    return ((quantiles(one) - quantiles(other)).abs().max() / one.std()).item()


@pytest.mark.parametrize("statistic", [lambda x: x.mean((2, 3)), lambda x: x.std((2, 3))])
def test_unseen_styles_are_outside_what_was_trained_on(dataset, statistic):
    seen, unseen, train = (statistic(split.x) for split in (dataset.extra["seen"], dataset.test, dataset.train))
    assert apart(train, seen) < 0.25
    assert apart(train, unseen) > 2


def test_standardizing_each_image_takes_the_shift_away(dataset):
    seen, unseen = (standardized(split.x) for split in (dataset.extra["seen"], dataset.test))
    assert apart(seen, unseen) < 0.02
    assert apart(dataset.extra["seen"].x, dataset.test.x) > 0.5


def test_standardizing_each_image_takes_the_style_away_exactly():
    shifted, plain = (GratingsSpec(style_shift=shift).build(0).test for shift in (1.5, 0.0))
    assert torch.equal(shifted.y, plain.y)
    assert not torch.allclose(shifted.x, plain.x, atol=0.1)
    assert torch.allclose(standardized(shifted.x), standardized(plain.x), atol=1e-4)


def test_standardizing_the_whole_set_leaves_the_style_in():
    shifted, train = (split.x for split in (SPEC.build(0).test, SPEC.build(0).train))
    mean, std = train.mean((0, 2, 3), keepdim=True), train.std((0, 2, 3), keepdim=True)
    assert apart((train - mean) / std, (shifted - mean) / std) > 0.5


def test_without_a_shift_test_and_seen_are_alike():
    plain = GratingsSpec(style_shift=0.0).build(0)
    assert apart(plain.test.x.mean((2, 3)), plain.extra["seen"].x.mean((2, 3))) < 0.15
    assert not torch.equal(plain.test.x, plain.extra["seen"].x)


@pytest.mark.parametrize("style_shift", [0.0, 0.5, 2.0])
def test_the_shift_reaches_the_test_set_alone_and_is_as_large_as_asked(style_shift):
    shifted, default = (
        GratingsSpec(style_shift=style_shift, noise_std=0.0).build(1),
        GratingsSpec(noise_std=0.0).build(1),
    )
    for name in ("train", "validation", "seen"):
        assert torch.equal(shifted.splits()[name].x, default.splits()[name].x)
    colour = shifted.test.x - shifted.test.x.mean(1, keepdim=True)
    tint = (colour.square().sum((1, 2, 3)) / 256 / 1.5).sqrt()
    assert style_shift - 1e-3 <= tint.min()
    assert tint.max() <= style_shift + STYLE_SPREAD + 1e-3


def test_classes_are_balanced_exactly(dataset):
    for split in dataset.splits().values():
        assert set(torch.bincount(split.y).tolist()) == {len(split) // SPEC.num_classes}


def test_a_class_is_a_direction():
    test = GratingsSpec(num_classes=4, noise_std=0.0).build(0).test
    grey = test.x.mean(1)
    across = grey.diff(dim=2).square().mean((1, 2))
    down = grey.diff(dim=1).square().mean((1, 2))
    steepness = (across / (across + down)).view(-1)
    by_class = [steepness[test.y == label].mean().item() for label in range(4)]  # 0, 45, 90 and 135 degrees
    assert by_class == pytest.approx([0.97, 0.5, 0.03, 0.5], abs=0.06)


def test_no_pixel_tells_the_classes_apart(dataset):
    means = torch.stack([dataset.extra["seen"].x[dataset.extra["seen"].y == label].mean(0) for label in range(8)])
    assert means.std(0).max() < 0.35  # 250 images a class: about 0.1 by chance
