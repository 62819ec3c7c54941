"""What is in the place of a norm after the swap."""

import copy
import pickle

import pytest
import torch
from norm_swap import idioms
from norm_swap.idioms import made
from torch import nn

from normbench.models.base import built_norms
from normbench.norm_swap.layers import Copy, Followed, Rearranged
from normbench.norm_swap.swap import swap_norms
from normbench.norms.batch_norm import BatchNormSpec
from normbench.norms.group_norm import GroupNorm, GroupNormSpec
from normbench.training.numerics import numerics


def swapped(name, norm, **how):
    network, batch = made(name)
    return network, batch, swap_norms(network, norm, batch, **how)


def test_settings_that_are_not_said_are_those_of_the_replaced_norm():
    network, _, audit = swapped("mobilenet", "batch_norm")
    assert {(network[k].eps, network[k].momentum) for k in (1, 4, 7)} == {(1e-3, 0.01)}
    assert {site.new_settings["momentum"] for site in audit.sites} == {0.01}


@pytest.mark.parametrize("how", [{"norm": {"name": "batch_norm", "eps": 0.1}}, {"norm": BatchNormSpec(eps=0.1)}])
def test_settings_that_are_said_are_kept(how):
    network, _, _ = swapped("mobilenet", **how)
    assert (network[1].eps, network[1].momentum) == (0.1, 0.01)


def test_what_was_said_may_be_told_apart_from_what_the_settings_hold():
    spec = BatchNormSpec(eps=0.1, momentum=0.2)
    network, _, _ = swapped("mobilenet", spec, said={"momentum"})
    assert (network[1].eps, network[1].momentum) == (1e-3, 0.2)


def test_running_statistics_are_a_matter_of_the_kind():
    torch.manual_seed(0)
    batch = torch.randn(4, 3, 8, 8)
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8, track_running_stats=False))
    swap_norms(network, "batch_norm", batch)
    assert network[1].running_mean is None
    swap_norms(network, "instance_norm", batch)
    tracking = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
    swap_norms(tracking, "instance_norm", batch)
    assert tracking[1].running_mean is None


def test_no_weight_is_added_where_there_was_none():
    network, _, _ = swapped("conditional", "group_norm")
    assert network[1].norm.weight is None


def test_weight_and_bias_are_the_very_parameters():
    network, batch = made("resnet")
    before = [network[1].bn1.weight, network[1].bn1.bias, network[1].bn2.weight]
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    swap_norms(network, "group_norm", batch)
    after = [network[1].bn1.weight, network[1].bn1.bias, network[1].bn2.weight]
    assert all(one is other for one, other in zip(before, after, strict=True))
    assert not network[1].bn2.weight.any()
    network(batch).sum().backward()
    optimizer.step()
    assert network[1].bn2.weight.any()


def test_weights_reach_the_parts_of_a_norm_that_has_several():
    network, batch = made("resnet")
    with torch.no_grad():
        network[1].bn1.weight.copy_(torch.arange(8.0))
    swap_norms(network, "ibn", batch)
    parts = network[1].bn1.instance_norm.weight, network[1].bn1.batch_norm.weight
    assert torch.equal(torch.cat(parts), torch.arange(8.0))


def test_a_weight_that_does_not_fit_is_said():
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.LayerNorm((8, 6, 6)))
    audit = swap_norms(network, "group_norm", torch.randn(4, 3, 8, 8))
    assert audit.sites[0].notes == (
        "averages over its last 3 axes: the first of them is taken for the channels",
        "weight starts anew: (8, 6, 6) does not fit (8,)",
        "bias starts anew: (8, 6, 6) does not fit (8,)",
    )


def test_running_statistics_of_the_same_kind_are_taken_over_and_of_others_said():
    network, batch = made("resnet")
    network(batch)
    mean = network[1].bn1.running_mean.clone()
    other = copy.deepcopy(network)
    swap_norms(network, "ghost_batch_norm", batch)
    assert torch.equal(network[1].bn1.running_mean, mean)
    assert network[1].bn1.num_batches_tracked == 1
    audit = swap_norms(other, "group_norm", batch)
    assert "running statistics of 1 batches are gone" in audit.sites[0].notes


def test_modes_frozen_parameters_and_formats_are_kept():
    network, batch = made("resnet")
    network.double()
    network[1].bn1.eval().requires_grad_(False)
    network[2].bn1.requires_grad_(False)
    swap_norms(network, {"name": "layer_norm", "affine": "element"}, batch.double())
    assert [network[1].bn1.training, network[1].bn2.training, network.training] == [False, True, True]
    assert not any(p.requires_grad for p in (*network[1].bn1.parameters(), *network[2].bn1.parameters()))
    assert {p.dtype for p in network.parameters()} == {torch.float64}


def test_channels_that_come_last_are_normalized_as_channels():
    network, _, audit = swapped("windows", {"name": "group_norm", "num_groups": 4})
    assert isinstance(network.norm1, Rearranged)
    assert audit.sites[0].norm_path == "norm1.norm"
    x = torch.randn(4, 8, 8, 16)
    wanted = nn.functional.group_norm(x.permute(0, 3, 1, 2), 4).permute(0, 2, 3, 1)
    assert torch.allclose(network.norm1(x), wanted, atol=1e-5)
    assert network.norm1(x).is_contiguous()


def test_samples_on_another_axis_stay_apart():
    network, _, _ = swapped("steps_first", "group_norm")
    norm, x = network.encoder.layers[0].norm1, torch.randn(5, 4, 16)
    alone = torch.cat([norm(x[:, [k]]) for k in range(4)], 1)
    assert torch.allclose(norm(x), alone, atol=1e-6)


def test_nothing_of_a_norm_can_be_read_off_what_moves_its_axes():
    network, _, _ = swapped("encoder", "group_norm")
    with pytest.raises(AttributeError):
        _ = network.layers[0].norm1.weight


def test_more_axes_than_a_norm_takes_are_joined():
    network = nn.Sequential(nn.LayerNorm(6))
    x = torch.randn(2, 2, 3, 2, 2, 6)
    swap_norms(network, "group_norm", x)
    wanted = nn.functional.group_norm(x.flatten(1, 4).movedim(-1, 1), 2).movedim(1, -1).reshape(x.shape)
    assert torch.allclose(network(x), wanted, atol=1e-5)


def test_activations_and_dropout_inside_norms_are_kept():
    network, batch = made("fused")
    acts = [network.norm1.act, network.norm2.act, network.norm2.drop]
    swap_norms(network, "group_norm", batch)
    assert isinstance(network.norm1, Followed)
    assert [network.norm1.act, network.norm2.act, network.norm2.drop] == acts
    x = torch.randn(4, 8, 8, 8)
    assert torch.allclose(network.norm1(x), nn.functional.silu(nn.functional.group_norm(x, 2)), atol=1e-5)


def test_what_acts_inside_norms_keeps_its_mode():
    network, batch = made("fused")
    network.norm2.eval()
    network.norm2.drop.train()
    swap_norms(network, "batch_norm", batch)
    norm2 = network.norm2
    assert [norm2.training, norm2.norm.training, norm2.drop.training, norm2.act.training] == [False, False, True, False]


def test_none_leaves_what_acts_inside_norms():
    network, _, _ = swapped("fused", "none")
    x = torch.randn(4, 8, 8, 8)
    before = x.clone()
    assert torch.equal(network.norm1(x), nn.functional.silu(x))
    assert torch.equal(x, before)


def test_none_copies_where_something_writes_into_its_output():
    network, batch, _ = swapped("preact", "none")
    assert isinstance(network.norm, Copy)
    stem = network.stem(batch)
    assert torch.equal(network(batch), stem + network.conv(stem.relu()))


def test_none_is_an_identity_elsewhere():
    network, _, audit = swapped("uncalled", "none")
    assert type(network.norm) is nn.Identity
    assert audit.num_parameters == (264, 248)


def test_kept_touches_nothing():
    network, batch = made("resnet")
    modules = list(network.modules())
    audit = swap_norms(network, "kept", batch)
    assert list(network.modules()) == modules
    assert audit.swapped == ()


def test_a_norm_with_two_names_becomes_one_with_both():
    network, _, _ = swapped("shared", "group_norm")
    assert network.first is network.second
    assert isinstance(network.first, GroupNorm)
    assert sum("first" in name or "second" in name for name, _ in network.named_parameters()) == 2


def test_lazy_modules_get_their_shapes_first():
    torch.manual_seed(0)
    network = idioms.lazy()
    audit = swap_norms(network, "group_norm", torch.randn(4, 3, 8, 8))
    assert audit.sites[0].num_features == 8
    assert (network[1].eps, network[4].in_features) == (1e-3, 288)


def test_hooks_stay_and_can_still_be_removed():
    network, batch = made("resnet")
    seen = []
    handle = network[1].bn1.register_forward_hook(lambda module, *_: seen.append(type(module).__name__))
    swap_norms(network, "group_norm", batch)
    seen.clear()
    network(batch)
    handle.remove()
    network(batch)
    assert seen == ["GroupNorm"]


@pytest.mark.parametrize(
    ("where", "replaced"),
    [
        (["1.*"], {"1.bn1", "1.bn2"}),
        (["*.bn1"], {"1.bn1", "2.bn1"}),
        (["BatchNorm2d"], {"1.bn1", "1.bn2", "2.bn1", "2.bn2", "2.shortcut.1"}),
        (["2.shortcut.1", "1.bn2"], {"1.bn2", "2.shortcut.1"}),
    ],
)
def test_where_chooses_by_path_and_class(where, replaced):
    network, _, audit = swapped("resnet", "group_norm", where=where)
    assert {site.path for site in audit.swapped} == replaced
    assert {name for name, module in network.named_modules() if isinstance(module, GroupNorm)} == replaced


@pytest.mark.parametrize("norm", ["rms_norm", "group_norm"])
@pytest.mark.parametrize("norm_first", [False, True])
def test_transformer_encoders_compute_the_same_in_evaluation(norm, norm_first):
    torch.manual_seed(0)
    network, batch = idioms.encoder(norm_first), torch.randn(4, 5, 16)
    swap_norms(network, norm, batch)
    trained = network.train()(batch)
    with torch.no_grad():
        with numerics():
            inside = network.eval()(batch)
        outside = network(batch)
    assert torch.allclose(inside, outside, atol=1e-6)  # attention has a fast path of its own
    assert torch.allclose(trained, inside, atol=1e-6)


def test_an_encoder_with_padding_calls_its_new_norms_in_evaluation():
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
    network, batch = nn.TransformerEncoder(layer, 2), torch.randn(4, 5, 16)
    padding = torch.arange(5).expand(4, 5) >= torch.tensor([[5], [4], [3], [5]])
    swap_norms(network, "rms_norm", {"src": batch, "src_key_padding_mask": padding})
    trained = network.train()(batch, src_key_padding_mask=padding)
    with torch.no_grad():
        evaluated = network.eval()(batch, src_key_padding_mask=padding)
    assert torch.allclose(trained[~padding], evaluated[~padding], atol=1e-6)


def test_new_norms_are_seen_as_normbenchs():
    network, _, _ = swapped("windows", {"name": "group_norm", "num_groups": 4})
    built = built_norms(network)
    assert {name: one.feature_shape for name, one in built.items()} == {
        "norm1.norm": (16, 8, 8),
        "norm2.norm": (16, 64),
    }
    assert built["norm2.norm"].spec == GroupNormSpec(num_groups=4, eps=1e-6)
    assert built_norms(swapped("tokens", "rms_norm")[0])["norm"].per_step


def test_a_swapped_network_can_be_swapped_again_copied_and_pickled():
    network, batch, _ = swapped("windows", "group_norm")
    swap_norms(network, "rms_norm", batch)
    expected = network(batch)
    for copied in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert torch.equal(copied(batch), expected)


def test_a_network_writes_into_no_sample():
    network = nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
    batch = torch.randn(4, 3, 8, 8)
    before = batch.clone()
    swap_norms(network, "group_norm", batch)
    assert torch.equal(batch, before)


@pytest.mark.parametrize("norm", ["group_norm", "rms_norm", "none"])
def test_a_norm_that_is_called_by_name_still_is(norm):
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.maps, self.steps = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.LayerNorm(8)

        def forward(self, x):
            return self.steps(input=self.maps(input=self.conv(x)).flatten(2).mT)

    network = Named()
    swap_norms(network, norm, torch.randn(4, 3, 8, 8))
    x = torch.randn(4, 8, 6, 6)
    assert torch.equal(network.maps(x), network.maps(input=x))


def test_activations_are_counted_wherever_they_run():
    network, batch = made("fused")
    assert swap_norms(network, "kept", batch).num_activations == 2
    network, batch = made("resnet")
    assert swap_norms(network, "group_norm", batch).num_activations == 4


def test_samples_may_be_several_arguments():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.LayerNorm(16)

        def forward(self, ids, scale):
            return {"logits": self.norm(nn.functional.one_hot(ids, 16) * scale)}

    ids, scale = torch.randint(16, (4, 5)), torch.rand(4, 5, 1)
    for sample in ((ids, scale), {"ids": ids, "scale": scale}):
        audit = swap_norms(Two(), "group_norm", sample)
        assert audit.sites[0].feature_shape == (16, 5)
