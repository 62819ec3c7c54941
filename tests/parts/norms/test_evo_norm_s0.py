"""EvoNorm-S0 against its formula in float64, the groups of the published code, and gradients over many parts."""

import pytest
import torch

from normbench.errors import SettingError
from normbench.norms import _by_samples
from normbench.norms.evo_norm_s0 import EvoNormS0Spec


def formula(x, layer):
    """x sigmoid(v x) / sqrt(var + eps) gamma + beta, with the biased variance of each group."""
    groups = x.reshape(len(x), layer.num_groups, -1)
    mean = groups.mean(2, keepdim=True)
    std = (((groups - mean) ** 2).mean(2, keepdim=True) + layer.eps).sqrt().expand_as(groups).reshape(x.shape)
    v, gamma, beta = (p.view(1, -1, 1, 1) for p in (layer.gate, layer.weight, layer.bias))
    return x / (1 + torch.exp(-v * x)) / std * gamma + beta


@pytest.mark.parametrize("num_groups", [1, 4, 8])
def test_output_and_gradients_are_those_of_the_printed_formula(num_groups, monkeypatch):
    monkeypatch.setattr(_by_samples, "VALUES_AT_ONCE", 2 * 8 * 12)  # five samples are three parts
    layer = EvoNormS0Spec(num_groups=num_groups).build((8, 3, 4)).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.5)
    x = (2 + torch.randn(5, 8, 3, 4, dtype=torch.float64)).requires_grad_()
    grad, learned = torch.randn_like(x), [layer.gate, layer.weight, layer.bias]
    layer(x).backward(grad)
    expected = torch.autograd.grad(formula(x, layer), [x, *learned], grad)
    torch.testing.assert_close(layer(x), formula(x, layer), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close([x.grad, *(p.grad for p in learned)], list(expected), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("shape", "num_groups"),
    [((64, 2, 2), 32), ((48, 2, 2), 24), ((6, 2, 2), 6), ((33, 2, 2), 11), ((64,), 16), ((6,), 1), ((2,), 1)],
)
def test_the_rule_takes_the_most_groups_up_to_32_that_divide_the_channels(shape, num_groups):
    assert EvoNormS0Spec().build(shape).num_groups == num_groups


@pytest.mark.parametrize(
    ("num_groups", "shape", "text"),
    [
        (4, (6, 2, 2), "num_groups: must divide the 6 features, got 4. Use one of 1, 2, 3, 6."),
        (
            6,
            (6,),
            "name: must average over 2 values or more per statistic in features of shape (6,), got 'evo_norm_s0'",
        ),
    ],
)
def test_groups_that_do_not_fit_are_refused(num_groups, shape, text):
    with pytest.raises(SettingError) as refused:
        EvoNormS0Spec(num_groups=num_groups).build(shape)
    assert str(refused.value).startswith(text)


def test_a_number_of_groups_is_asked_for():
    for wrong in (None, 0, "four", {"at_most": 0}):
        with pytest.raises((ValueError, SettingError)):
            EvoNormS0Spec.model_validate({"num_groups": wrong})
