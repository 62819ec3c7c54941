"""Tells whether runs of a config can be trained as one stack, which configs may share it, and how many it holds."""

import math
from copy import deepcopy
from functools import lru_cache
from typing import Any

import torch
from torch import nn

from normbench import stacking
from normbench.finite_data.memory import size_text
from normbench.inspection.losses import losses_of_members
from normbench.random_streams import dropout_stream
from normbench.study.config import RunConfig
from normbench.study.network import MAX_KEPT, network_without_numbers, num_parameters_of
from normbench.study.own_code import import_paths
from normbench.training.dropout import draw_dropout_from
from normbench.weight_parametrizations.none import NoneSpec

SIZES = 32, 16, 8
"""Runs of one stack."""
LARGEST, *_, SMALLEST = SIZES
MOST_PARAMETERS = 2**17
"""Most parameters of networks that are trained 32 at once: beyond them the numbers of so many do not fit a cache."""
MOST_BYTES = 2**30
"""Most memory for the data of one stack: each of its runs has its own."""
NUM_HELD_OUT = 4000
"""Samples for validation and test, about, where a seed draws them."""
NUMBERS: dict[str, Any] = {
    "weight_decay": 0.0,
    "l1": 0.0,
    "init": "default",
    "init_scale": 1.0,
    "replica": 0,
    "fix": (),
    "lr_scaling": "none",
    "reference_batch_size": None,
}
"""Settings in which runs of one stack may differ, beside the learning rate and dropout above 0; and their defaults."""


def obstacle(config: RunConfig) -> str:
    """Return why runs of this config cannot be trained as one: "conv1 of class Conv2d does not stack"; or ""."""
    if import_paths(config):
        return "code of your own is run alone"
    if losses_of_members(config.dataset.task) is None:
        return f"the loss of {config.dataset.task} is one network's"
    if config.checkpointing:
        return "checkpointing computes each layer again"
    if not isinstance(config.weight_parametrization, NoneSpec):
        return f"weight_parametrization {config.weight_parametrization.name} does not stack"
    if config.optimizer.new_state(torch.zeros(1)) is None:
        return f"optimizer {config.optimizer.name} does not stack"
    if SMALLEST * _data_bytes(config) > MOST_BYTES:
        return f"its data, {size_text(_data_bytes(config))}, would be in memory {SMALLEST} times"
    return _obstacle_of(network_without_numbers(config))


def _data_bytes(config: RunConfig) -> int:
    """Return the memory for the data of one run, as its settings tell it."""
    data = config.dataset
    return data.num_bytes or 4 * math.prod(data.input_shape) * (data.num_train + NUM_HELD_OUT)


@lru_cache(maxsize=MAX_KEPT)  # a study's engine is asked for again and again while it is planned
def _obstacle_of(network: nn.Module) -> str:
    """Return what in a network without numbers does not stack once its dropouts draw from a run's stream; or ""."""
    if any(isinstance(module, nn.Dropout) for module in network.modules()):
        network = deepcopy(network)
        draw_dropout_from(dropout_stream(0, 0), network)
    return stacking.obstacle(network)


def stack_key(config: RunConfig) -> RunConfig:
    """Return the config with the numbers at their defaults in which runs of one stack may differ."""
    optimizer = config.optimizer.model_copy(update={"lr": 1.0})
    dropout = 0.5 if config.dropout else 0.0
    return config.model_copy(update={**NUMBERS, "optimizer": optimizer, "dropout": dropout})


def largest_stack(config: RunConfig) -> int:
    """Return the most runs of this config that one stack holds: 32, of large networks or data 8."""
    num_parameters = num_parameters_of(network_without_numbers(config))
    is_small = num_parameters <= MOST_PARAMETERS and LARGEST * _data_bytes(config) <= MOST_BYTES
    return LARGEST if is_small else SMALLEST


def size_filled_by(num_runs: int, largest: int) -> int:
    """Return the size of the largest stack that so many runs fill; of the smallest, which stays partly idle, if none.

    Example:
        >>> [size_filled_by(num_runs, LARGEST) for num_runs in (3, 8, 31, 90)], size_filled_by(90, SMALLEST)
        ([8, 8, 16, 32], 8)
    """
    return next((size for size in SIZES if size <= min(num_runs, largest)), SMALLEST)
