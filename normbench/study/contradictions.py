"""Finds all settings of a config that contradict each other, before anything runs."""

from math import prod

import torch
from torch import nn

from normbench.errors import SettingError
from normbench.finite_data.memory import too_large_text
from normbench.models.base import BuiltNorm, built_norms
from normbench.study.config import MAX_STEPS, RunConfig
from normbench.study.network import network_without_numbers, num_parameters_of, try_own_norm
from normbench.study.own_code import running_code_of
from normbench.study.own_function_trials import refused_functions
from normbench.study.own_network_settings import own_network_contradictions
from normbench.study.own_norm_refusals import refused_norms

MAX_NUMBERS = 2**30
"""Most numbers in a network's parameters or in a training set: 4 GiB in single precision."""


def contradictions(config: RunConfig) -> list[SettingError]:
    """Return an error per contradiction; the network is built without memory to find them."""
    too_large = _data_too_large(config)
    network = [] if too_large else _network_contradictions(config)
    settings = own_network_contradictions(config)
    functions = [] if too_large else _function_contradictions(config)
    found = [*_budget_contradictions(config), *settings, *too_large, *_sequence_contradictions(config)]
    return [*found, *network, *functions]


def _function_contradictions(config: RunConfig) -> list[SettingError]:
    with running_code_of(config):
        return list(refused_functions(config))


def _data_too_large(config: RunConfig) -> list[SettingError]:
    data = config.dataset
    if data.finite is not None:
        problem = too_large_text(data.num_bytes)
        return [SettingError("dataset", problem, data.name, "Use fewer or smaller rows.")] if problem else []
    of_target = prod(data.output_shape[1:] if data.task == "segmentation" else data.output_shape)
    size = data.num_train * (prod(data.input_shape) + of_target)
    if size <= MAX_NUMBERS:
        return []
    rule = f"must make a training set of at most {MAX_NUMBERS:,} numbers, samples being {_shape_text(data.input_shape)}"
    return [SettingError("dataset.num_samples", rule, data.num_train, "Use fewer or smaller samples.")]


def _shape_text(shape: tuple[int, ...]) -> str:
    shown = "x".join(map(str, shape[:4]))
    return f"{shown}x..." if len(shape) > 4 else shown


def _budget_contradictions(config: RunConfig) -> list[SettingError]:
    found = []
    if config.device == "cuda" and not torch.cuda.is_available():
        found.append(SettingError("device", "must be a device this machine has", "cuda", "Use device: auto."))
    if config.dataset.task == "signal" and config.total_steps:
        rule = f"must be 0 with {config.dataset.name}, which has no target to train on"
        found.append(SettingError("num_steps", rule, config.total_steps, "Write num_steps: 0."))
    if config.total_steps > MAX_STEPS:  # of as many epochs
        rule = f"must be at most {MAX_STEPS:,} steps, an epoch being {config.steps_per_epoch:,}"
        found.append(SettingError("num_epochs", rule, config.num_epochs, "Use fewer."))
    if config.total_steps and config.schedule.warmup >= config.total_steps:
        rule = f"must be less than the {config.total_steps} steps of the run"
        found.append(SettingError("schedule.warmup", rule, config.schedule.warmup, "Use fewer, or more num_steps."))
    if config.sampling == "by_class":
        found += _sampling_contradictions(config)
    elif config.batch_size > config.dataset.num_train:
        rule = f"must be at most the {config.dataset.num_train} training samples"
        found.append(SettingError("batch_size", rule, config.batch_size, "Use a smaller batch or more samples."))
    return found


def _sampling_contradictions(config: RunConfig) -> list[SettingError]:
    sizes = config.dataset.group_sizes
    if not sizes:
        rule = f"must be shuffled with {config.dataset.name}, which has no classes"
        return [SettingError("sampling", rule, config.sampling, "Write sampling: shuffled.")]
    if config.batch_size <= min(sizes):
        return []
    rule = f"must be at most the {min(sizes)} training samples of the smallest class, with sampling: by_class"
    return [SettingError("batch_size", rule, config.batch_size, "Use a smaller batch or more samples.")]


def _sequence_contradictions(config: RunConfig) -> list[SettingError]:
    lengths, (num_steps, *_) = config.dataset.sequence_lengths, config.dataset.input_shape
    if config.model.takes_sequences and lengths is None:
        rule = f"must get sequences with a mask, which {config.dataset.name} has not"
        return [SettingError("model.name", rule, config.model.name, "Use dataset: sequences, or model: mlp.")]
    if lengths is not None and max(lengths) > num_steps and not config.model.takes_sequences:
        rule = f"must take sequences of any length, since some have more than {num_steps} steps"
        way_out = "Use model: rnn or transformer, or dataset.longer_by: 1."
        return [SettingError("model.name", rule, config.model.name, way_out)]
    return []


def _network_contradictions(config: RunConfig) -> list[SettingError]:
    if _sequence_contradictions(config) or (config.norm.name == "kept" and config.model.name != "own"):
        return []
    try:
        model = network_without_numbers(config)
        _check_size(model, config)
        if config.model.name == "own":
            return refused_norms(config)
        for layer, norm in built_norms(model).items():
            _check_batch(layer, norm, config)
        try_own_norm(config)
    except SettingError as error:
        return [error]
    return []


def _check_size(model: nn.Module, config: RunConfig) -> None:
    size = num_parameters_of(model)
    if size > MAX_NUMBERS:
        rule = f"must be a network of at most {MAX_NUMBERS:,} parameters, it has {size:,}"
        raise SettingError("model.name", rule, config.model.name, "Use a smaller one.")


def _check_batch(layer: str, norm: BuiltNorm, config: RunConfig) -> None:
    """Refuse a batch that gives a norm too few values; for sequences, the number of steps of the shortest counts."""
    lengths = config.dataset.sequence_lengths
    fewest_rows = norm.num_heads * (min(lengths) if norm.per_step and lengths else 1)
    try:
        norm.spec.check_batch(norm.feature_shape, fewest_rows * config.batch_size)
    except SettingError as error:
        raise SettingError(error.key, error.rule, config.batch_size, error.way_out, layer) from None
