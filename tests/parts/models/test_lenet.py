"""LeNet's local response normalization stands where AlexNet has it, and learns nothing."""

import torch
from torch.testing import assert_close

from normbench.models.lenet import LeNetSpec
from normbench.norms.batch_norm import BatchNormSpec
from normbench.norms.local_response_norm import LocalResponseNorm

SHAPES = ((1, 16, 16), (4,))


def build(alpha):
    return LeNetSpec(local_response_alpha=alpha).build(*SHAPES, BatchNormSpec(), 0.0)


def test_local_response_norm_comes_after_the_activation_and_before_the_pooling():
    model = build(0.5)
    assert model.conv1.stages == model.conv2.stages == ("norm", "activation", "response_norm", "pool")
    assert model.conv1.response_norm.alpha == 0.5


def test_alpha_zero_leaves_it_out():
    model = build(0.0)
    assert model.conv1.stages == ("norm", "activation", "pool")
    assert not any(isinstance(module, LocalResponseNorm) for module in model.modules())


def test_it_changes_what_a_layer_hands_on_by_its_own_formula():
    torch.manual_seed(0)
    plain, normed = build(0.0).eval(), build(0.5).eval()
    normed.load_state_dict(plain.state_dict())
    x = torch.randn(3, 1, 16, 16)
    before_pooling = plain.conv1.norm(torch.nn.functional.conv2d(x, plain.conv1.weight, plain.conv1.bias)).relu()
    expected = torch.nn.functional.max_pool2d(LocalResponseNorm(alpha=0.5)(before_pooling), 2)
    assert_close(normed.conv1(x), expected)
    assert not torch.allclose(normed.conv1(x), plain.conv1(x), rtol=0.01)
