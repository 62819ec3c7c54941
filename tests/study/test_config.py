"""What one run's config means: budget, step size, settings, fixed streams."""

from pathlib import Path

import pytest
import torch
from contracts.variants import with_defaults

from normbench.errors import SettingError
from normbench.study.config import RunConfig
from normbench.study.contradictions import contradictions
from normbench.study.load import load_study
from normbench.training.build import build_training

BASE = {
    "model": {"name": "mlp", "hidden_features": [4]},
    "dataset": {"name": "linear_regression", "num_samples": 64},
}


def config(**changes):
    return RunConfig.model_validate(BASE | changes)


def test_a_part_may_be_a_bare_name():
    assert config(norm="batch_norm") == config(norm={"name": "batch_norm"})


@pytest.mark.parametrize(
    "written_out",
    [
        {"weight_decay": 0.0},
        {"batch_size": 16, "dropout": 0, "l1": 0.0},
        {"norm": {"name": "none"}},
        {"optimizer": {"name": "sgd", "lr": 0.01, "momentum": 0.9}},
        {"optimizer": {"lr": 0.01}},
        {"recording": {"every_steps": None, "tensorboard": True}},
        {"dataset": {"name": "linear_regression", "slope": 1.5, "num_samples": 64}},
        {"fix": []},
        {"num_steps": None},
    ],
)
def test_a_default_written_out_gives_the_same_identity(written_out):
    assert config(**written_out).on("cpu").identity() == config().on("cpu").identity()


def test_the_seed_is_no_part_of_the_identity():
    Path("a.yaml").write_text("model: mlp\ndataset: banknotes\n", encoding="utf-8")
    one, five = (load_study(Path("a.yaml"), seeds=seeds) for seeds in (1, 5))
    assert one.seeds != five.seeds
    assert one.arms["none"].on("cpu").identity() == five.arms["none"].on("cpu").identity()


def test_settings_are_what_differs_from_the_defaults():
    said = config(norm={"name": "group_norm", "num_groups": 4}, dropout=0.0, device="cpu").settings()
    assert said == BASE | {"norm": {"name": "group_norm", "num_groups": 4}, "device": "cpu"}


@pytest.mark.parametrize(
    ("changes", "total_steps"),
    [({}, 500), ({"num_steps": 7}, 7), ({"num_epochs": 3}, 12), ({"num_epochs": 2, "batch_size": 60}, 2)],
)
def test_the_budget_is_steps_or_epochs_of_full_batches(changes, total_steps):
    assert config(**changes).total_steps == total_steps


@pytest.mark.parametrize(("scaling", "lr"), [("linear", 0.04), ("sqrt", 0.02)])
def test_the_step_size_scales_with_the_batch(scaling, lr):
    assert config(lr_scaling=scaling, reference_batch_size=4).lr == pytest.approx(lr, rel=1e-12)


def test_without_scaling_the_step_size_is_the_optimizers():
    assert config(optimizer={"lr": 0.3}, batch_size=8).lr == 0.3


@pytest.mark.parametrize(
    ("changes", "every"), [({}, 25), ({"num_steps": 3}, 1), ({"recording": {"every_steps": 7}}, 7)]
)
def test_about_twenty_rows_are_recorded_unless_said(changes, every):
    assert config(**changes).every_steps == every


def test_auto_is_resolved_and_a_device_that_is_said_stays():
    assert config().on("cuda").device == "cuda"
    assert config(device="cpu").on("cuda").device == "cpu"


def test_fixed_data_are_the_same_in_every_seed():
    first, second = (build_training(config(fix=["data"]), seed) for seed in (0, 1))
    assert torch.equal(first[1].train.y, second[1].train.y)
    assert not torch.equal(first[0].model.hidden1.weight, second[0].model.hidden1.weight)


def test_a_fixed_start_is_the_same_in_every_seed():
    first, second = (build_training(config(fix=["init"]), seed) for seed in (0, 1))
    assert torch.equal(first[0].model.hidden1.weight, second[0].model.hidden1.weight)
    assert not torch.equal(first[1].train.y, second[1].train.y)


def takes_vectors(norm):
    try:
        return bool(norm().build((6,)))
    except SettingError:
        return False


@pytest.mark.parametrize("norm", [name for name, spec in with_defaults("norms").items() if takes_vectors(spec)])
def test_a_seed_means_the_same_in_every_arm(norm):
    (plain, data), (normed, same_data) = (build_training(config(norm=name), 3) for name in ("none", norm))
    assert torch.equal(data.train.y, same_data.train.y)
    assert torch.equal(plain.model.hidden1.weight, normed.model.hidden1.weight)
    assert torch.equal(plain.batches.next().x, normed.batches.next().x)


def test_contradictions_are_found_all_at_once():
    found = contradictions(config(batch_size=65, norm={"name": "group_norm", "num_groups": 3}))
    assert [error.key for error in found] == ["batch_size", "norm.num_groups"]


def test_a_sound_config_has_no_contradictions():
    assert contradictions(config(norm="batch_norm")) == []
