"""The arms of a study: told apart by all that is set in them, whatever they are called."""

from pathlib import Path

import pytest
from made_up_runs import TINY

from normbench.errors import ConfigError
from normbench.study.arms import final_arms, labelled_arms
from normbench.study.load import load_study


def load(text):
    Path("a.yaml").write_text(TINY + text, encoding="utf-8")
    return load_study(Path("a.yaml"))


def test_ten_thousand_arms_are_told_apart():
    values = [f"{i / 1000:.3f}" for i in range(1, 101)]
    study = load(f"grid: {{weight_decay: [{', '.join(values)}], l1: [{', '.join(values)}]}}\n")
    assert len({arm.id for arm in labelled_arms(study).arms}) == len(study.arms) == 10_000


@pytest.mark.parametrize("values", ["[1, 1.0]", "[1e0, 1]", "[0.1, 0.1]"])
def test_numbers_that_are_equal_make_equal_arms(values):
    with pytest.raises(ConfigError, match="Remove one of them"):
        load(f"grid: {{weight_decay: {values}}}\n")


def test_a_tuned_arm_beside_the_given_one_is_another_arm_of_the_same_name():
    study = load("arms: {a: {}, b: {l1: 0.1}}\ntune: {optimizer: [sgd, {name: adam, lr: 0.1}]}\n")
    known = final_arms(study).arms
    assert [(arm.id.name, sorted(arm.id.tuned)) for arm in known] == [
        ("a", []),
        ("b", []),
        ("a", ["optimizer"]),
        ("b", ["optimizer"]),
    ]
    assert len({arm.id for arm in known}) == len({arm.label for arm in known}) == 4
    assert not any(key.startswith("optimizer.") for key in known[-1].id.settings)
