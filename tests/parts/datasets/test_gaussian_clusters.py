"""Gaussian clusters: what a network can and a linear classifier cannot tell apart."""

import pytest
import torch
from torch.nn.functional import one_hot

from normbench.datasets.gaussian_clusters import GaussianClustersSpec


def nearest_centre(spec, seed):
    """Return the accuracy, on the test set, of the class whose centre is nearest."""
    test = spec.build(seed).test
    nearest = torch.cdist(test.x, spec.centres(seed)).argmin(1)
    return (nearest % spec.num_classes == test.y).double().mean().item()


def linear(spec, seed):
    """Return the accuracy, on the test set, of least squares onto the classes."""
    train, test = (getattr(spec.build(seed), name) for name in ("train", "test"))
    with_ones = [torch.cat([split.x, torch.ones(len(split), 1)], 1) for split in (train, test)]
    weight = torch.linalg.lstsq(with_ones[0], one_hot(train.y).float()).solution
    return ((with_ones[1] @ weight).argmax(1) == test.y).double().mean().item()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_who_knows_the_centres_is_nearly_always_right(seed):
    assert nearest_centre(GaussianClustersSpec(), seed) > 0.97


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_linear_classifier_is_clearly_worse(seed):
    assert 0.3 < linear(GaussianClustersSpec(), seed) < 0.6


def test_with_one_cluster_per_class_a_linear_classifier_is_enough():
    assert linear(GaussianClustersSpec(clusters_per_class=1), 0) > 0.95


def test_less_noise_is_easier():
    noisy, clear = (nearest_centre(GaussianClustersSpec(noise_std=std), 0) for std in (1.0, 0.3))
    assert noisy < 0.9
    assert clear == 1.0


def test_classes_are_balanced_exactly():
    dataset = GaussianClustersSpec().build(0)
    for split in dataset.splits().values():
        assert set(torch.bincount(split.y).tolist()) == {len(split) // 10}


def test_without_noise_the_samples_are_the_centres_of_their_class():
    spec = GaussianClustersSpec(noise_std=0.0)
    distance, nearest = torch.cdist(spec.build(3).train.x, spec.centres(3)).min(1)
    assert distance.max() < 1e-2
    assert torch.equal(nearest % spec.num_classes, spec.build(3).train.y)


def test_each_seed_has_centres_of_its_own():
    assert not torch.equal(GaussianClustersSpec().centres(0), GaussianClustersSpec().centres(1))
