"""Sends a batch through a network, in training or evaluation and backward, and leaves the network as it was."""

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook

from normbench.any_module.model_input import ModelInput
from normbench.any_module.plain_execution import same_global_random_states_after, without_compiled_code
from normbench.any_module.restore import leaving_unchanged
from normbench.any_module.tensors import named_tensors
from normbench.errors import SettingError
from normbench.norm_swap.recorder import Recorder
from normbench.own_code.error_lines import in_one_line


@contextmanager
def undisturbed(network: nn.Module) -> Iterator[None]:
    """Let a block call a network as it likes: all of it, and all random states, are put back afterwards.

    So are modules that it calls without holding them, as those of a plain list.
    Inside, compiled code runs as Python, and torch's transformer layers call their norms in evaluation too: their fast
    path computes a layer norm of its own from what it reads off them.
    """
    with ExitStack() as put_back:
        put_back.enter_context(leaving_unchanged(network))
        put_back.enter_context(same_global_random_states_after())
        put_back.enter_context(without_compiled_code())
        put_back.callback(torch.backends.mha.set_fastpath_enabled, torch.backends.mha.get_fastpath_enabled())
        torch.backends.mha.set_fastpath_enabled(False)
        put_back.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")  # they come again where the network is used
        put_back.enter_context(_others_undisturbed(network))
        yield


@contextmanager
def _others_undisturbed(network: nn.Module) -> Iterator[None]:
    known = set(network.modules())
    with ExitStack() as put_back:

        def keep(module: nn.Module, _args: object) -> None:
            if module not in known:
                known.update(module.modules())
                put_back.enter_context(leaving_unchanged(module))

        hook = register_module_forward_pre_hook(keep)
        put_back.callback(hook.remove)
        yield


def forward(network: nn.Module, given: ModelInput, recorder: Recorder, *, training: bool) -> Any:
    """Return what a network puts out for a batch, in training or in evaluation.

    Raises:
        SettingError: It ends with an error; with the module that did.
    """
    network.train(training)
    try:
        with torch.set_grad_enabled(training):
            return given.changed(_copied).call(network)
    except (Exception, SystemExit) as error:
        raise refused(network, recorder, error, training=training) from error


def _copied(x: Tensor) -> Tensor:
    """Return a copy, since a network may write into what it is given."""
    return x.detach().clone().requires_grad_(x.requires_grad)


def backward(network: nn.Module, output: Any, recorder: Recorder) -> None:
    """Go back from all of an output; where nothing of it was learned, do nothing.

    Raises:
        SettingError: It ends with an error.
    """
    network.zero_grad(set_to_none=True)
    outputs = [tensor for tensor in named_tensors(output).values() if tensor.requires_grad]
    try:
        torch.autograd.backward([_real(tensor).sum() for tensor in outputs])  # with other gradients torch imports sympy
    except Exception as error:
        raise refused(network, recorder, error, training=True) from error


def _real(x: Tensor) -> Tensor:
    return torch.view_as_real(x) if x.is_complex() else x


def refused(network: nn.Module, recorder: Recorder, error: BaseException, *, training: bool) -> SettingError:
    """Say that a network does not take a batch, and which module ended with what."""
    names = {module: name for name, module in network.named_modules()}
    inner = [module for module in recorder.stack if names.get(module)]
    place = f", in {names[inner[-1]]} ({type(inner[-1]).__name__})" if inner else ""
    mode = "training" if training else "evaluation"
    rule = f"must take the batch in {mode}; it ended with {in_one_line(error)}{place}"
    return SettingError("model", rule, type(network).__name__, "Change the network, or give it other samples.")
