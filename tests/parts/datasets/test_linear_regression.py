"""Linear regression: a seed's draws of the training points."""

import torch

from normbench.datasets.linear_regression import LinearRegressionSpec


def test_another_training_set_differs_in_its_training_points_alone():
    first, same, other = (LinearRegressionSpec(training_set=i).build(3) for i in (0, 0, 1))
    assert torch.equal(first.train.y, same.train.y)
    assert not torch.isclose(first.train.y, other.train.y).any()
    assert torch.equal(first.train.x, other.train.x)
    assert torch.equal(first.validation.y, other.validation.y)
    assert torch.equal(first.test.y, other.test.y)
    assert not torch.isclose(other.train.y, LinearRegressionSpec(training_set=1).build(4).train.y).any()
