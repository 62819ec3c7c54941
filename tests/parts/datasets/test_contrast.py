"""Contrast: the bit that standardizing each sample takes away."""

import pytest
import torch

from normbench.datasets.contrast import ContrastSpec


@pytest.fixture(scope="module")
def test_set():
    return ContrastSpec().build(0).test


def standardized(x):
    return (x - x.mean((2, 3), keepdim=True)) / x.std((2, 3), keepdim=True, correction=0)


def moments(x):
    """Return simple statistics of each image, by which contrast could be told: (N, 5)."""
    steps = [x.diff(dim=dim).abs().mean((1, 2, 3)) for dim in (2, 3)]
    return torch.stack([x.mean((1, 2, 3)), x.std((1, 2, 3)), x.abs().amax((1, 2, 3)), *steps], 1)


def accuracy_of_nearest_mean(statistics, bit):
    """Return how often the nearer of two class means, of the first half, is right in the second half."""
    scaled = (statistics - statistics.mean(0)) / (statistics.std(0) + 1e-6)
    half = len(bit) // 2
    means = torch.stack([scaled[:half][bit[:half] == value].mean(0) for value in (0, 1)])
    return (torch.cdist(scaled[half:], means).argmin(1) == bit[half:]).double().mean().item()


def test_the_contrast_is_in_the_std_of_an_image(test_set):
    assert accuracy_of_nearest_mean(moments(test_set.x), test_set.y % 2) > 0.95


def test_standardizing_each_image_loses_the_contrast(test_set):
    assert 0.45 < accuracy_of_nearest_mean(moments(standardized(test_set.x)), test_set.y % 2) < 0.55


def test_standardizing_each_image_keeps_the_direction(test_set):
    statistics = moments(standardized(test_set.x))[:, 3:]
    assert accuracy_of_nearest_mean(statistics, test_set.y // 2) > 0.8


def test_standardizing_the_whole_set_keeps_the_contrast(test_set):
    x = (test_set.x - test_set.x.mean()) / test_set.x.std()
    assert accuracy_of_nearest_mean(moments(x), test_set.y % 2) > 0.95


def test_two_contrasts_of_one_seed_differ_by_a_factor_per_image_alone():
    flat, strong = (ContrastSpec(contrast_ratio=ratio).build(4).test for ratio in (1.0, 3.0))
    factor = (strong.x / flat.x).median(3).values.median(2).values.view(-1)
    assert torch.allclose(standardized(strong.x), standardized(flat.x), atol=1e-3)
    assert torch.allclose(factor, 3.0 ** (strong.y % 2 - 0.5), rtol=1e-3)


def test_with_a_ratio_of_one_there_is_no_contrast_to_see():
    test = ContrastSpec(contrast_ratio=1.0).build(0).test
    assert 0.45 < accuracy_of_nearest_mean(moments(test.x), test.y % 2) < 0.55


def test_classes_are_balanced_exactly():
    for split in ContrastSpec().build(0).splits().values():
        assert torch.bincount(split.y).tolist() == [len(split) // 4] * 4
