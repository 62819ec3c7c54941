"""Norms over too few values are named in any model, by what is left of a signal; broken running statistics, too."""

import math

import pytest
import torch
from contracts.norm_cases import FEATURE_SHAPES, takes
from contracts.variants import variants
from torch import nn

from normbench.evidence.probe.probe_report import read_probe
from normbench.inspection.probe import probe_model
from normbench.models.base import build_norm

EPS = 1e-12
TORCHS = {
    "batch norm, 1 position": (lambda: nn.BatchNorm1d(6, EPS), (6,)),
    "batch norm, 1x1": (lambda: nn.BatchNorm2d(6, EPS), (6, 1, 1)),
    "batch norm, 1x2": (lambda: nn.BatchNorm2d(6, EPS), (6, 1, 2)),
    "batch norm without running statistics": (lambda: nn.BatchNorm1d(6, EPS, track_running_stats=False), (6,)),
    "group norm, 1 value": (lambda: nn.GroupNorm(6, 6, EPS), (6, 1, 1)),
    "group norm, 2 values": (lambda: nn.GroupNorm(3, 6, EPS), (6, 1, 1)),
    "group norm, 6 values": (lambda: nn.GroupNorm(1, 6, EPS), (6, 1, 1)),
    "group norm, 2 positions": (lambda: nn.GroupNorm(6, 6, EPS), (6, 2)),
    "group norm, 4 positions": (lambda: nn.GroupNorm(6, 6, EPS), (6, 2, 2)),
    "instance norm, 2 positions": (lambda: nn.InstanceNorm1d(6, EPS), (6, 2)),
    "instance norm, 4 positions": (lambda: nn.InstanceNorm2d(6, EPS), (6, 2, 2)),
    "instance norm, volume": (lambda: nn.InstanceNorm3d(6, EPS), (6, 1, 2, 1)),
    "layer norm, 1 feature": (lambda: nn.LayerNorm(1, EPS), (6, 1)),
    "layer norm, 2 features": (lambda: nn.LayerNorm(2, EPS), (6, 2)),
    "layer norm, 6 features": (lambda: nn.LayerNorm(6, EPS), (6,)),
    "layer norm over maps": (lambda: nn.LayerNorm([2, 2], EPS), (6, 2, 2)),
    "rms norm, 1 feature": (lambda: nn.RMSNorm(1, EPS), (6, 1)),
    "rms norm, 2 features": (lambda: nn.RMSNorm(2, EPS), (6, 2)),
}


def few_values_in(norm, feature_shape, num_samples):
    x = torch.randn(num_samples, *feature_shape)
    model = nn.Sequential(nn.Identity(), norm, nn.Flatten(), nn.Linear(x[0].numel(), 2))
    findings = read_probe("", "", [probe_model(model, x)]).findings
    return [one for one in findings if one.source == "few_values"]


def leaves_signs_alone(norm, feature_shape, num_samples):
    """Return whether every number that a norm puts out is 0, or 1 or -1, whatever comes in."""
    norm = norm.train().double()
    sizes = norm(torch.randn(num_samples, *feature_shape, dtype=torch.float64)).abs()
    return bool(((sizes < 1e-3) | ((sizes - 1).abs() < 1e-3)).all())


@pytest.mark.parametrize("num_samples", [2, 3, 8])
@pytest.mark.parametrize("name", TORCHS)
def test_a_norm_is_named_where_it_leaves_no_more_than_signs(name, num_samples):
    make, feature_shape = TORCHS[name]
    found = few_values_in(make(), feature_shape, num_samples)
    assert bool(found) == leaves_signs_alone(make(), feature_shape, num_samples)
    for one in found:
        assert (one.level, one.layers) == ("warning", ("1",))
        assert one.why
        assert one.way_out


@pytest.mark.parametrize("spec", [spec() for spec in variants("norms")], ids=lambda spec: spec.name)
def test_every_norm_of_normbench_is_counted_likewise(spec):
    for shape in [shape for shape in (*FEATURE_SHAPES, (6, 1), (6, 2), (2, 1)) if takes(spec, shape)]:
        declared = spec.properties(shape, batch_size=2, training=True)
        centres_one_kind = declared.num_statistics and "|" not in declared.averaged_axes
        if not centres_one_kind or declared.random or declared.overlapping:
            continue
        norm = build_norm(spec, shape, "layer")
        if leaves_signs_alone(build_norm(spec.model_copy(update={"eps": EPS}), shape, "layer"), shape, 2):
            assert few_values_in(norm, shape, 2), shape


def test_a_norm_that_reads_running_statistics_is_not_counted():
    for make, shape in (
        (lambda: nn.BatchNorm1d(6), (6,)),
        (lambda: nn.InstanceNorm1d(6, track_running_stats=True), (6, 1)),
    ):
        assert few_values_in(make().eval(), shape, 2) == []


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("has_all_steps", [False, True])
def test_samples_are_counted_where_steps_stand_first(batch_first, has_all_steps):
    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.norm = nn.GRU(4, 6, batch_first=batch_first), nn.BatchNorm1d(6)
            self.fc = nn.Linear(6, 2)

        def forward(self, x):
            states = self.rnn(x)[0] if has_all_steps else self.rnn(x)[1][0]
            return self.fc(self.norm(states.flatten(0, -2)).view(states.shape))

    x = torch.randn(*((8, 30) if batch_first else (30, 8)), 4)
    reading = probe_model(Tagger(), x)
    assert reading.num_samples == 8
    (found,) = [one for one in read_probe("", "", [reading], 3).findings if one.source == "few_values"] or [None]
    assert (found is None) == has_all_steps
    assert has_all_steps or "3 values per statistic at batch 3" in found.figure


def test_the_fewest_values_of_several_calls_count():
    norm = nn.BatchNorm2d(4)
    model = nn.Sequential(norm, nn.AdaptiveAvgPool2d(1), norm, nn.Flatten(), nn.Linear(4, 2))
    (found,) = read_probe("", "", [probe_model(model, torch.randn(2, 4, 5, 5))]).findings
    assert found.figure == "BatchNorm2d: 2 values per statistic at batch 2 x 1 position"


@pytest.mark.parametrize(
    ("buffer", "value", "words", "training"),
    [
        ("running_var", math.nan, "is nan in 1 of 8 channels", False),
        ("running_var", math.nan, "is nan in 1 of 8 channels", True),
        ("running_var", math.inf, "is infinite in 1 of 8 channels", False),
        ("running_var", -1e-3, "is negative in 1 of 8 channels", False),
        ("running_var", -1e-6, "is negative in 1 of 8 channels", False),
        ("running_var", 0.0, "is 0 in 1 of 8 channels", False),
        ("running_var", 1e12, "is far too large, up to 1e+12, in 1 of 8 channels", False),
        ("running_mean", math.nan, "is nan in 1 of 8 channels", False),
        ("running_mean", -1e9, "is far too large, up to 1e+09, in 1 of 8 channels", False),
    ],
)
def test_running_statistics_that_no_batch_has_are_named_with_their_module(buffer, value, words, training):
    model = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2)).train(training)
    getattr(model[1], buffer)[3] = value
    found = read_probe("", "", [probe_model(model, torch.randn(16, 8))]).findings
    assert [one.source for one in found] == ["running_statistics"]
    assert found[0].figure.startswith(f"1.{buffer} {words}")


def test_running_statistics_of_large_inputs_are_large():
    model = nn.Sequential(nn.BatchNorm1d(4, momentum=1.0), nn.Linear(4, 2))
    x = 1e5 * torch.randn(32, 4)
    model(x)
    assert read_probe("", "", [probe_model(model.eval(), x)]).is_healthy
