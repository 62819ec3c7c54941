"""The documents' numbers on dropout, weight decay and l1. Each test names its row in the list of claims.

R  正则化 (Regularization), 2021-08-15, after https://zhuanlan.zhihu.com/p/265394674
"""

from math import sqrt

import pytest
import torch
from torch import nn

from normbench.models.mlp import MLPSpec
from normbench.norms.none import NoneSpec
from normbench.optimizers.sgd import SGDSpec
from normbench.training.loop import add_l1_gradient


def ones_through_dropout(num_features, dropout):
    """Return a net whose hidden features are all 1, dropped, and then summed."""
    net = MLPSpec(hidden_features=(num_features,), bias=False).build((1,), (1,), NoneSpec(), dropout)
    for parameter in net.parameters():
        nn.init.ones_(parameter)
    return net


def sums(net, num_passes):
    with torch.no_grad():
        return net(torch.ones(num_passes, 1)).squeeze(1)


def test_dropout_keeps_the_scale_in_training():
    """A9: document R prints 9868, one draw of twice a binomial of 10,000 halves: mean 10000, std 100."""
    outputs = sums(ones_through_dropout(10_000, 0.5).train(), 400)
    assert outputs.mean().item() == pytest.approx(10_000, abs=4 * 100 / sqrt(400))
    assert outputs.std().item() == pytest.approx(100, abs=4 * 100 / sqrt(2 * 400))
    assert outputs.min() < 9868 < outputs.max()
    assert not (outputs % 2).any()  # each kept feature counts twice: unscaled, the mean is the document's 5000


def test_dropout_is_off_in_evaluation():
    """A9: document R prints 10000."""
    assert sums(ones_through_dropout(10_000, 0.5).eval(), 3).tolist() == [10_000.0] * 3


def test_the_older_dropout_rule_leaves_seventy_percent_of_the_scale():
    """A9b: document R, dropout_prob 0.3: 70 % in training, and weights x 0.7 in evaluation. 10,000 ones: 7000 +- 46."""
    net, p = ones_through_dropout(10_000, 0.3), 0.3
    unscaled = (1 - p) * sums(net.train(), 400)  # without the division by 1 - p that torch does in training
    assert unscaled.mean().item() == pytest.approx(7000, abs=4 * 46 / sqrt(400))
    assert unscaled.std().item() == pytest.approx(sqrt(10_000 * 0.7 * 0.3), abs=4 * 46 / sqrt(2 * 400))
    with torch.no_grad():
        net.output.weight.mul_(1 - p)
    assert sums(net.eval(), 1).item() == pytest.approx(7000, rel=1e-4)  # a float32 sum of 10,000


def two_sgd_steps(spec, lr, weight_decay=0.1):
    w = nn.Parameter(torch.tensor(2.0, dtype=torch.float64))
    optimizer, trail = spec.build([{"params": [w], "weight_decay": weight_decay}], lr), []
    for _ in range(2):
        w.grad = torch.ones_like(w)
        optimizer.step()
        trail.append(w.item())
    return trail


@pytest.mark.parametrize(
    ("momentum", "lr", "expected"),
    [
        (0.0, 1.0, [0.8, -0.28]),  # the document's w (1 - 0.1) - 1, written with lr 1
        (0.0, 0.1, [1.88, 1.7612]),  # 2 - 0.1 (1 + 0.2), 1.88 - 0.1 (1 + 0.188)
        (0.9, 0.1, [1.88, 1.6532]),  # velocity 1.2, then 0.9 x 1.2 + 1.188 = 2.268
    ],
)
def test_sgd_adds_weight_decay_times_weight_to_the_gradient(momentum, lr, expected):
    """A13: document R, "d_p = d_p + weight_decay x p.data", before the momentum."""
    assert two_sgd_steps(SGDSpec(momentum=momentum), lr) == pytest.approx(expected, rel=1e-12)


def test_l1_adds_its_sign_to_the_gradient():
    """A16: document R, one step of w - lr (g + l1 sign w), sign 0 = 0."""
    w = nn.Parameter(torch.tensor([0.5, -0.5, 0.0], dtype=torch.float64))
    w.grad = torch.full_like(w, 0.1)
    add_l1_gradient([w], 0.01)
    SGDSpec(momentum=0.0).build([{"params": [w], "weight_decay": 0.0}], 0.1).step()
    assert w.tolist() == pytest.approx([0.489, -0.509, -0.01], rel=1e-12)
