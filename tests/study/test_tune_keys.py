"""tune: and --tune: every value checked at its place; numbers tried around the given one."""

import json
from pathlib import Path

import pytest
from made_up_runs import TINY

from normbench.errors import ConfigError
from normbench.study.load import load_study


def study_of(lists, text=TINY, **options):
    Path("tiny.yaml").write_text(text + f"tune: {json.dumps(lists)}\n", encoding="utf-8")
    return load_study(Path("tiny.yaml"), **options)


def complaints_of(lists, text=TINY, **options):
    with pytest.raises(ConfigError) as error:
        study_of(lists, text, **options)
    return list(error.value.complaints)


LINE = "tiny.yaml:7: "


@pytest.mark.parametrize(
    ("lists", "complaint"),
    [
        ({"dropout": [0.1, 1.5]}, "dropout: must be < 1, got 1.5."),
        ({"batch_size": [5, 10_000]}, "batch_size: must be at most the 10 training samples, got 10000."),
        ({"l1": [0.1]}, "l1: must be two different values or more, got [0.1]. Add one."),
        ({"l1": [0.1, 0.1]}, "l1: must be two different values or more, got [0.1, 0.1]. Add one."),
    ],
)
def test_every_candidate_is_checked_at_its_place(lists, complaint):
    (found,) = complaints_of(lists)
    assert found.startswith(LINE + complaint)


def test_a_default_that_was_made_to_fit_is_no_mistake_of_a_candidate():
    text = "model: mlp\ndataset: linear_regression\n"
    study = study_of({"l1": [0.1, 0.2]}, text)
    assert {config.batch_size for config in study.arms.values()} == {10}
    given = complaints_of({"l1": [0.1, 0.2]}, f"{text}batch_size: 16\n")
    tuned = complaints_of({"batch_size": [5, 16]}, text)
    assert [lines[0].split(", got")[0] for lines in (given, tuned)] == [
        "tiny.yaml:3: batch_size: must be at most the 10 training samples"
    ] * 2


def test_an_unknown_key_is_a_mistake():
    assert complaints_of({"dropuot": [0.1, 0.2]})[0].startswith(f"{LINE}dropuot: is not a setting of a run.")


@pytest.mark.parametrize("seeds", ["[0, 1000]", "[1001]", "1004"])
def test_seeds_that_settings_are_tuned_on_are_not_compared(seeds):
    (found,) = complaints_of({"l1": [0.1, 0.2]}, TINY + f"seeds: {seeds}\n")
    assert "seeds: must not be one that settings are tuned on (1000, 1001, 1002, 1003), got 100" in found


def test_an_arm_may_not_be_called_what_tuning_calls_it():
    found = complaints_of({"l1": [0.1, 0.2]}, TINY + 'arms: {a: {}, "a,tuned": {dropout: 0.1}}\n')
    assert found == [
        "tiny.yaml:7: arms: must not be called tuned in a study that tunes, got 'a,tuned'. Choose another name."
    ]


def test_a_signal_without_a_target_cannot_be_tuned():
    text = "model: {name: mlp, hidden_features: [4]}\ndataset: {name: gaussian_noise, shape: [3]}\nnum_steps: 0\n"
    found = complaints_of({"init_scale": [1, 2]}, text)
    rule = "init_scale: must have a validation loss to choose by, which gaussian_noise has not. Choose another dataset."
    assert found == [f"tiny.yaml:4: {rule}"]


def test_the_option_replaces_the_files_list_and_adds_others():
    study = study_of({"l1": [0.1, 0.2]}, tune=["l1=0.3,0.4", "dropout=0,0.5"])
    assert study.tune == {"l1": (0.3, 0.4), "dropout": (0, 0.5)}
    assert study.options == {"--tune": ["l1=0.3,0.4", "dropout=0,0.5"]}


def test_the_option_without_values_takes_half_decades_around_the_given_one():
    study = study_of({"l1": [0.1, 0.2]}, TINY + "optimizer: {lr: 0.05}\n", tune=["optimizer.lr"])
    assert study.tune["optimizer.lr"] == (0.005, 0.016, 0.05, 0.16, 0.5)


@pytest.mark.parametrize("option", ["norm", "l1", "nothing.there"])
def test_the_option_without_values_needs_a_number_to_start_from(option):
    (found,) = complaints_of({"dropout": [0.1, 0.2]}, tune=[option])
    rule = f"must be KEY=A,B where the setting is not a number above 0, got '{option}'"
    assert found == f"--tune {option}: {rule}. Example: --tune optimizer.lr=0.01,0.1"
