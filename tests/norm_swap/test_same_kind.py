"""With normbench's norms of the same kind and settings a network computes what it did."""

import pytest
import torch
from model_snapshots import snapshot
from norm_swap.idioms import NETWORKS, made
from torch import nn

from normbench.norm_swap.same_kind import same_kind_check


@pytest.mark.parametrize("name", NETWORKS)
def test_the_bits_are_equal_and_nothing_has_changed(name):
    network, batch = made(name)
    before = snapshot(network)
    found = same_kind_check(network, batch)
    assert found.is_bit_equal, str(found)
    assert found.num_checked
    after = snapshot(network)
    assert before[:2] == after[:2]
    assert all(
        a[0] == b[0] and torch.equal(a[1], b[1]) for a, b in zip(before[2].values(), after[2].values(), strict=True)
    )


@pytest.mark.parametrize(
    ("layer", "shape", "largest"),
    [
        (nn.BatchNorm1d(6, momentum=None), (4, 6), 0),
        (nn.BatchNorm2d(6, affine=False, track_running_stats=False), (4, 6, 5, 5), 0),
        (nn.GroupNorm(3, 6), (4, 6, 5), 0),
        (nn.LayerNorm((6, 3, 3)), (4, 6, 3, 3), 0),
        (nn.LayerNorm(6, bias=False), (4, 5, 6), 0),
        (nn.InstanceNorm2d(6, affine=True, track_running_stats=True), (4, 6, 5, 5), 1e-6),
        (nn.RMSNorm(6), (4, 5, 6), 1e-6),
        (nn.LocalResponseNorm(3), (4, 6, 5, 5), 1e-6),
    ],
)
def test_all_of_torchs_norms(layer, shape, largest):
    torch.manual_seed(0)
    found = same_kind_check(nn.Sequential(layer, nn.Tanh()), torch.randn(shape))
    assert found.num_checked == 1
    assert found.largest_difference <= largest


def test_a_difference_is_told_with_its_first_place(monkeypatch):
    from normbench.norm_swap import same_kind

    network, batch = made("mobilenet")
    monkeypatch.setattr(same_kind, "replacement", _with_another_eps(same_kind.replacement))
    found = same_kind_check(network, batch)
    assert not found.is_bit_equal
    assert found.first_site == "4"
    assert str(found).startswith("differs by ")


def _with_another_eps(replacement):
    def changed(one, spec, said):
        made = replacement(one, spec, said)
        made.norm.eps *= 1 + 9 * (one.site.path == "4")
        return made

    return changed


def test_norms_without_one_of_the_same_kind_are_told():
    network, batch = made("uncalled")
    assert same_kind_check(network, batch).left_out == {"_bn1": "is never called, got 'BatchNorm2d'"}
    assert str(same_kind_check(nn.Sequential(nn.Linear(8, 8)), torch.randn(4, 8))) == "no norm of a known kind"
