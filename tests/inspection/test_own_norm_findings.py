"""Preflight of the user's own networks: what a swap does to their meaning is measured, and said of their own paths."""

import pytest
from inspection.preflight_cases import found, layers
from own_nets import GROUPS, own_settings, write_nets

PADDED = {"name": "sequences", "longer_by": 1}
CAUSAL = {"data": PADDED, "settings": {"causal": True}}
# By name: the settings, then level, check, layers and words of each finding that they are made for.
PLANTED_IN_OWN = {
    "padding": (
        own_settings("Sequences", GROUPS, data=PADDED),
        ("warning", "counted_padding", [], "group_norm counts padding"),
    ),
    "equal outputs of decayed norms": (
        own_settings("Cnn", "instance_norm", weight_decay=0.1),
        ("warning", "equal_outputs", [], "outputs are the same for all samples with instance_norm"),
        (
            "note",
            "decayed_norms",
            ["bn1", "bn2"],
            "has parameters (weight, bias) that weight_decay 0.1 draws towards 0",
        ),
    ),
    "a dead branch": (
        own_settings("Pooled"),
        ("warning", "dead_norms", ["branch_norm"], "each of its statistics has one value"),
    ),
    "mixed positions that are meant": (
        own_settings("Sequences", GROUPS, swap={"mix_positions": True}, **CAUSAL),
        ("warning", "mixed_positions", [], "group_norm mixes positions of a causal network"),
    ),
    "tokens for channels": (
        own_settings("Tokens"),
        ("warning", "tokens_as_channels", ["norm"], "takes 8 positions for channels: first before it"),
    ),
    "pretrained weights": (
        own_settings("pretrained", "batch_norm"),
        ("warning", "pretrained_weights", [], "this compares fine-tuning, not norms"),
        ("note", "bias_before_norm", ["bn1", "bn2"], "takes away the bias"),
    ),
    "norms of no module, and a bias that is gone": (
        own_settings("HalfFunc", "rms_norm"),
        ("warning", "swapped_norms", [], "2 norm operations run inside HalfFunc.forward (layer_norm)"),
        ("note", "swapped_norms", ["norm"], "has no bias"),
    ),
    "norms that are kept": (
        own_settings("Cnn", settings={"dropout": 0.25}, num_steps=20),
        ("warning", "dropout_before_norm", ["bn2"], "what dropout 0.25 has thinned out (first in drop)"),
        ("note", "bias_before_norm", ["bn1", "bn2"], "takes away the bias"),
        ("warning", "initial_statistics", ["bn1", "bn2"], "(the network's momentum 0.01, 20 steps)"),
    ),
    "activations of norms": (
        own_settings("Cnn", "filter_response_norm"),
        ("warning", "own_activations", ["bn1"], "stands before another activation, relu"),
        ("warning", "own_activations", ["bn2"], "puts an activation where the network has none"),
    ),
    "few values": (
        own_settings("Pooled", settings={"norm": "batch"}, batch_size=8),
        ("warning", "few_values", ["branch_norm"], "8 values per channel (8 samples x 1 position)"),
    ),
}


@pytest.fixture(autouse=True)
def networks(tmp_path):
    write_nets(tmp_path)


@pytest.mark.parametrize("planted", PLANTED_IN_OWN.values(), ids=PLANTED_IN_OWN)
def test_a_planted_fault_of_an_own_network_is_named_with_level_cause_and_paths(planted):
    settings, *expected = planted
    findings = found(**settings)
    for level, check, names, words in expected:
        alike = [one for one in findings if (one.level, one.source) == (level, check) and words in one.what]
        assert alike
        assert layers(alike) == names


QUIET = {
    "norms of each position do not count padding": own_settings(
        "Sequences", {"name": "layer_norm", "over": "position"}, data=PADDED
    ),
    "they mix nothing": own_settings("Sequences", {"name": "rms_norm", "over": "position"}, **CAUSAL),
    "tokens may be normalized as tokens": own_settings("Encoder", {"name": "rms_norm", "over": "position"}),
}
MEANING = {"counted_padding", "equal_outputs", "dead_norms", "mixed_positions", "tokens_as_channels"}


@pytest.mark.parametrize("settings", QUIET.values(), ids=QUIET)
def test_where_the_meaning_stays_nothing_is_said_of_it(settings):
    assert [one for one in found(**settings) if one.source in MEANING or one.level == "error"] == []


def test_positions_of_a_causal_network_are_not_mixed_unless_that_is_meant():
    (error,) = found("error", **own_settings("Sequences", GROUPS, **CAUSAL))
    assert error.what.startswith(
        "norm.name: must not mix positions of a causal network; behind norm1 position 0 moves by"
    )
    assert error.layers == ("norm1",)


def test_a_batch_of_one_is_refused_where_a_norm_would_have_one_value_for_each_channel():
    (error,) = found("error", **own_settings("HalfFunc", "batch_norm", batch_size=1))
    assert error.layers == ("norm",)
    assert error.what.startswith("batch_size: must")
