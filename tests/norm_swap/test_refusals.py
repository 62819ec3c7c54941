"""What cannot be swapped is refused, all places at once, and the network is as it was."""

import pytest
import torch
from model_snapshots import snapshot
from norm_swap import idioms
from norm_swap.idioms import made
from torch import nn
from torch.nn import functional as F  # noqa: N812 - torch's idiom

from normbench.errors import SettingError
from normbench.norm_swap.swap import swap_norms

IMAGES = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def refusal(network, norm, batch, **how):
    """Return the error's text; the network and the random states must be as before."""
    before = snapshot(network)
    with pytest.raises(SettingError) as caught:
        swap_norms(network, norm, batch, **how)
    after = snapshot(network)
    assert torch.equal(before[4][0][1], after[4][0][1])
    assert (before[0], before[1], list(before[2])) == (after[0], after[1], list(after[2]))
    assert all(
        was[0] == now[0] and torch.equal(was[1], now[1])
        for was, now in zip(before[2].values(), after[2].values(), strict=True)
    )
    return str(caught.value)


def test_groups_that_do_not_divide_are_told_with_all_channels_and_places():
    network, batch = made("mobilenet")
    assert refusal(network, {"name": "group_norm", "num_groups": 32}, batch) == (
        "norm.num_groups: must divide the 16 features of 1; must divide the 24 features of 4; must divide the 40 "
        "features of 7, got 32. Choose settings that fit all of them, or num_groups: {at_most: 32, min_channels: 2}."
    )


def test_a_rule_for_groups_fits_where_a_number_does_not():
    network, batch = made("mobilenet")
    audit = swap_norms(network, {"name": "group_norm", "num_groups": {"at_most": 32, "min_channels": 2}}, batch)
    assert [site.groups for site in audit.sites] == [(8, 2), (12, 2), (20, 2)]


def test_places_that_are_alike_are_told_together():
    network, batch = made("resnet")
    text = refusal(network, {"name": "group_norm", "num_groups": 3}, batch)
    assert (
        "must divide the 8 features of 1.bn1, 1.bn2; must divide the 16 features of 2.bn1, 2.bn2, 2.shortcut.1" in text
    )


def test_places_of_another_rank_are_told():
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(288, 6), nn.BatchNorm1d(6))
    text = refusal(network, "instance_norm", IMAGES)
    assert text.startswith(
        "norm.name: must average over 2 values or more per statistic in features of shape (6,) of 4,"
    )


def test_maps_of_one_position_are_told():
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(8))
    text = refusal(network, {"name": "group_norm", "num_groups": 8}, IMAGES)
    assert "features of shape (8, 1, 1) of 2, got 'group_norm'" in text


def test_a_norm_must_fit_every_size_that_it_is_called_with():
    class TwoSizes(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm2d(3)

        def forward(self, x):
            return self.norm(x).sum() + self.norm(x.mean((2, 3), keepdim=True))

    assert "features of shape (3, 1, 1) of norm" in refusal(TwoSizes(), "instance_norm", IMAGES)


def test_functions_are_no_norms_to_replace():
    assert refusal(idioms.Functional(), "group_norm", IMAGES) == (
        "norm.name: must have norms to replace, and 0 were found; 2 norm operations run inside Functional.forward "
        "(layer_norm, instance_norm), got 'group_norm'. Make them modules, such as nn.LayerNorm, or use norm: kept."
    )


def test_a_network_without_norms():
    text = refusal(nn.Sequential(nn.Conv2d(3, 8, 3)), "none", IMAGES)
    assert text == (
        "norm.name: must have norms to replace, and 0 were found, got 'none'. "
        "Give a network with norms, or use norm: kept."
    )


def test_a_norm_of_no_known_kind_is_no_norm_to_replace_until_it_is_named():
    network, batch = idioms.language(idioms.ShiftedNorm), torch.randn(4, 5, 16)
    text = refusal(network, "rms_norm", batch)
    assert "1 (ShiftedNorm), 4 (ShiftedNorm) has the name of a norm and computes none that is known" in text
    audit = swap_norms(network, "rms_norm", batch, where=["ShiftedNorm"])
    assert len(audit.swapped) == 2
    assert network[1].norm.weight.tolist() == [1.0] * 16  # not 0, which there stands for 1


class Gated(nn.BatchNorm2d):
    """Batch norm with something more in its forward."""

    def forward(self, x):
        return F.relu(super().forward(x))


def test_a_class_with_a_forward_of_its_own_is_refused_until_it_is_named():
    network = nn.Sequential(nn.Conv2d(3, 8, 3), Gated(8), nn.Conv2d(8, 8, 3), nn.BatchNorm2d(8))
    assert refusal(network, "group_norm", IMAGES) == (
        "norm.name: must find norms that can be replaced; 1 (Gated) has a forward of its own, which computes none of "
        "the known norms, and runs relu, got 'group_norm'. To replace them as they are, name them: "
        'swap: {where: ["*", "1"]}.'
    )
    assert "Gated" in refusal(network, "group_norm", IMAGES, where=["*"])
    assert len(swap_norms(network, "group_norm", IMAGES, where=["*", "1"]).swapped) == 2


def test_others_may_be_replaced_beside_a_class_that_is_refused():
    network = nn.Sequential(nn.Conv2d(3, 8, 3), Gated(8), nn.Conv2d(8, 8, 3), nn.BatchNorm2d(8))
    assert [site.path for site in swap_norms(network, "group_norm", IMAGES, where=["BatchNorm2d"]).swapped] == ["3"]


@pytest.mark.parametrize(
    ("registered", "text"),
    [
        (True, "the replaced norm norm still ran, held by ListedNorm.norms: use nn.ModuleList"),
        (False, "one (BatchNorm2d) is called, but no module holds it, as in a plain Python list"),
    ],
)
def test_a_norm_in_a_plain_list(registered, text):
    assert text in refusal(idioms.ListedNorm(registered), "group_norm", IMAGES)


def test_a_pattern_must_match():
    network, batch = made("resnet")
    assert refusal(network, "group_norm", batch, where=["1.bn1", "bn3"]) == (
        "swap.where: must match a norm of the network, by its name or its class, got 'bn3'. "
        "The network has BatchNorm2d."
    )


def test_the_network_itself():
    assert "is the network itself" in refusal(nn.BatchNorm2d(3), "group_norm", IMAGES)


def test_one_sample_without_a_batch():
    network = nn.Sequential(nn.InstanceNorm1d(3, affine=True))
    assert "0 (InstanceNorm1d) sees no axis of the batch" in refusal(network, "group_norm", torch.randn(3, 8))


def test_parametrized_norms():
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
    nn.utils.parametrize.register_parametrization(network[1], "weight", nn.Softplus())
    assert "has a parametrization" in refusal(network, "group_norm", IMAGES)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
def test_scripted_modules():
    network = nn.Sequential(nn.Conv2d(3, 8, 3), torch.jit.script(nn.BatchNorm2d(8)))
    with pytest.raises(SettingError, match="1: must be Python code"):
        swap_norms(network, "group_norm", IMAGES)


@pytest.mark.parametrize(
    ("network", "text"),
    [
        (
            lambda: nn.DataParallel(nn.BatchNorm2d(3)),
            "model: must be a plain module of one process, got 'DataParallel'",
        ),
        (lambda: nn.Sequential(nn.SyncBatchNorm(3)), "0: must be a plain module of one process, got 'SyncBatchNorm'"),
        (lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)).to("meta"), "model: must have numbers"),
    ],
)
def test_modules_that_cannot_be_exchanged(network, text):
    with pytest.raises(SettingError) as caught:
        swap_norms(network(), "group_norm", IMAGES)
    assert str(caught.value).startswith(text)


def test_quantized_modules():
    class Quantized(nn.Module):
        __module__ = "torch.ao.nn.quantized.modules.batchnorm"

    with pytest.raises(SettingError, match="Give the network from before it was quantized"):
        swap_norms(nn.Sequential(Quantized()), "group_norm", IMAGES)


def test_a_batch_that_the_network_does_not_take():
    network = nn.Sequential(nn.Conv2d(3, 8, 8), nn.BatchNorm2d(8))
    text = refusal(network, "group_norm", IMAGES[:1])
    assert text.startswith(
        "model: must take the batch in training; it ended with ValueError: Expected more than 1 value"
    )
    assert ", in 1 (BatchNorm2d)" in text


class ReadsWeight(nn.Module):
    """Computes in evaluation with what it reads off its norm."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(16)

    def forward(self, x):
        if self.training:
            return self.norm(x)
        return F.layer_norm(x, (16,), self.norm.weight, self.norm.bias, self.norm.eps)


def test_who_reads_a_norms_weight_in_evaluation_is_refused():
    text = refusal(nn.Sequential(nn.Linear(16, 16), ReadsWeight()), "group_norm", torch.randn(4, 5, 16))
    assert "norm.name: must take the batch in evaluation; it ended with AttributeError" in text
    assert "with the new norms" in text


class AsksForItsClass(nn.Module):
    """Leaves out its activation after another norm than batch norm."""

    def __init__(self):
        super().__init__()
        self.norm, self.act = nn.BatchNorm2d(3), nn.SiLU()

    def forward(self, x):
        x = self.norm(x)
        return self.act(x) if isinstance(self.norm, nn.BatchNorm2d) else x


def test_lost_activations_are_told():
    text = refusal(AsksForItsClass(), "layer_norm", IMAGES)
    assert "must leave all else as it was; 0 activation functions ran, not 1, got 'layer_norm'" in text


class Cached(nn.Module):
    """Calls one of two layers by what its norm can do, so that the other gets no gradient."""

    def __init__(self):
        super().__init__()
        self.norm, self.one, self.other = nn.BatchNorm2d(3), nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)

    def forward(self, x):
        return (self.one if hasattr(self.norm, "running_mean") else self.other)(self.norm(x))


def test_lost_gradients_are_told():
    text = refusal(Cached(), "layer_norm", IMAGES)
    assert "2 parameters get no gradient any more, the first one.weight" in text


class Skips(nn.Module):
    """Calls its norm once more if that has running statistics."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x):
        x = self.norm(x)
        return self.norm(x) if hasattr(self.norm, "running_mean") else x


def test_other_numbers_of_calls_are_told():
    text = refusal(Skips(), "layer_norm", IMAGES)
    assert "the norm in place of norm ran 1 times in training, not 2" in text


def test_outputs_that_are_not_finite_are_told():
    class Overflowing(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.LayerNorm(8)

        def forward(self, x):
            return (self.norm(x * 1e30) * 1e10).exp().mean(1)

    network = nn.Sequential(nn.Flatten(), nn.Linear(192, 8), Overflowing())
    text = refusal(network, "none", IMAGES)
    assert "the output of training is not finite; the output of evaluation is not finite" in text


def test_an_unknown_norm():
    network, batch = made("resnet")
    with pytest.raises(SettingError, match="Did you mean 'group_norm'"):
        swap_norms(network, "groupnorm", batch)
