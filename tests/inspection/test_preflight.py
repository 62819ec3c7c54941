"""Preflight: each planted fault is named with layer, cause and level; healthy models get nothing above a note."""

import pytest
import torch
from inspection.preflight_cases import ALL_OF_LENET, BOTH, IMAGES, POINTS, SEQUENCES, SMALL_IMAGES, found, layers
from inspection.test_own_norm_findings import PLANTED_IN_OWN
from torch import nn

from normbench.findings import Finding
from normbench.inspection import recompute
from normbench.inspection.checks.base import find_checks
from normbench.inspection.preflight import preflight
from normbench.study.config import RunConfig
from normbench.study.network import network_without_numbers

PLANTED = {
    "a batch of 2 before dense layers": (
        {**IMAGES, "norm": "batch_norm", "batch_size": 2},
        ("warning", "few_values", ["fc1.norm"], "2 values per channel (2 samples x 1 position)"),
    ),
    "a batch of 2 on small maps": (
        {**SMALL_IMAGES, "norm": "ibn", "batch_size": 2, "model": {**SMALL_IMAGES["model"], "stem_stride": 2}},
        (
            "warning",
            "few_values",
            [f"stage3.block1.{place}.norm" for place in ("conv1", "conv2", "shortcut")],
            "8 values per channel (2 samples x 4 positions)",
        ),
    ),
    "one value per channel": (
        {**POINTS, "norm": "switchable_norm", "batch_size": 1},
        ("warning", "few_values", BOTH, "1 value per channel (1 sample x 1 position)"),
    ),
    "small ghosts": (
        {**POINTS, "norm": {"name": "ghost_batch_norm", "ghost_size": 4}, "batch_size": 32},
        ("warning", "few_values", BOTH, "4 values per channel (4 samples x 1 position)"),
    ),
    "a small last ghost": (
        {**POINTS, "norm": {"name": "ghost_batch_norm", "ghost_size": 30}, "batch_size": 32},
        ("warning", "few_values", BOTH, "2 values per channel (2 samples x 1 position)"),
    ),
    "two channels per group on vectors": (
        {**POINTS, "norm": {"name": "group_norm", "channels_per_group": 2}},
        ("warning", "few_values", BOTH, "over 2 values of a sample"),
    ),
    "a run that ends before batch renorm is more than batch norm": (
        {**POINTS, "norm": {"name": "batch_renorm", "r_max_steps": [40, 60], "d_max": 0.0}, "num_steps": 41},
        ("warning", "short_ramps", BOTH, "is batch_norm in all 41 steps"),
    ),
    "dropout before batch norm": (
        {**POINTS, "norm": "batch_norm", "dropout": 0.5},
        ("warning", "dropout_before_norm", ["hidden2.norm"], "dropout 0.5 has thinned out (first in hidden1.dropout)"),
    ),
    "dropout inside residual blocks": (
        {**SMALL_IMAGES, "norm": "batch_norm", "dropout": 0.1},
        (
            "warning",
            "dropout_before_norm",
            ["stage1.block1.conv2.norm"]
            + [f"stage{n}.block1.{place}.norm" for n in (2, 3) for place in ("conv1", "conv2", "shortcut")],
            "first in stage1.block1.conv1.dropout",
        ),
    ),
    "momentum of the other convention": (
        {**IMAGES, "norm": {"name": "batch_norm", "momentum": 0.9}},
        ("warning", "momentum_convention", ALL_OF_LENET, "keeps 10 % of its running statistics"),
    ),
    "stalled running statistics": (
        {**IMAGES, "norm": {"name": "batch_norm", "momentum": 0.001}, "num_steps": 100},
        ("warning", "initial_statistics", ALL_OF_LENET, "90.5 % is their start"),
    ),
    "statistics that never move": (
        {**POINTS, "norm": {"name": "batch_norm", "momentum": 0}},
        ("warning", "initial_statistics", BOTH, "100 % is their start"),
    ),
    "decayed mixing weights": (
        {**POINTS, "norm": "switchable_norm", "weight_decay": 0.0005},
        ("warning", "decayed_norms", BOTH, "weight_decay 0.0005 draws towards 0 (mean_weight, var_weight;"),
    ),
    "decayed slope": (
        {**POINTS, "norm": "dynamic_tanh", "weight_decay": 0.0005},
        ("warning", "decayed_norms", BOTH, "a learned slope that weight_decay 0.0005 draws towards 0 (alpha; "),
    ),
    "decayed slope and shift": (
        {**POINTS, "norm": "dynamic_erf", "weight_decay": 0.0005},
        ("warning", "decayed_norms", BOTH, "slope and shift that weight_decay 0.0005 draws towards 0 (alpha, shift;"),
    ),
    "mixing weights under l1": (
        {**POINTS, "norm": "switchable_norm", "l1": 0.001},
        ("warning", "decayed_norms", BOTH, "mixing weights that l1 0.001 draws towards 0 (mean_weight, var_weight;"),
    ),
    "batches of one class": (
        {**POINTS, "norm": "batch_norm", "sampling": "by_class"},
        ("warning", "class_batches", BOTH, "batches of one class"),
    ),
    "sums of batches, each taken twice": (
        {
            **POINTS,
            "norm": {"name": "switchable_norm", "average": "batch", "compat": "official"},
            "checkpointing": True,
        },
        ("warning", "recomputed_norms", BOTH, "sees every training batch twice"),
    ),
    "decayed norm parameters": (
        {**POINTS, "norm": "layer_norm", "weight_decay": 0.01},
        ("note", "decayed_norms", [*BOTH, "hidden1", "hidden2", "output"], "weight_decay 0.01 draws towards 0"),
    ),
    "a bias before a norm": (
        {**IMAGES, "norm": "batch_norm"},
        ("note", "bias_before_norm", ALL_OF_LENET, "takes away the bias"),
    ),
    "checkpointed batch norm": (
        {**IMAGES, "norm": "batch_norm", "checkpointing": True},
        ("note", "recomputed_norms", ALL_OF_LENET, "sees every training batch twice"),
    ),
}


@pytest.mark.parametrize(("settings", "expected"), PLANTED.values(), ids=PLANTED)
def test_a_planted_fault_is_named_with_level_cause_and_layers(settings, expected):
    level, check, names, words = expected
    findings = found(level, check, **settings)
    assert layers(findings) == names
    assert all(words in one.what for one in findings)
    assert {one.source for one in found("warning", **settings)} == ({check} if level == "warning" else set())


def test_a_fault_is_planted_for_every_check_there_is():
    planted = [one for _, *findings in (*PLANTED.values(), *PLANTED_IN_OWN.values()) for one in findings]
    assert {check for _, check, _, _ in planted} | {"finite_data"} == set(find_checks())


ALONE = "norm.name: must average over 2 values or more per statistic in features of shape"
REFUSED = {
    "groups that do not divide": (
        {**IMAGES, "norm": {"name": "group_norm", "num_groups": 4}},
        ("conv1", "norm.num_groups: must divide the 6 features of layer conv1, got 4", "Use one of 1, 2, 3, 6."),
    ),
    "maps of one position": (
        {**POINTS, "norm": "instance_norm"},
        (
            "hidden1",
            f"{ALONE} (8,) of layer hidden1, got 'instance_norm'",
            "Use batch_norm or layer_norm.",
        ),
    ),
    "one channel per group on vectors": (
        {**IMAGES, "norm": {"name": "group_norm", "channels_per_group": 1}},
        (
            "fc1",
            f"{ALONE} (120,) of layer fc1, got 'group_norm'",
            "Use batch_norm or layer_norm. Or leave it out there: model.norm_after: [conv1, conv2].",
        ),
    ),
    "one sample": (
        {**IMAGES, "norm": "batch_norm", "batch_size": 1},
        (
            "fc1.norm",
            "batch_size: must give batch_norm 2 values per channel or more (features of shape (120,)), got 1",
            "Use a larger batch, or norm: layer_norm, which does not look at the batch.",
        ),
    ),
}


@pytest.mark.parametrize(("settings", "expected"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_is_an_error_alone_with_its_layer(settings, expected):
    layer, what, fix = expected
    assert found(**settings) == [Finding("error", (layer,), what, way_out=fix, source="contradictions")]


HEALTHY = [
    *({**IMAGES, "norm": norm, "weight_decay": 0.0005} for norm in ("none", "batch_norm", "layer_norm", "group_norm")),
    *({**IMAGES, "norm": norm, "dropout": 0.5} for norm in ("batch_norm", "ghost_batch_norm", "rms_norm")),
    *({**SMALL_IMAGES, "norm": norm} for norm in ("batch_norm", "instance_norm", "switchable_norm", "adain")),
    {**SMALL_IMAGES, "model": {**SMALL_IMAGES["model"], "ibn": "a"}, "norm": "batch_norm", "weight_decay": 0.0005},
    {**SMALL_IMAGES, "norm": "batch_norm", "batch_size": 4, "checkpointing": True},
    {**POINTS, "norm": {"name": "batch_norm", "momentum": None}, "batch_size": 32, "num_steps": 20},
    {**POINTS, "norm": "switchable_norm", "weight_decay": 0.0005, "decay_on": "weights"},
    {**POINTS, "norm": "layer_norm", "dropout": 0.5, "batch_size": 1, "sampling": "by_class"},
    {**SEQUENCES, "norm": "layer_norm", "dropout": 0.1},
    {**SEQUENCES, "norm": "batch_norm", "batch_size": 32},
    {**SEQUENCES, "model": {"name": "rnn", "cell": "lstm"}, "norm": "batch_norm", "batch_size": 32, "dropout": 0.2},
    {**SEQUENCES, "model": "rnn", "norm": "layer_norm", "weight_parametrization": "weight_standardization"},
]


def title(settings):
    names = [value["name"] if isinstance(value, dict) else str(value) for value in settings.values()]
    return "-".join(names)


def test_twenty_models_are_taken_for_healthy():
    assert len(HEALTHY) == 20


@pytest.mark.parametrize("settings", HEALTHY, ids=title)
def test_a_healthy_model_gets_nothing_above_a_note(settings):
    assert {one.level for one in found(**settings)} <= {"note"}


def test_only_what_follows_a_dropout_is_named():
    assert layers(found("warning", **IMAGES, norm="batch_norm", dropout=0.5)) == []
    assert (
        layers(found("warning", **POINTS, norm={"name": "batch_norm", "track_running_stats": False}, dropout=0.5)) == []
    )


def test_a_bias_is_no_matter_where_the_norm_keeps_it_or_there_is_none():
    assert found("note", **POINTS, norm="layer_norm") == []
    assert found("note", **{**POINTS, "model": {"name": "mlp", "bias": False}}, norm="batch_norm") == []
    assert (
        found("note", **{**POINTS, "model": {"name": "mlp", "norm_position": "after_activation"}}, norm="batch_norm")
        == []
    )


def test_momentum_that_is_not_in_use_is_not_judged():
    never = {"name": "switchable_norm", "average": "batch", "momentum": 0.95}
    assert found("warning", **POINTS, norm=never) == []
    assert found("warning", **POINTS, norm={"name": "batch_norm", "track_running_stats": False, "momentum": 0.95}) == []
    assert found("warning", **POINTS, norm={"name": "batch_norm", "momentum": 0.001}, num_steps=0) == []


def test_a_large_momentum_below_the_other_conventions_is_not_judged():
    assert found("warning", **POINTS, norm={"name": "batch_norm", "momentum": 0.89}) == []


def test_a_momentum_of_1_gets_the_default_as_its_way_out():
    findings = found("warning", **POINTS, norm={"name": "batch_norm", "momentum": 1})
    assert {one.way_out for one in findings} == {"Write norm.momentum: 0.1."}


def test_a_correction_of_momentum_that_is_missing_is_noticed(monkeypatch):
    monkeypatch.setattr(recompute, "_correct_momentum", lambda _: None)
    findings = found("warning", **POINTS, norm="batch_norm", checkpointing=True)
    assert [(one.source, one.layers) for one in findings] == [("recomputed_norms", (name,)) for name in BOTH]


@pytest.mark.parametrize("average", ["moving", "batch"])
def test_statistics_that_come_out_right_under_checkpointing_are_a_note(average):
    norm = {"name": "switchable_norm", "average": average}
    assert [one.level for one in found(check="recomputed_norms", **POINTS, norm=norm, checkpointing=True)] == [
        "note"
    ] * 2


def test_the_last_norm_of_a_transformer_is_not_recomputed():
    findings = found(check="recomputed_norms", **SEQUENCES, norm="batch_norm", checkpointing=True)
    assert layers(findings) == [f"block{n}.{layer}.norm" for n in (1, 2) for layer in ("attention", "feedforward1")]


def test_looking_changes_neither_random_state_nor_the_shared_network():
    config = RunConfig.model_validate({**SMALL_IMAGES, "norm": "adain", "dropout": 0.5, "checkpointing": True})
    state = torch.random.get_rng_state()
    network = network_without_numbers(config)
    before = {name: (module.training, len(module._forward_pre_hooks)) for name, module in network.named_modules()}
    momenta = [module.momentum for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    preflight(config)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert {n: (m.training, len(m._forward_pre_hooks)) for n, m in network.named_modules()} == before
    assert [module.momentum for module in network.modules() if isinstance(module, nn.BatchNorm2d)] == momenta
    assert {parameter.device.type for parameter in network.parameters()} == {"meta"}
