"""A default that does not fit shrinks, and the run says so; what the file says is refused as before."""

from itertools import product
from pathlib import Path

import pytest
import yaml
from command_line import normbench
from contracts.variants import with_defaults
from made_up_runs import TINY

from normbench.errors import ConfigError
from normbench.study.config import RunConfig
from normbench.study.load import load_study

DEFAULTS = {"batch_size": RunConfig.model_fields["batch_size"].default, "num_steps": 500}


def load(**said):
    Path("two.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")
    return load_study(Path("two.yaml"))


@pytest.mark.parametrize(
    ("said", "key", "fits", "line"),
    [
        ({"dataset": "linear_regression"}, "batch_size", 10, "batch_size 10, the whole training set: the default 16"),
        ({"dataset": {"name": "banknotes", "num_samples": 20}, "sampling": "by_class"}, "batch_size", 10, "class"),
        ({"dataset": "gaussian_noise"}, "num_steps", 0, "num_steps 0: gaussian_noise has no target to train on"),
    ],
)
def test_a_default_that_does_not_fit_becomes_what_fits(said, key, fits, line):
    study = load(model="mlp", **said)
    (config,) = study.arms.values()
    assert getattr(config, key) == config.settings()[key] == fits
    assert line in study.fitted_defaults[0]
    with pytest.raises(ConfigError, match=key):
        load(model="mlp", **said, **{key: DEFAULTS[key]})


def test_a_norm_gets_one_group_where_its_default_divides_nothing():
    odd = {"model": {"name": "mlp", "hidden_features": [5]}, "dataset": "gaussian_clusters"}
    study = load(norm="group_norm", **odd)
    assert study.arms["group_norm"].norm.num_groups == 1
    assert study.fitted_defaults == (
        "norm.num_groups 1: the default 2 does not divide the 5 features of layer hidden1",
    )
    with pytest.raises(ConfigError, match="must divide the 5 features"):
        load(norm={"name": "group_norm", "num_groups": 2}, **odd)


def test_no_file_of_two_lines_is_refused_for_a_number_that_it_does_not_say():
    complaints = []
    for model, dataset in product(with_defaults("models"), with_defaults("datasets")):
        try:
            study = load(model=model, dataset=dataset)
        except ConfigError as error:
            complaints += error.complaints
        else:
            assert len(study.fitted_defaults) == (dataset in ("linear_regression", "gaussian_noise"))
    assert [line for line in complaints if ": model.name: " not in line] == []


def test_the_run_says_it_and_its_own_config_gives_the_same_run():
    Path("two.yaml").write_text("model: {name: mlp, hidden_features: [4]}\ndataset: linear_regression\nnum_steps: 2\n")
    code, _, err = normbench("run", "two.yaml", "--quiet")
    assert code == 0
    assert "two: batch_size 10, the whole training set: the default 16 does not fit.\n" in err
    (config,) = Path("runs/two").glob("*/seed-0/config.yaml")
    assert yaml.safe_load(config.read_text())["batch_size"] == 10
    code, _, err = normbench("run", config, "--dry-run")
    assert (code, err) == (0, "")
    assert not load_study(config).fitted_defaults


def test_what_fits_is_said_nowhere():
    Path("tiny.yaml").write_text(TINY, encoding="utf-8")
    assert load_study(Path("tiny.yaml")).fitted_defaults == ()
