"""Every shipped config: it asks a question, loads, and runs two steps."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import yaml

from normbench.evidence.comparison.comparison import compare_study
from normbench.scheduling.candidates import with_settings
from normbench.scheduling.schedule import run_study
from normbench.storage.study_folder import read_study
from normbench.study.load import load_study

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))
study_of = cache(load_study)
"""Each file is read once for all that is asked of it."""
each_config = pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)


def test_there_are_configs():
    assert CONFIGS


@each_config
def test_the_first_line_is_a_question(path):
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# ")
    assert first.endswith("?")
    assert study_of(path).question == first.removeprefix("# ")


@each_config
def test_a_config_says_nothing_that_is_the_default_of_its_study(path):
    said = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert said.get("seeds") != 1
    assert said.get("study") != path.stem


@each_config
def test_a_study_names_a_baseline_among_its_arms(path):
    study = study_of(path)
    assert study.is_plain or study.baseline is not None


@each_config
def test_quotes_are_about_arms_of_the_study(path):
    study = study_of(path)
    assert set(study.quotes) <= set(study.arms)


@pytest.mark.parametrize("name", ["mlp", "lenet", "lenet_bn"])
def test_a_plain_config_has_eight_lines_at_most(name):
    (path,) = (path for path in CONFIGS if path.stem == name)
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 8
    assert study_of(path).is_plain


def last_arm(study):
    """Return one arm: all of them are checked when the file is read, and each part trains in its own contract.

    Two steps are all it makes, whatever number the arm itself says.
    """
    name, config = list(study.arms.items())[-1]
    return {name: with_settings(config, {"num_steps": 2}) if config.total_steps else config}


@each_config
@pytest.mark.usefixtures("small_test_sets")
def test_a_config_runs_two_steps(path):
    trains = any(config.total_steps for config in study_of(path).arms.values())
    smaller = ["num_steps=2", "dataset.num_samples=256", "recording.every_steps=2"] if trains else []
    given = load_study(path, set_=[*smaller, "recording.figures=false", "recording.tensorboard=false"], seeds=1)
    study = replace(given, arms=last_arm(given), tune={}, keep_given=True)
    results = run_study(study, Path("runs"))
    assert {progress.status for progress in results} == {"finished"}
    assert [row.arm for row in compare_study(read_study(Path("runs") / study.name)).rows] == list(study.arms)
