"""Probes an arm of a study, or a user's model, over several seeds."""

import sys
from collections.abc import Iterable
from contextlib import redirect_stdout

import torch
from torch import Tensor, nn

from normbench.errors import ConfigError, SettingError
from normbench.evidence.layers.probe_lines import LayerReading
from normbench.evidence.layers.probe_reading import ProbeReport, read_probe
from normbench.inspection.probe import probe_model
from normbench.inspection.user_model import fitted, in_one_line, load_callable, load_input, make_model
from normbench.inspection.watch.random_states import same_random_states_after
from normbench.random_streams import derive_seed, noise_seed
from normbench.study.config import RunConfig
from normbench.training.build import build_training
from normbench.training.numerics import numerics

DEFAULT_SEEDS = 8


def probe_config(config: RunConfig, seeds: Iterable[int], name: str = "") -> ProbeReport:
    """Probe one arm at step 0 of each seed's run, with the loss of its first training batch.

    Args:
        config: The arm's settings.
        seeds: Seeds; each has its own model and batch.
        name: The arm's label.
    """
    signal = config.dataset.task == "signal"
    back = "a random N(0, 1) direction on the output" if signal else "the loss of the first batch of training data"
    found = [_probe_seed(config, seed) for seed in seeds]
    return read_probe(name, f"batch {config.batch_size} of {config.dataset.name}, back from {back}", found)


def _probe_seed(config: RunConfig, seed: int) -> list[LayerReading]:
    with numerics(config.numerics), torch.random.fork_rng(devices=[]):
        torch.manual_seed(noise_seed(seed, config.replica))
        training, _ = build_training(config, seed)
        batch = training.batches.next()
        return probe_model(training.model, batch.x, loss=lambda output: training.loss(output, batch.y), seed=seed)


def probe_callable(model: str, inputs: str, seeds: Iterable[int]) -> ProbeReport:
    """Probe a user's model, made by calling the callable once for each seed.

    Args:
        model: ``package.module:callable``.
        inputs: ``N,C,H,W`` for N(0, 1) of that shape, or the path of a .npy or .pt file.
        seeds: Seeds of torch before each call, and of the random direction and a drawn input.

    Raises:
        ConfigError: The model or the input cannot be loaded, or they do not fit each other.
    """
    found = []
    with redirect_stdout(sys.stderr):  # what the model prints is not the answer
        make, batch_of = load_callable(model), load_input(inputs)
        for seed in seeds:
            made = make_model(make, seed, model)
            found.append(_probe_made_model(made, fitted(batch_of(seed), made), seed, (model, inputs)))
    return read_probe(model, _setting(inputs, made, batch_of(0)), found)


def _probe_made_model(model: nn.Module, batch: Tensor, seed: int, words: tuple[str, str]) -> list[LayerReading]:
    try:
        with numerics(), same_random_states_after():
            torch.manual_seed(derive_seed(seed, "dropout"))
            seen = probe_model(model, batch, seed=seed)
    except SettingError as error:
        raise ConfigError([f"--model {words[0]}: {error}"]) from error
    except Exception as error:
        rule = f"must fit {words[0]}, got {in_one_line(error)}"
        raise ConfigError([f"--input {words[1]}: {rule}. {_way_out(batch)}"]) from error
    if not seen:
        rule = "must have layers: modules with parameters, norms or ReLUs, got none that was called"
        raise ConfigError([f"--model {words[0]}: {rule}. Make its parts torch.nn modules."])
    return seen


def _way_out(batch: Tensor) -> str:
    other = "whole" if batch.is_floating_point() else "floating-point"
    return f"Give the shape it takes, the batch first. A model of {other} numbers takes a .npy or .pt file of them."


def _setting(inputs: str, model: nn.Module, batch: Tensor) -> str:
    shape = "x".join(map(str, batch.shape))
    what = f"N(0, 1) of {shape}" if "." not in inputs else f"{inputs}, {shape}"
    mode = "training" if model.training else "evaluation"
    return f"{what}, {mode} mode, back from a random N(0, 1) direction on the output"
