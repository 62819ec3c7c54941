"""Changes laid on top of settings: a name replaces, a mapping without one merges, places come along."""

import pytest

from normbench.errors import ConfigError
from normbench.storage.files.located import Located
from normbench.storage.files.yaml_file import parse_yaml, read_assignment

BASE = Located({"norm": {"name": "group_norm", "eps": 0.1}, "model": "mlp", "num_epochs": 3}, {(): "a.yaml:1"})


@pytest.mark.parametrize(
    ("change", "key", "value"),
    [
        ({"norm": {"num_groups": 4}}, "norm", {"name": "group_norm", "eps": 0.1, "num_groups": 4}),
        ({"norm": {"name": "batch_norm"}}, "norm", {"name": "batch_norm"}),
        ({"norm": {"name": "group_norm"}}, "norm", {"name": "group_norm"}),
        ({"norm": "none"}, "norm", "none"),
        ({"norm.eps": 0.2}, "norm", {"name": "group_norm", "eps": 0.2}),
        ({"model.bias": False}, "model", {"name": "mlp", "bias": False}),
        ({"model": {"bias": False}}, "model", {"name": "mlp", "bias": False}),
        ({"optimizer.lr": 0.5}, "optimizer", {"lr": 0.5}),
        ({"num_epochs": 5}, "num_epochs", 5),
    ],
)
def test_a_change_lies_on_top(change, key, value):
    assert BASE.overridden(Located(change)).data[key] == value


def test_num_steps_replaces_num_epochs():
    assert BASE.overridden(Located({"num_steps": 7})).data == {
        "norm": BASE.data["norm"],
        "model": "mlp",
        "num_steps": 7,
    }


def test_one_change_may_not_hide_its_own_contradiction():
    changed = BASE.overridden(Located({"num_steps": 7, "num_epochs": 2})).data
    assert (changed["num_steps"], changed["num_epochs"]) == (7, 2)


def test_the_base_stays_as_it_was():
    BASE.overridden(Located({"norm.eps": 7, "model.bias": False}))
    assert BASE.data == {"norm": {"name": "group_norm", "eps": 0.1}, "model": "mlp", "num_epochs": 3}


def test_a_change_brings_its_place_and_forgets_the_old_ones():
    base = parse_yaml("norm:\n  name: group_norm\n  eps: 0.1\nmodel: mlp\n", "a.yaml")
    changed = base.overridden(read_assignment("--set", "norm=batch_norm"))
    assert changed.place(("norm", "eps")) == "--set norm=batch_norm"
    assert changed.place(("model",)) == "a.yaml:4"


def test_a_key_of_more_steps_than_any_setting_has_is_a_mistake():
    with pytest.raises(ConfigError) as error:
        BASE.overridden(read_assignment("--set", "a." * 5_000 + "b=1"))
    rule = "must name a setting, at most 20 deep, got 5001 steps"
    assert str(error.value).endswith(f"=1: a.a.a.a.a.a.a.a.a.a....: {rule}. Example: norm.eps")
