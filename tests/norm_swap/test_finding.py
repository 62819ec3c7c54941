"""What is found of a network's norms before anything is replaced."""

import pytest
import torch
from norm_swap import idioms
from norm_swap.idioms import made
from torch import nn

from normbench.norm_swap.swap import swap_norms


def sites(name):
    network, batch = made(name)
    return {site.path: site for site in swap_norms(network, "kept", batch).sites}


@pytest.mark.parametrize(
    ("name", "found"),
    {
        "resnet": ["1.bn1", "1.bn2", "2.bn1", "2.bn2", "2.shortcut.1"],
        "fused": ["norm1", "norm2", "norm3"],
        "encoder": ["layers.0.norm1", "layers.0.norm2", "layers.1.norm1", "layers.1.norm2"],
        "conditional": ["1.norm"],
        "standardized": ["1"],
        "language": ["1", "4"],
        "spectral": ["1", "4"],
    }.items(),
)
def test_norms_are_found_by_class_or_by_what_they_compute(name, found):
    assert list(sites(name)) == found


def test_settings_are_those_of_the_network():
    found = sites("mobilenet").values()
    assert [site.num_features for site in found] == [16, 24, 40]
    assert {(site.settings["eps"], site.settings["momentum"]) for site in found} == {(1e-3, 0.01)}
    assert sites("conditional")["1.norm"].settings["affine"] is False
    assert sites("language")["1"].settings["eps"] == 1e-6


@pytest.mark.parametrize(
    ("name", "path", "feature_shape", "batch_axis", "channel_axis"),
    [
        ("resnet", "2.bn1", (16, 4, 4), 0, 1),
        ("encoder", "layers.0.norm1", (16, 5), 0, 2),
        ("steps_first", "encoder.layers.0.norm1", (16, 5), 1, 2),
        ("windows", "norm1", (16, 8, 8), 0, 3),
        ("windows", "norm2", (16, 64), 0, 2),
        ("convnext", "1", (8, 4, 4), 0, 1),
        ("tokens", "norm", (24,), 0, 1),
    ],
)
def test_axes_of_batch_and_channels(name, path, feature_shape, batch_axis, channel_axis):
    site = sites(name)[path]
    assert (site.feature_shape, site.batch_axis, site.channel_axis) == (feature_shape, batch_axis, channel_axis)


@pytest.mark.parametrize("num_samples", [2, 4, 5, 16])
def test_the_axis_of_the_batch_is_found_whatever_its_length(num_samples):
    torch.manual_seed(0)
    audit = swap_norms(idioms.StepsFirst(), "kept", torch.randn(num_samples, 5, 16))
    assert {site.batch_axis for site in audit.sites} == {1}


def test_rows_that_are_no_samples_are_said():
    site = sites("tokens")["norm"]
    assert site.rows_per_sample == 5
    assert site.notes == ("gets 20 rows of 4 samples: what is normalized per sample is so per row",)


def test_calls_are_counted_with_those_of_checkpointing():
    assert [(site.calls, site.calls_in_backward, site.calls_in_eval) for site in sites("checkpointed").values()] == [
        (1, 1, 1),
        (1, 0, 1),
    ]
    assert [site.calls_in_backward for site in sites("reentrant").values()] == [1, 0]


def test_a_norm_with_two_names_is_one():
    (site,) = sites("shared").values()
    assert (site.path, site.aliases, site.calls, site.shapes) == (
        "first",
        ("second",),
        2,
        ((4, 8, 8, 8), (4, 8, 4, 4)),
    )


def test_what_acts_inside_a_norm_is_told():
    assert [dict(site.tail) for site in sites("fused").values()] == [
        {"drop": "Identity", "act": "SiLU"},
        {"drop": "Dropout", "act": "SiLU"},
        {"drop": "Identity", "act": "Identity"},
    ]


def test_kinds_are_told_by_what_is_computed():
    assert {site.kind for site in sites("fused").values()} == {"batch_norm"}
    assert {site.kind for site in sites("language").values()} == {"rms_norm"}
    assert {site.kind for site in sites("convnext").values()} == {"layer_norm"}


def test_a_norm_that_is_never_called_is_listed_and_left():
    network, batch = made("uncalled")
    unused = network._bn1
    audit = swap_norms(network, "group_norm", batch)
    assert [site.path for site in audit.never_called] == ["_bn1"]
    assert network._bn1 is unused


def test_functions_that_normalize_are_listed():
    audit = swap_norms(idioms.Functional(), "kept", torch.randn(4, 3, 8, 8))
    (loose,) = audit.loose
    assert (loose.class_name, loose.names, loose.is_on_weights) == (
        "Functional",
        ("layer_norm", "instance_norm"),
        False,
    )


def _group_norm(x: torch.Tensor) -> torch.Tensor:
    return torch.group_norm(x, 2)


class Dispatched(nn.Module):
    """Calls torch's operation, which no function of torch.nn stands before."""

    def forward(self, x):
        return torch.ops.aten.native_layer_norm(x, [16], None, None, 1e-5)[0]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_operations_that_normalize_are_listed_whoever_calls_them():
    scripted = torch.jit.script(_group_norm)

    class Scripted(nn.Module):
        def forward(self, x):
            return scripted(x)

    network = nn.Sequential(nn.Linear(16, 16), Dispatched(), Scripted())
    audit = swap_norms(network, "kept", torch.randn(4, 16))
    assert [(one.path, one.names) for one in audit.loose] == [("1", ("layer_norm",)), ("2", ("group_norm",))]


def test_norms_of_weights_are_told_apart():
    network, batch = made("standardized")
    (loose,) = swap_norms(network, "kept", batch).loose
    assert (loose.class_name, loose.names, loose.is_on_weights) == ("StandardizedConv2d", ("batch_norm",), True)


class FrozenNorm(nn.Module):
    """Batch norm with statistics that never change, as detection networks have it."""

    def __init__(self, num_features):
        super().__init__()
        for name, value in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.1), ("running_var", 2.0)):
            self.register_buffer(name, torch.full((num_features,), value))
        self.eps = 1e-5

    def forward(self, x):
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        return x * scale[:, None, None] + (self.bias - self.running_mean * scale)[:, None, None]


def test_what_is_only_called_a_norm_is_named_and_left():
    frozen = FrozenNorm(8)
    network = nn.Sequential(nn.Conv2d(3, 8, 3), frozen, nn.BatchNorm2d(8))
    audit = swap_norms(network, "group_norm", torch.randn(4, 3, 8, 8))
    assert audit.not_touched == {"1": "FrozenNorm"}
    assert network[1] is frozen
    assert [site.path for site in audit.swapped] == ["2"]


def test_weight_parametrizations_are_no_norms():
    network, batch = made("spectral")
    audit = swap_norms(network, "kept", batch)
    assert not audit.not_touched
    assert not audit.loose


class Written(nn.Module):
    """Batch norm written out, with a name that does not say so."""

    def __init__(self, num_features):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.rand(num_features)), nn.Parameter(torch.rand(num_features))

    def forward(self, x):
        mean, var = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), correction=0, keepdim=True)
        return (x - mean) / (var + 1e-5).sqrt() * self.weight[:, None, None] + self.bias[:, None, None]


def test_a_norm_that_is_written_out_is_found_by_what_it_computes():
    network = nn.Sequential(nn.Conv2d(3, 8, 3), Written(8))
    (site,) = swap_norms(network, "kept", torch.randn(4, 3, 8, 8)).sites
    assert (site.kind, site.class_name, site.settings["eps"]) == ("batch_norm", "Written", 1e-5)


@pytest.mark.parametrize(
    ("layer", "shape", "kind"),
    [
        (nn.BatchNorm1d(6), (4, 6), "batch_norm"),
        (nn.BatchNorm3d(6), (4, 6, 2, 3, 2), "batch_norm"),
        (nn.InstanceNorm1d(6), (4, 6, 5), "instance_norm"),
        (nn.GroupNorm(3, 6), (4, 6, 5), "group_norm"),
        (nn.LayerNorm((6, 3, 3)), (4, 6, 3, 3), "layer_norm"),
        (nn.RMSNorm(6), (4, 5, 6), "rms_norm"),
        (nn.LocalResponseNorm(3), (4, 6, 5, 5), "local_response_norm"),
    ],
)
def test_all_of_torchs_norms_are_found(layer, shape, kind):
    (site,) = swap_norms(nn.Sequential(layer), "kept", torch.randn(shape)).sites
    assert (site.kind, site.num_features) == (kind, 6)
