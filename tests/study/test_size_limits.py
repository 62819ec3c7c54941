"""What no machine could build, hold or finish is refused when the config is read, with the limit."""

from pathlib import Path

import pytest

from normbench.errors import ConfigError
from normbench.study.load import load_study

LINE = "model: mlp\ndataset: linear_regression\nbatch_size: 2\n"
LARGE_SAMPLES = "dataset: {name: gaussian_noise, shape: [1000, 1000, 1000, 10, 10]}"


def complaints_of(text, **options):
    Path("a.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load_study(Path("a.yaml"), **options)
    return list(error.value.complaints)


def test_a_network_of_too_many_parameters_is_refused():
    rule = "must be a network of at most 1,073,741,824 parameters, it has 20,000,500,001"
    assert complaints_of(LINE.replace("mlp", "{name: mlp, width: 100000, depth: 3}")) == [
        f"a.yaml:1: model.name: {rule}, got 'mlp'. Use a smaller one."
    ]


def test_a_training_set_of_too_many_numbers_is_refused():
    rule = "must make a training set of at most 1,073,741,824 numbers, samples being 1000x1000x1000x10x..."
    text = LINE.replace("dataset: linear_regression", LARGE_SAMPLES) + "num_steps: 0\n"
    assert complaints_of(text) == [f"a.yaml:2: dataset.num_samples: {rule}, got 256. Use fewer or smaller samples."]


def test_a_size_beyond_its_limit_is_refused():
    text = LINE.replace("linear_regression", "{name: linear_regression, num_samples: 1000000000}")
    assert complaints_of(text) == ["a.yaml:2: dataset.num_samples: must be <= 1e+08, got 1000000000."]


def test_a_list_of_too_many_layers_is_refused():
    (complaint,) = complaints_of(LINE.replace("mlp", f"{{name: mlp, hidden_features: {[2] * 10_001}}}"))
    assert complaint.startswith("a.yaml:1: model.hidden_features: must have 10,000 entries or fewer, got [2, 2, ")


@pytest.mark.parametrize("seeds", [0, -1, 10_001, 10**9])
def test_seeds_of_the_command_line_are_a_count(seeds):
    rule = "must be a count from 1 to 10,000"
    assert complaints_of(LINE, seeds=seeds) == [f"--seeds {seeds}: {rule}, got {seeds}. Example: --seeds 8"]


def test_more_values_to_tune_than_arms_may_be_are_refused():
    values = [n / 100 for n in range(1, 31)]
    text = f"{LINE}tune: {{l1: {values}, dropout: {values}, init_scale: {values}}}\n"
    rule = "must stand for at most 10,000 combinations of arms and values, got 27,000"
    assert complaints_of(text) == [f"a.yaml:4: tune: {rule}. Try fewer values."]
