"""The network of a config on the meta device: names and shapes without numbers, built once for all who ask."""

from copy import deepcopy
from functools import lru_cache

import torch
from torch import nn

from normbench.models.base import ModelSpec, Shape, parametrize_weights
from normbench.norms.base import NormSpec
from normbench.study.config import RunConfig
from normbench.weight_parametrizations.base import WeightParametrizationSpec


def network_without_numbers(config: RunConfig) -> nn.Module:
    """Return a run's network, weight parametrizations included, that holds no memory; one is shared by all.

    Raises:
        SettingError: The model refuses the data, or a norm or a weight parametrization refuses a layer.
    """
    return _parametrized(*_what_decides_it(config), config.weight_parametrization)


def unparametrized_network(config: RunConfig) -> nn.Module:
    """Return a copy of a run's network before weight parametrizations, without numbers.

    Raises:
        SettingError: The model refuses the data, or a norm refuses a layer.
    """
    return deepcopy(_built(*_what_decides_it(config)))


def _what_decides_it(config: RunConfig) -> tuple[ModelSpec, Shape, Shape, NormSpec, float]:
    return config.model, config.dataset.input_shape, config.dataset.output_shape, config.norm, config.dropout


@lru_cache(maxsize=32)  # most arms of a study share their network with others
def _built(model: ModelSpec, input_shape: Shape, output_shape: Shape, norm: NormSpec, dropout: float) -> nn.Module:
    with torch.device("meta"):
        return model.build(input_shape, output_shape, norm, dropout)


@lru_cache(maxsize=32)
def _parametrized(
    model: ModelSpec,
    input_shape: Shape,
    output_shape: Shape,
    norm: NormSpec,
    dropout: float,
    parametrization: WeightParametrizationSpec,
) -> nn.Module:
    network = deepcopy(_built(model, input_shape, output_shape, norm, dropout))
    parametrize_weights(network, parametrization)
    return network
