"""IBN-a: which channels get which norm, at every ratio and number of channels."""

import pytest
import torch
from torch import nn

from normbench.errors import SettingError
from normbench.norms.ibn import IBN, IBNSpec

EPS = 1e-5


def normal(*shape):
    return 2 + 3 * torch.randn(shape, dtype=torch.float64)


def by_the_paper(x, num_instance):
    """Pan et al., 2018: instance norm on the first channels, batch norm on the others, both biased."""
    y = torch.empty_like(x)
    for c in range(x.shape[1]):
        samples = x[:, c].unsqueeze(0) if c >= num_instance else x[:, c]
        rows = samples.flatten(1)
        mean, var = rows.mean(1, keepdim=True), rows.var(1, correction=0, keepdim=True)
        y[:, c] = ((rows - mean) / (var + EPS).sqrt()).view_as(x[:, c])
    return y


def by_the_published_code(x, half):
    """Its layer for ratio 0.5: nn.InstanceNorm2d on the first half, nn.BatchNorm2d on the second."""
    split = torch.split(x, half, 1)
    instance, batch = nn.InstanceNorm2d(half, affine=True), nn.BatchNorm2d(x.shape[1] - half)
    return torch.cat((instance.double()(split[0]), batch.double()(split[1])), 1)


@pytest.mark.parametrize(
    ("num_features", "ratio", "num_instance"),
    [(6, 0.5, 3), (5, 0.5, 2), (8, 0.25, 2), (7, 0.25, 1), (100, 0.29, 29), (3, 0.0, 0), (3, 1.0, 3), (1, 0.5, 0)],
)
def test_any_number_of_channels_is_split_at_any_ratio(num_features, ratio, num_instance):
    layer, x = IBN(num_features, ratio).double(), normal(3, num_features, 4, 5)
    torch.testing.assert_close(layer(x), by_the_paper(x, num_instance))
    assert sum(parameter.numel() for parameter in layer.parameters()) == 2 * num_features


def test_where_the_published_code_runs_it_computes_the_same():
    x = normal(3, 6, 4, 5)
    torch.testing.assert_close(IBN(6).double()(x), by_the_published_code(x, 3))


@pytest.mark.parametrize(("num_features", "ratio"), [(5, 0.5), (8, 0.25)])
def test_the_published_split_has_too_many_pieces_elsewhere(num_features, ratio):
    """norms.md 1.4: torch.split(x, half, 1) does not give two pieces."""
    assert len(torch.split(normal(3, num_features, 4, 5), int(ratio * num_features), 1)) > 2


def test_evaluation_switches_the_batch_share_alone():
    layer, x = IBN(6).double(), normal(3, 6, 4, 5)
    trained = layer.train()(x)
    evaluated = layer.eval()(x)
    torch.testing.assert_close(evaluated[:, :3], trained[:, :3])
    assert not torch.allclose(evaluated[:, 3:], trained[:, 3:], rtol=1e-2)
    torch.testing.assert_close(evaluated[:1], layer(x[:1]))


def test_features_without_positions_are_refused():
    with pytest.raises(SettingError) as refusal:
        IBNSpec().build((6,))
    assert str(refusal.value) == (
        "name: must average over 2 values or more per statistic in features of shape (6,), got 'ibn'. "
        "Use batch_norm or layer_norm."
    )
