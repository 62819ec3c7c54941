"""Batch norm with ReLU makes gradients grow by sqrt(pi / (pi - 1)) = 1.2112 per layer on their way back.

Yang, Pennington, Rao, Sohl-Dickstein and Schoenholz, A Mean Field Theory of Batch Normalization, 2019, for infinite
width and batch. The network of configs/deep_mlp.yaml at half its depth: 50 bias-free layers of 256, batch norm, N(0, 1)
in and back; seeds 0 to 2. Each layer hands on 1/2 of a gradient's power and divides it by the variance of a rectified
normal, (pi - 1) / (2 pi). Small batches grow it more. Batches as large as the width grow it a little less, 1.204 at
256 of 256: samples crowd into few directions, the further the deeper (the first ten layers are at 1.21).
"""

import math
from functools import cache

import pytest

from normbench.scheduling.probe_seeds import probe_config
from normbench.study.config import RunConfig

LAW = math.sqrt(math.pi / (math.pi - 1))
WIDTH, DEPTH, SEEDS = 256, 50, range(3)


@cache
def probed(batch_size, norm="batch_norm"):
    config = RunConfig.model_validate(
        {
            "model": {"name": "mlp", "width": WIDTH, "depth": DEPTH, "bias": False},
            "dataset": {"name": "gaussian_noise", "shape": [WIDTH], "num_samples": batch_size},
            "norm": norm,
            "num_steps": 0,
            "batch_size": batch_size,
        }
    )
    return probe_config(config, SEEDS)


@pytest.mark.parametrize("batch_size", [64, 256])
def test_the_whole_interval_lies_within_two_percent_of_the_law(batch_size):
    growth = probed(batch_size).backward
    assert (growth.num_layers, growth.num_seeds) == (DEPTH, len(SEEDS))
    assert 0.98 * LAW < growth.low < growth.factor < growth.high < 1.02 * LAW


def test_at_batch_16_the_whole_interval_lies_above_it():
    assert probed(16).backward.low > 1.02 * LAW


@pytest.mark.parametrize("batch_size", [16, 64, 256])
def test_the_output_keeps_its_scale_meanwhile(batch_size):
    growth = probed(batch_size).forward
    assert growth.factor == pytest.approx(1, abs=0.002)
    assert growth.word == "steady"


def test_the_explosion_is_named_with_its_cause():
    (finding,) = probed(16).findings
    assert (finding.layers[0], finding.source) == ("hidden1", "gradient_explodes")
    assert "as batch norm with ReLU does" in finding.why


def test_with_layer_norm_gradients_do_not_grow_so():
    assert probed(16, "layer_norm").backward.high < 1.1
