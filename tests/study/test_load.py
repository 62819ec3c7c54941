"""Which runs a study file stands for: arms, grid, zip, --set, --vary, seeds, baseline."""

from pathlib import Path

import pytest

from normbench.errors import ConfigError
from normbench.study.load import load_study

HEAD = "# Does it fit?\n# More words.\nmodel: mlp\ndataset: linear_regression\nbatch_size: 10\n"


def load(text="", name="a.yaml", **options):
    Path(name).write_text(HEAD + text, encoding="utf-8")
    return load_study(Path(name), **options)


def complaints_of(text="", **options):
    with pytest.raises(ConfigError) as error:
        load(text, **options)
    return list(error.value.complaints)


def changes(study):
    """What differs from the head, by arm."""
    known = load(name="head.yaml").arms["none"].settings()
    return {
        arm: {key: value for key, value in config.settings().items() if known.get(key) != value}
        for arm, config in study.arms.items()
    }


def test_a_plain_file_is_one_arm_called_after_its_norm():
    study = load("norm: {name: group_norm, num_groups: 4}\n", "my study.yaml")
    assert (study.name, study.question, list(study.arms)) == ("my_study", "Does it fit?", ["group_norm"])
    assert (study.seeds, study.baseline, study.is_plain) == ((0,), None, True)


def test_files_whose_names_no_folder_can_hold_are_told_apart():
    names = {load("", name).name for name in ("研究.yaml", "实验.yaml")}
    assert len(names) == 2
    assert all(name.startswith("study-") and name.isascii() for name in names)


def test_arms_change_the_base_in_the_order_of_the_file():
    study = load("norm: group_norm\narms:\n  z: {dropout: 0.5}\n  a:\n  m: {norm: {num_groups: 4}, l1: 1}\n")
    assert changes(study) == {
        "z": {"norm": "group_norm", "dropout": 0.5},
        "a": {"norm": "group_norm"},
        "m": {"norm": {"name": "group_norm", "num_groups": 4}, "l1": 1.0},
    }
    assert not study.is_plain


def test_a_grid_is_every_combination():
    study = load("grid:\n  norm: [none, {name: group_norm, num_groups: 4}]\n  optimizer.lr: [1e-3, 0.1]\n")
    lr = {"name": "sgd", "lr": 0.001}, {"name": "sgd", "lr": 0.1}
    group_norm = {"norm": {"name": "group_norm", "num_groups": 4}}
    assert changes(study) == {
        "norm=none,lr=0.001": {"optimizer": lr[0]},
        "norm=none,lr=0.1": {"optimizer": lr[1]},
        "norm=group_norm,num_groups=4,lr=0.001": group_norm | {"optimizer": lr[0]},
        "norm=group_norm,num_groups=4,lr=0.1": group_norm | {"optimizer": lr[1]},
    }


def test_zip_couples_keys():
    study = load("zip: {batch_size: [2, 5], optimizer.lr: [0.02, 0.05]}\n")
    assert changes(study) == {
        "batch_size=2,lr=0.02": {"batch_size": 2, "optimizer": {"name": "sgd", "lr": 0.02}},
        "batch_size=5,lr=0.05": {"batch_size": 5, "optimizer": {"name": "sgd", "lr": 0.05}},
    }


def test_arms_grid_zip_and_vary_multiply():
    text = (
        "arms: {a: {}, b: {l1: 1}}\ngrid: {norm: [none, batch_norm]}\nzip: {dropout: [0.1, 0.2], init_scale: [1, 2]}\n"
    )
    study = load(text, vary=["batch_size=5,10,2"])
    assert len(study.arms) == 2 * 2 * 2 * 3
    assert next(iter(study.arms)) == "a,norm=none,dropout=0.1,init_scale=1,batch_size=5"


def test_vary_makes_one_arm_per_value():
    study = load(vary=["norm=none,{name: group_norm, num_groups: 4}"])
    assert list(study.arms) == ["norm=none", "norm=group_norm,num_groups=4"]


def test_a_list_in_a_name_is_readable():
    study = load("grid: {model.hidden_features: [[4, 8], [16]]}\n")
    assert list(study.arms) == ["hidden_features=4x8", "hidden_features=16"]


@pytest.mark.parametrize("grid", ["optimizer.lr: [1e16, 1e-7]", f"model.hidden_features: [{[16] * 60}, {[32] * 60}]"])
def test_a_name_that_is_made_is_one_that_a_file_may_give(grid):
    for name in load(f"grid: {{{grid}}}\n").arms:
        assert list(load(f"arms: {{'{name}': {{}}}}\n").arms) == [name]


def test_set_changes_every_arm_that_says_nothing_itself():
    study = load("arms: {a: {}, b: {dropout: 0.5}}\n", set_=["dropout=0.25", "optimizer.lr=1e-3"])
    assert {arm: config.dropout for arm, config in study.arms.items()} == {"a": 0.25, "b": 0.5}
    assert {config.optimizer.lr for config in study.arms.values()} == {0.001}


def test_set_leaves_a_plain_file_plain():
    study = load(set_=["norm=batch_norm"])
    assert (list(study.arms), study.is_plain) == (["batch_norm"], True)


def test_num_epochs_of_an_arm_replaces_num_steps_of_the_base():
    study = load("num_steps: 7\narms: {a: {}, b: {num_epochs: 3}}\n")
    assert [(c.num_steps, c.num_epochs) for c in study.arms.values()] == [(7, None), (None, 3)]


@pytest.mark.parametrize(
    ("said", "seeds"), [("3", (0, 1, 2)), ("[7, 3]", (7, 3)), ("[4, 4, 1]", (4, 1)), ("1", (0,)), ("", (0,))]
)
def test_seeds_are_a_count_or_a_list(said, seeds):
    assert load(f"seeds: {said}\n").seeds == seeds


def test_seeds_of_the_command_line_come_first():
    assert load("seeds: [7, 8, 9]\n", seeds=2).seeds == (0, 1)


def checks(text="", **options):
    study = load(text, **options)
    return study.seeds, study.check_after, study.until_decided


def test_checks_come_from_the_file_or_from_the_command():
    said, default, two = "seeds: {check_after: [8, 16]}\n", (8, 16, 32, 64), (8, 16)
    assert checks(said) == (tuple(range(16)), two, True)
    assert checks(said, until_decided=True) == (tuple(range(16)), two, True)
    assert checks(said, check_after=[6, 7]) == (tuple(range(7)), (6, 7), True)
    assert checks("seeds: 8\n", check_after=two) == (tuple(range(16)), two, True)
    assert checks("seeds: [7, 3]\n", until_decided=True) == (tuple(range(64)), default, True)


def test_who_needs_some_seeds_takes_those_up_to_the_first_check():
    assert load("seeds: {check_after: [8, 16]}\n").first_seeds == tuple(range(8))
    assert load("seeds: {check_after: [8, 16]}\n", seeds=12).first_seeds == tuple(range(12))
    assert load("seeds: [7, 3]\n").first_seeds == (7, 3)


def test_a_count_of_the_command_line_keeps_the_checks_that_are_planned():
    assert checks("seeds: {check_after: [8, 16]}\n", seeds=3) == ((0, 1, 2), (8, 16), False)


def test_the_file_may_name_study_baseline_and_quotes():
    study = load("study: mine\nbaseline: a\nquotes: {a: it is flat}\narms: {a: {}, b: {l1: 1}}\n")
    assert (study.name, study.baseline.name, study.quotes) == ("mine", "a", {"a": "it is flat"})


def test_a_baseline_of_a_grid_fixes_some_keys():
    text = "grid: {norm: [none, batch_norm], batch_size: [5, 10]}\nbaseline: {norm: none}\n"
    baseline = load(text).baseline
    assert (baseline.said, baseline.settings) == ("norm=none", {"norm": "none"})


def test_a_file_without_a_comment_has_no_question():
    Path("b.yaml").write_text(HEAD.partition("words.\n")[2], encoding="utf-8")
    assert load_study(Path("b.yaml")).question == ""


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (
            "baseline: normal\narms: {normel: {}, other: {l1: 1}}\n",
            ["a.yaml:6: baseline: must be an arm, got 'normal'. Did you mean 'normel'? Arms: normel, other."],
        ),
        (
            "grid: {norm: [none, batch_norm]}\nbaseline: {dropout: 5}\n",
            ["a.yaml:7: baseline: must be an arm, got 'dropout=5'. Arms: norm=none, norm=batch_norm."],
        ),
        (
            "arms:\n  one: {}\n  two: {dropout: 0.0}\n",
            ["a.yaml:8: two: must differ from the other arms, got the settings of 'one'. Remove one of them."],
        ),
        (
            "arms:\n  one:\n    dropout: 2\n  two:\n    norm:\n      name: batch_norm\n      momentum: 3\n",
            ["a.yaml:8: dropout: must be < 1, got 2.", "a.yaml:12: norm.momentum: must be <= 1, got 3."],
        ),
        (
            "grid:\n  dropout:\n    - 0.5\n    - 2\n  batch_size: [2, 0]\n",
            ["a.yaml:10: batch_size: must be >= 1, got 0.", "a.yaml:9: dropout: must be < 1, got 2."],
        ),
        (
            "zip:\n  dropout: [0.5, 0.1]\n  optimizer.lr: [0.1, much]\n",
            ["a.yaml:8: optimizer.lr: must be a number, got 'much'."],
        ),
    ],
)
def test_a_mistake_in_an_arm_names_its_line(text, messages):
    assert sorted(complaints_of(text)) == sorted(messages)


@pytest.mark.parametrize(
    ("options", "messages"),
    [
        ({"set_": ["dropout=2"]}, ["--set dropout=2: dropout: must be < 1, got 2."]),
        (
            {"set_": ["optimizer.lr=-1", "dropout=2"]},
            [
                "--set dropout=2: dropout: must be < 1, got 2.",
                "--set optimizer.lr=-1: optimizer.lr: must be > 0, got -1.",
            ],
        ),
        (
            {"set_": ["dropout", "l1"]},
            [
                "--set dropout: must be KEY=VALUE, got 'dropout'. Example: --set norm=none",
                "--set l1: must be KEY=VALUE, got 'l1'. Example: --set norm=none",
            ],
        ),
        (
            {"set_": ["seeds=3"]},
            ["--set seeds=3: seeds: must be a setting of a run, got a key of the study. Edit the file."],
        ),
        (
            {"vary": ["arms.a=3"]},
            ["--vary arms.a=3: arms: must be a setting of a run, got a key of the study. Edit the file."],
        ),
        ({"vary": ["batch_size=2,x"]}, ["--vary batch_size=2,x: batch_size: must be a whole number, got 'x'."]),
        (
            {"set_": ["l1=-1"], "vary": ["batch_size=0,2"]},
            [
                "--set l1=-1: l1: must be >= 0, got -1.",
                "--vary batch_size=0,2: batch_size: must be >= 1, got 0.",
            ],
        ),
    ],
)
def test_a_mistake_on_the_command_line_names_the_option(options, messages):
    assert sorted(complaints_of(**options)) == messages


@pytest.mark.parametrize("text", ["norm", "norm=", "norm=none,none", "=2", "norm=] #"])
def test_vary_needs_values_that_differ(text):
    (complaint,) = complaints_of(vary=[text])
    assert complaint.startswith(f"--vary {text}: ")


def test_an_empty_grid_is_refused_like_empty_arms():
    assert complaints_of("grid: {}\n") == ["a.yaml:6: grid: must have 1 entry or more, got {}."]


def test_mistakes_above_and_inside_the_arms_are_told_at_once():
    found = complaints_of("dropout: 2\narms: {a: {l1: -1}, b: 3}\n")
    assert "a.yaml:6: dropout: must be < 1, got 2." in found
    assert "a.yaml:7: arms.b: must be a mapping, got 3." in found


def test_a_study_of_too_many_arms_is_refused():
    grid = (
        "grid: {dropout: [" + ", ".join(f"0.{i:03}" for i in range(101)) + "], l1: [" + ", ".join(map(str, range(100)))
    )
    assert complaints_of(f"{grid}]}}\n") == [
        "a.yaml:3: must stand for at most 10,000 arms, got 10,100. Split the study."
    ]
