"""--where: which arms are left, and what a wrong condition says."""

from pathlib import Path

import pytest

from normbench.errors import ComparisonError, ConfigError
from normbench.evidence.comparison.selection import read_conditions, refuse_empty_selection, select_arms
from normbench.storage.arm_id import ArmEntry
from normbench.storage.run_folder import Arm

SETTINGS = {
    "none": {"norm": "none", "batch_size": 2, "optimizer.lr": 0.01, "lrs": None},
    "gn": {"norm": "group_norm", "norm.num_groups": 4, "batch_size": 32, "optimizer.lr": 0.1},
    "gn,tuned": {"norm": "group_norm", "norm.num_groups": 4, "batch_size": 32, "optimizer.lr": 0.3},
    "wide": {
        "norm": "none",
        "batch_size": 2,
        "optimizer.lr": 0.01,
        "model.hidden_features": "4 8",
        "norm.affine": True,
    },
}
ENTRIES = {name: ArmEntry(name, name, tuned=["optimizer.lr"] * (name == "gn,tuned")) for name in SETTINGS}
ARMS = [Arm(Path(a), a, "aaaaaa", settings, list(settings), (), ENTRIES[a]) for a, settings in SETTINGS.items()]


def left(*texts):
    return [arm.name for arm in select_arms(ARMS, read_conditions(texts))]


def refusal(*texts):
    with pytest.raises(ComparisonError) as error:
        refuse_empty_selection(ARMS, read_conditions(texts))
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "arms"),
    [
        ("norm=none", ["none", "wide"]),
        ("norm.num_groups=4", ["gn", "gn,tuned"]),
        ("norm.num_groups=null", ["none", "wide"]),
        ("optimizer.lr=1e-2", ["none", "wide"]),
        ("optimizer.lr=0.3", []),
        ("optimizer.lr=tuned", ["gn,tuned"]),
        ("batch_size=32.0", ["gn", "gn,tuned"]),
        ("tuned=true", ["gn,tuned"]),
        ("tuned=false", ["none", "gn", "wide"]),
        ("arm=gn", ["gn"]),
        ("model.hidden_features=[4, 8]", ["wide"]),
        ("norm.affine=true", ["wide"]),
        ("norm.affine=1", []),
        ("norm=batch_norm", []),
        ("nrom=null", []),
    ],
)
def test_only_arms_whose_setting_is_so_are_left(text, arms):
    assert left(text) == arms


def test_several_conditions_must_all_hold():
    assert left("norm=group_norm", "tuned=false") == ["gn"]


def test_without_conditions_all_are_left():
    assert left() == list(SETTINGS)


def test_an_unknown_setting_gets_the_known_ones():
    known = "norm, batch_size, optimizer.lr, lrs, norm.num_groups, model.hidden_features, norm.affine, tuned, arm"
    rule = "must be a setting of the arms, got 'batchsize'"
    assert refusal("batchsize=2") == f"--where batchsize=2: {rule}. Did you mean 'batch_size'? Settings: {known}."


def test_a_value_that_no_arm_has_gets_those_there_are():
    rule = "must leave an arm, got none of 4. There norm is none, group_norm."
    assert refusal("norm=batch_norm") == f"--where norm=batch_norm: {rule}"


def test_conditions_that_exclude_each_other_say_so():
    rule = "must leave an arm, got none of 4. Leave one of them out."
    assert refusal("norm=none", "tuned=true") == f"--where norm=none --where tuned=true: {rule}"


def test_a_condition_without_a_value_is_a_mistake():
    with pytest.raises(ConfigError) as error:
        read_conditions(["norm"])
    assert str(error.value) == "--where norm: must be KEY=VALUE, got 'norm'. Example: --where norm=none"
