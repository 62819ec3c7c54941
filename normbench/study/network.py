"""Builds the network of a config on the meta device, with names and shapes but no memory, and caches it."""

from collections.abc import Mapping
from copy import deepcopy
from functools import lru_cache

import torch
from torch import nn

from normbench.errors import SettingError
from normbench.models.base import ModelSpec, Shape, parametrize_weights
from normbench.norms.base import NormSpec
from normbench.norms.kept import KeptSpec
from normbench.own_code.error_lines import in_one_line
from normbench.own_code.loaded_modules import generation
from normbench.study.code_in_use import code_digests, with_code_of_functions, with_code_of_model, with_code_of_norm
from normbench.study.config import RunConfig
from normbench.study.data import MAX_TRACED, sample_of
from normbench.study.own_code import import_paths, paths_of, running_code_of
from normbench.study.own_function_trials import refused_functions
from normbench.study.own_network import own_network
from normbench.study.own_network_checks import checked_own_network
from normbench.study.own_norms import own_norms
from normbench.weight_parametrizations.base import WeightParametrizationSpec
from normbench.weight_parametrizations.none import NoneSpec

MAX_KEPT = 128
"""Networks without memory that are kept: each is asked for while its study is read, checked and planned."""


def network_without_numbers(config: RunConfig) -> nn.Module:
    """Return a run's network with weight parametrizations and without memory; callers share one, so do not change it.

    Raises:
        SettingError: The model refuses the data, or a norm or a weight parametrization refuses a layer.
    """
    if config.model.name == "own":
        return _own_cached(config.without_recording(), generation())
    if isinstance(config.weight_parametrization, NoneSpec):
        return _build_cached(*_network_arguments(config))
    return _parametrize_cached(*_network_arguments(config), config.weight_parametrization)


@lru_cache(maxsize=MAX_KEPT)
def num_parameters_of(network: nn.Module) -> int:
    """Return the number of parameters of a network without numbers, which callers share and nobody changes."""
    return sum(parameter.numel() for parameter in network.parameters())


def code_digests_of(config: RunConfig) -> Mapping[str, str]:
    """Return digests of all code of the user's that a run is made with: "code my_net.py", "package timm".

    What was not made before is made for that, so that modules are loaded which are imported in forward alone.

    Raises:
        SettingError: The code cannot be run.
    """
    if not import_paths(config):
        return {}
    network_without_numbers(config)
    try_own_norm(config)
    with_code_of_functions(config, lambda: _try_functions(config))
    return code_digests(config)


def try_own_norm(config: RunConfig) -> None:
    """Run a network of normbench's, in training and evaluation, where its norm is the user's; remember the code loaded.

    Raises:
        SettingError: It fails.
    """
    if config.model.name != "own":
        with_code_of_norm(config, lambda: _try_with_numbers(config))


def _try_functions(config: RunConfig) -> None:
    with running_code_of(config):
        list(refused_functions(config))


def _try_with_numbers(config: RunConfig) -> None:
    sample = sample_of(config)
    with running_code_of(config):
        network = config.model.build(*_network_arguments(config)[1:])
        try:
            for trains in (True, False):
                with torch.set_grad_enabled(trains):
                    network.train(trains)(sample)
        except SettingError:
            raise
        except Exception as error:
            (path,) = paths_of(config.norm)
            ended = in_one_line(error, config.folder)
            rule = f"must normalize what {config.model.name} gives it, it ended with {ended}"
            raise SettingError("norm.layer", rule, path, f"Try it alone: normbench check-norm {path}") from error


def unparametrized_network(config: RunConfig) -> nn.Module:
    """Return a copy of a run's network without weight parametrizations and without memory.

    Raises:
        SettingError: The model refuses the data, or a norm refuses a layer.
    """
    return deepcopy(_build_cached(*_network_arguments(config)))


def _network_arguments(config: RunConfig) -> tuple[ModelSpec, Shape, Shape, NormSpec, float]:
    return config.model, config.dataset.input_shape, config.dataset.output_shape, config.norm, config.dropout


@lru_cache(maxsize=32)
def _own_cached(config: RunConfig, of_code: int) -> nn.Module:
    tried = min(config.batch_size, MAX_TRACED)
    as_made = RunConfig(model=config.model, norm=KeptSpec(), dataset=config.dataset, batch_size=tried)
    kept = _checked_cached(as_made, of_code)
    if config.norm.name == "kept":
        return kept
    with_code_of_norm(config, lambda: own_network(config, seed=0))
    network = own_norms(config).network
    assert network is not None, "an arm with other norms has a network of its own"
    return network


@lru_cache(maxsize=32)  # arms differ in their norms alone, as a rule
def _checked_cached(config: RunConfig, _of_code: int) -> nn.Module:
    return with_code_of_model(config, lambda: checked_own_network(config).to("meta"))


@lru_cache(maxsize=MAX_KEPT)  # most arms of a study share their network with others
def _build_cached(
    model: ModelSpec, input_shape: Shape, output_shape: Shape, norm: NormSpec, dropout: float
) -> nn.Module:
    with torch.device("meta"):
        return model.build(input_shape, output_shape, norm, dropout)


@lru_cache(maxsize=MAX_KEPT)
def _parametrize_cached(
    model: ModelSpec,
    input_shape: Shape,
    output_shape: Shape,
    norm: NormSpec,
    dropout: float,
    parametrization: WeightParametrizationSpec,
) -> nn.Module:
    network = deepcopy(_build_cached(model, input_shape, output_shape, norm, dropout))
    parametrize_weights(network, parametrization)
    return network
