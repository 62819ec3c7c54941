"""A run stopped after every single step ends byte for byte as one that never stopped, whatever it is made of."""

from pathlib import Path

import pytest
import torch
from contracts.variants import variants, with_defaults
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from normbench.study.config import RunConfig
from normbench.study.contradictions import contradictions
from normbench.training.attempt import Interrupted
from normbench.training.experiment import run_experiment
from normbench.training.run_hooks import RunHooks

NUM_STEPS = 4
EVERY_STEPS = 3
"""Steps 0, 3 and 4 are recorded, and the fourth is the first of the second epoch."""
IMAGES = {"dataset": {"name": "gratings", "num_samples": 24}, "model": {"name": "lenet"}}
LINE = {"dataset": {"name": "linear_regression", "num_samples": 24}, "model": {"name": "mlp", "hidden_features": [6]}}
PAIRS = {"dataset": {"name": "style_transfer", "num_samples": 24}}
SEQUENCES = {"dataset": {"name": "sequences", "num_samples": 24}}
NOT_AT_DEFAULT = {"norm": "batch_norm", "dropout": 0.3, "weight_decay": 0.01, "l1": 0.001}
FURTHER = {
    "by class": IMAGES | {"sampling": "by_class", "batch_size": 2},
    "checkpointing": IMAGES | {"checkpointing": True},
    "extra momenta": IMAGES | {"norm": {"name": "batch_norm", "extra_momenta": [0.01, 0.5]}},
    "all measures": IMAGES
    | {"recording": {"every_steps": EVERY_STEPS, "diagnostics": True, "gradient_shift": True, "loss_surface": True}},
    "all histograms": LINE
    | {"recording": {"every_steps": EVERY_STEPS, "histograms": ["weight", "grad", "activation", "update"]}},
    "augmentation": IMAGES | {"augment": "augmentations:shifted"},
    "diverging": LINE | {"optimizer": {"name": "sgd", "lr": 1e9}},
}


def small(part, variant):
    sizes = {"num_samples": 24, "width": 8, "hidden_features": 8}
    return {
        "name": variant,
        **{key: v for key, v in sizes.items() if key in with_defaults(part)[variant].setting_names()},
    }


def candidates(part, name):
    """Return settings in which a variant may be used; the first that fits together is."""
    if part == "datasets":
        dataset = {"dataset": small(part, name)}
        return [dataset | {"model": m} for m in ("mlp", "lenet", {"name": "resnet", "width": 4}, "rnn")]
    if part == "models":
        return [data | {"model": {"name": name}} for data in (IMAGES, LINE, SEQUENCES, PAIRS)]
    if part == "schedules":
        return [IMAGES | {"schedule": {"name": name, "warmup": 2}}]
    key = {"norms": "norm", "optimizers": "optimizer", "weight_parametrizations": "weight_parametrization"}[part]
    wide = {"model": {"name": "lenet", "norm_after": ["conv1", "conv2"]}}  # some norms want positions
    return [IMAGES | wide | {key: name}]


def config_of(settings):
    recording = {"every_steps": EVERY_STEPS}
    given = NOT_AT_DEFAULT | {"batch_size": 8, "num_steps": NUM_STEPS, "recording": recording} | settings
    return RunConfig.model_validate(given)


def fitting(part, name):
    """Return settings for a variant; each model and each way of running records for TensorBoard too."""
    board = {"recording": {"every_steps": EVERY_STEPS, "tensorboard": part == "models"}}
    for settings in candidates(part, name):
        steps = {} if with_defaults("datasets")[settings["dataset"]["name"]].task != "signal" else {"num_steps": 0}
        try:
            config = config_of(board | settings | steps)
        except ValueError:
            continue
        if not contradictions(config):
            return config
    raise AssertionError(f"no settings for {name}")


pytestmark = pytest.mark.usefixtures("small_test_sets")
PARTS = [
    pytest.param(part, variant().name, id=f"{part}-{variant().name}")
    for part in ("norms", "optimizers", "schedules", "weight_parametrizations", "models", "datasets")
    for variant in variants(part)
]


def stopped_after_each_step(config, folder):
    """Make a run in as many attempts as it has steps; return how many there were."""
    for attempt in range(1, NUM_STEPS + 3):
        try:
            run_experiment(config, 3, folder, study="s", arm="a", hooks=RunHooks(should_stop=lambda: True))
        except Interrupted:
            torch.rand(attempt)  # another process has other random numbers
        else:
            return attempt
    raise AssertionError("it makes no progress")


def results_in(folder):
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if path.name == "summary.json" or path.suffix in (".csv", ".npz")
    }


def steps_by_tag(folder):
    board = EventAccumulator(str(folder), size_guidance={"histograms": 0, "scalars": 0, "tensors": 0}).Reload()
    read = {"histograms": board.Histograms, "scalars": board.Scalars, "tensors": board.Tensors}
    return {(kind, tag): [event.step for event in read[kind](tag)] for kind in read for tag in board.Tags()[kind]}


def check(config):
    whole, parts = Path("whole"), Path("parts")
    for folder in (whole, parts):
        folder.mkdir()
    run_experiment(config, 3, whole, study="s", arm="a")
    attempts = stopped_after_each_step(config, parts)
    assert results_in(parts) == results_in(whole)
    if config.recording.tensorboard:
        assert steps_by_tag(parts) == steps_by_tag(whole)
    assert len(list(parts.glob("events.*"))) == config.recording.tensorboard
    return attempts


@pytest.mark.parametrize(("part", "name"), PARTS)
def test_every_part_goes_on_where_it_stopped(part, name):
    config = fitting(part, name)
    assert check(config) == config.total_steps + 1


@pytest.mark.parametrize("name", FURTHER)
def test_every_way_of_running_goes_on_where_it_stopped(name):
    assert check(config_of(FURTHER[name])) > 1
