"""Probes an arm of a study, or a user's model, over several seeds."""

import sys
from collections.abc import Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from normbench.any_module.model_input import ModelInput
from normbench.any_module.random_states import same_random_states_after
from normbench.errors import ConfigError, SettingError
from normbench.evidence.probe.network_reading import NetworkReading
from normbench.evidence.probe.probe_report import ProbeReport, read_probe
from normbench.inspection.own_models.user_input import fitted, load_inputs, shapes
from normbench.inspection.own_models.user_model import load_callable, make_model
from normbench.inspection.probe import probe_model
from normbench.own_code.error_lines import in_one_line
from normbench.own_code.running import running_own_code
from normbench.random_streams import derive_seed, noise_seed
from normbench.study.config import RunConfig
from normbench.study.own_code import running_code_of
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


def _probe_seed(config: RunConfig, seed: int) -> NetworkReading:
    with numerics(config.numerics), running_code_of(config), same_random_states_after():
        torch.manual_seed(noise_seed(seed, config.replica))
        training, _ = build_training(config, seed)
        batch = training.batches.next()
        found = probe_model(training.model, batch.x, loss=lambda output: training.loss(output, batch.y), seed=seed)
        return replace(found, norms=())  # what the settings alone tell of norms is preflight's


def probe_callable(
    model: str, inputs: Sequence[str], seeds: Iterable[int], batch_size: int | None = None
) -> ProbeReport:
    """Probe a user's model, made by calling the callable once for each seed.

    Args:
        model: ``package.module:callable``.
        inputs: For each argument of forward ``N,C,H,W`` for N(0, 1) of that shape, or the path of a .npy or .pt file.
        seeds: Seeds of torch before each call, and of the random directions and drawn inputs.
        batch_size: Samples of a training batch, where it is another than the input's.

    Raises:
        ConfigError: The model or the input cannot be loaded, or they do not fit each other.
    """
    found = []
    with redirect_stdout(sys.stderr):  # what the model prints is not the answer
        make, batch_of = load_callable(model), load_inputs(inputs)
        for seed in seeds:
            made = make_model(make, seed, model)
            given = fitted(ModelInput.of(batch_of(seed), made), made)
            found.append(_probe_made_model(made, given, seed, (model, " --input ".join(inputs))))
    return read_probe(model, _setting(inputs, made, given, found[0]), found, batch_size)


def _probe_made_model(model: nn.Module, given: ModelInput, seed: int, words: tuple[str, str]) -> NetworkReading:
    try:
        with numerics(), running_own_code(Path.cwd()):
            torch.manual_seed(derive_seed(seed, "dropout"))
            seen = probe_model(model, given, seed=seed)
    except SettingError as error:
        raise ConfigError([f"--model {words[0]}: {error}"]) from error
    except (Exception, SystemExit) as error:  # a model may end the program
        rule = f"must fit {words[0]}, got {in_one_line(error, Path.cwd())}"
        raise ConfigError([f"--input {words[1]}: {rule}. {_way_out(given, error)}"]) from error
    if not seen.layers:
        rule = "must have layers: modules with parameters, norms or ReLUs, got none that was called"
        raise ConfigError([f"--model {words[0]}: {rule}. Make its parts torch.nn modules."])
    return seen


def _way_out(given: ModelInput, error: BaseException) -> str:
    if "required positional argument" in str(error):
        return "Give --input once more for each further argument, or a file with a tuple of them."
    if any(isinstance(value, dict) for value in given.args):
        return (
            "A dict goes to forward by its arguments' names, or whole where they are others: write it with those names."
        )
    is_floating = any(tensor.is_floating_point() for tensor in given.tensors())
    other = "whole" if is_floating else "floating-point"
    return f"Give the shape it takes, the batch first. A model of {other} numbers takes a .npy or .pt file of them."


def _setting(inputs: Sequence[str], model: nn.Module, given: ModelInput, seen: NetworkReading) -> str:
    files = [text for text in inputs if "." in text]
    what = f"{', '.join(files)}, {shapes(given)}" if files else f"N(0, 1) of {shapes(given)}"
    mode = "training" if model.training else "evaluation"
    reached = [output.name for output in seen.outputs if output.has_gradient]
    directions = "a random N(0, 1) direction on the output"
    if len(reached) > 1:
        directions = f"random N(0, 1) directions on {len(reached)} outputs: {', '.join(reached)}"
    return f"{what}, {mode} mode, back from {directions}"
