"""rms_norm beyond the contract: float64 formulas, what is not lost, and other implementations' eps."""

import pytest
import torch
from torch import nn

from normbench.errors import SettingError
from normbench.norms.layer_norm import LayerNormSpec
from normbench.norms.rms_norm import RMSNormSpec


def normal(*shape):
    return 3 + 2 * torch.randn(shape, dtype=torch.float64)


def assert_same(y, expected):
    torch.testing.assert_close(y, expected, rtol=1e-12, atol=1e-12)


def test_numbers_by_hand():
    layer = RMSNormSpec(eps=1e-12).build((2,)).double()
    assert layer(torch.tensor([[1.0, 7.0]]).double()).tolist()[0] == pytest.approx([0.2, 1.4])


@pytest.mark.parametrize(("over", "averaged"), [("sample", (1, 2, 3)), ("position", (1,))])
def test_the_mean_square_is_over_the_sample_or_the_position(over, averaged):
    x = normal(4, 6, 3, 5)
    expected = x / (x.square().mean(averaged, keepdim=True) + 0.5).sqrt()
    assert_same(RMSNormSpec(over=over, eps=0.5).build((6, 3, 5)).double()(x), expected)


def test_without_a_mean_to_lose_it_is_layer_norm():
    x = normal(4, 6, 3, 5)
    x -= x.mean((1, 2, 3), keepdim=True)
    assert_same(*(spec.build((6, 3, 5)).double()(x) for spec in (RMSNormSpec(), LayerNormSpec())))


@pytest.mark.parametrize(("affine", "shape"), [("channel", (6,)), ("element", (6, 3, 5)), ("none", None)])
def test_there_is_a_weight_and_no_bias(affine, shape):
    parameters = dict(RMSNormSpec(affine=affine).build((6, 3, 5)).named_parameters())
    assert {name: tuple(parameter.shape) for name, parameter in parameters.items()} == (
        {"weight": shape} if shape else {}
    )


def test_eps_is_inside_the_root_and_its_default_not_that_of_torch():
    """Research 1: torch's eps is 1.19e-7 unless told otherwise, the paper's code adds 1e-8 outside."""
    x = 1e-3 * torch.randn(4, 6, dtype=torch.float64)
    ours, theirs = RMSNormSpec().build((6,)).double(), nn.RMSNorm(6, eps=torch.finfo(torch.float32).eps).double()
    mean_square = x.square().mean(1, keepdim=True)
    assert_same(ours(x) / theirs(x), ((mean_square + 2**-23) / (mean_square + 1e-5)).sqrt().expand(4, 6))


def test_zeros_stay_zeros_with_finite_gradients():
    for over in ("sample", "position"):
        x = torch.zeros(2, 6, 3, requires_grad=True)
        y = RMSNormSpec(over=over).build((6, 3))(x)
        y.sum().backward()
        assert not y.any()
        assert x.grad.isfinite().all()


def test_one_value_has_no_scale():
    with pytest.raises(SettingError, match=r"^name: must average over 2 values or more"):
        RMSNormSpec(over="position").build((1, 3, 5))
    RMSNormSpec(over="sample").build((1, 3, 5))
