"""A10: document R, a bias-free ReLU network of 100 layers, 256 wide, batch 16: does the signal survive?

Of the networks and batches that configs/deep_mlp.yaml runs, 16 seeds of each arm: std after every hidden layer.
"""

from functools import cache
from pathlib import Path

import pytest
import torch

from normbench.inspection.watch.layer_stats import describe
from normbench.models.base import weighted_layers
from normbench.study.load import load_study
from normbench.training.build import build_training

CONFIG = Path(__file__).parents[2] / "configs" / "deep_mlp.yaml"


@cache
def stds(arm):
    """Return std by seed and hidden layer, (16, 100), at the run's own start."""
    study = load_study(CONFIG)
    return torch.tensor([_stds_of(study.arms[arm], seed) for seed in study.seeds], dtype=torch.float64)


def _stds_of(config, seed):
    training, _ = build_training(config, seed)
    outputs = {}
    for name, layer in weighted_layers(training.model).items():
        layer.register_forward_hook(lambda _, __, output, name=name: outputs.update({name: output}))
    with torch.no_grad():
        training.model(training.batches.next().x)
    return [found["std"] for name, found in describe(outputs).items() if name != "output"]


def test_there_are_100_hidden_layers_and_16_seeds():
    assert tuple(stds("batch_norm").shape) == (16, 100)


def test_with_batch_norm_the_mean_std_is_0580():
    """The document says 0.58 to 0.59; the limit for Gaussian pre-activations is 0.5838, at batch 16 it is 0.580."""
    assert stds("batch_norm").mean().item() == pytest.approx(0.580, abs=0.002)


def test_with_batch_norm_every_single_std_lies_between_055_and_062():
    """Single layers scatter by about 0.005, so many of them lie outside the document's [0.58, 0.59]."""
    assert stds("batch_norm").min() > 0.55
    assert stds("batch_norm").max() < 0.62


def test_with_batch_norm_depth_changes_nothing():
    by_layer = stds("batch_norm").mean(0)
    first, last = by_layer[:10].mean().item(), by_layer[-10:].mean().item()
    assert last == pytest.approx(first, abs=0.003)  # 4 standard errors of 0.005 / sqrt(160), twice


def test_by_default_the_signal_vanishes():
    """The document: "the scale gets smaller and smaller"; each layer keeps 1/sqrt(6) of it."""
    assert stds("default")[:, :60].diff().max() < 0
    assert stds("default")[:, 59].max() < 1e-12
    per_layer = (stds("default")[:, 29] / stds("default")[:, 9]) ** (1 / 20)
    assert per_layer.mean().item() == pytest.approx(6**-0.5, rel=0.03)


def test_with_kaiming_the_scale_neither_vanishes_nor_explodes():
    assert stds("kaiming").min() > 1e-2
    assert stds("kaiming").max() < 1e2


def test_with_kaiming_networks_spread_far_beyond_the_documents_interval():
    """The document says 0.6 to 0.9, one network's figures: 16 networks range from 0.10 to 3.9."""
    assert stds("kaiming").min() < 0.6 / 2
    assert stds("kaiming").max() > 0.9 * 2


def test_with_kaiming_networks_drift_apart_with_depth():
    spread = stds("kaiming").log().std(0)
    assert spread[-1] > 3 * spread[0]
