"""Tries the user's own network before any run: what it is made of, what it puts out, and that a seed decides it."""

import torch
from torch import Tensor, nn

from normbench.any_module.process_settings import changed_since, settings_in_force
from normbench.errors import SettingError
from normbench.norm_swap.swappable import refuse_unswappable
from normbench.study.config import RunConfig
from normbench.study.data import sample_of
from normbench.study.own_network import made_network, spec_of, trying


def checked_own_network(config: RunConfig) -> nn.Module:
    """Return the network of the user's as it is made with seed 0, or refuse what cannot be trained.

    It is made twice with one seed, and called in evaluation and in training on samples of the data.

    Raises:
        SettingError: With what it must do, and the way out.
    """
    sample = sample_of(config)
    first, second = (made_network(config, 0, sample) for _ in range(2))
    _check_makers_habits(config, first, second)
    _check_parameters(config, first)
    for mode, x in {"evaluation": sample, "training": sample[: config.batch_size]}.items():
        second.train(mode == "training")
        _check_pass(config, second, x, mode)
    return first


def _check_makers_habits(config: RunConfig, first: nn.Module, second: nn.Module) -> None:
    """Refuse a callable that hands out one network twice, or other weights for the same seed."""
    shared = {id(parameter) for parameter in first.parameters()} & {id(parameter) for parameter in second.parameters()}
    if first is second or shared:
        what = "the same one" if first is second else "one that shares parameters with the one before"
        rule = f"must make a new network at each call, it returned {what} the second time"
        raise _refused(config, rule, "Make it, and all of its layers, inside the function.")
    again = second.state_dict()
    for name, tensor in first.state_dict().items():
        if isinstance(tensor, Tensor) and not _is_equal(tensor, again.get(name)):
            rule = f"must draw the same weights for the same seed, {name} was another the second time"
            way_out = "Draw with torch, numpy or random, which each run seeds, and seed none of them in the code."
            raise _refused(config, rule, way_out)


def _is_equal(one: Tensor, other: Tensor | None) -> bool:
    if other is None or one.shape != other.shape or one.dtype != other.dtype:
        return False
    return torch.equal(one, other) or bool(((one == other) | (one.isnan() & other.isnan())).all())


def _check_parameters(config: RunConfig, network: nn.Module) -> None:
    try:
        refuse_unswappable(network)  # also with its own norms: it is compared with one whose norms were replaced
    except SettingError as error:
        raise _refused(config, f"{error.rule}, it holds a {error.value}", error.way_out) from None
    parameters = list(network.parameters())
    if not parameters:
        way_out = "Make its layers attributes of the module, or entries of a ModuleList instead of a list."
        raise _refused(config, "must have parameters, the network has none", way_out)
    if not any(parameter.requires_grad for parameter in parameters):
        rule = f"must have parameters that learn, all {len(parameters)} have requires_grad False"
        raise _refused(config, rule, "Leave those of some layers as they are.")


def _check_pass(config: RunConfig, network: nn.Module, x: Tensor, mode: str) -> None:
    given = x.clone()
    with trying(config, f"take a batch of shape {tuple(x.shape)} in {mode}"):
        before = settings_in_force()
        output = network(given)
        changed = changed_since(before)
    if changed:
        rule = f"must leave the process as it is, in {mode} its forward changed {changed[0]}"
        raise _refused(config, rule, "Change it where the network is made, or put it back.")
    if not torch.equal(given, x):
        rule = f"must leave its input as it is, in {mode} it wrote over it"
        raise _refused(config, rule, "Begin forward with x = x.clone(), or use no in-place operation on x.")
    if not isinstance(output, Tensor):
        rule = f"must put out a tensor, in {mode} its forward gave a {type(output).__name__}"
        way_out = "Say which part of it: output: logits, or output: 0."
        raise SettingError("model.output", rule, spec_of(config).output, way_out)
    _check_output(config, output, len(x), mode)
    if mode == "training":
        _check_gradients(config, network, output)


def _check_gradients(config: RunConfig, network: nn.Module, output: Tensor) -> None:
    with trying(config, "let a gradient go back through it"):
        output.square().mean().backward()
    for name, parameter in network.named_parameters():
        if parameter.grad is not None and parameter.grad.layout != torch.strided:
            rule = f"must have gradients that are not sparse, that of {name} is"
            raise _refused(config, rule, "Leave out sparse=True.")


def _check_output(config: RunConfig, output: Tensor, num_samples: int, mode: str) -> None:
    wanted = (num_samples, *config.dataset.output_shape)
    if tuple(output.shape) != wanted:
        rule = f"must put out {wanted} for a batch of {num_samples}, it put out {tuple(output.shape)} in {mode}"
        raise _refused(config, rule, "The callable may ask for output_shape.")
    if not output.is_floating_point():
        rule = f"must put out floating-point numbers, it put out {_named(output.dtype)} in {mode}"
        raise _refused(config, rule, "Put out a score for each class, or values of torch.float32.")
    if not bool(output.isfinite().all()):
        what = "nan" if bool(output.isnan().any()) else "inf"
        rule = f"must put out finite numbers for training samples, it put out {what} in {mode}"
        raise _refused(config, rule, "Look for a division by 0, a log of 0 or a root of 0, or scale the data.")
    if mode == "training" and not output.requires_grad:
        rule = "must put out what its parameters can learn from, its output has no gradient"
        raise _refused(config, rule, "Leave detach(), no_grad() and inference_mode() out of forward.")


def _named(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _refused(config: RunConfig, rule: str, way_out: str) -> SettingError:
    return SettingError("model.build", rule, spec_of(config).maker, way_out)
