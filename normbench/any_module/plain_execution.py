"""Runs a model as plain Python: without activation checkpointing and without compiled code, so that all is seen."""

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils import checkpoint

from normbench.errors import SettingError


@contextmanager
def executing_plainly(model: nn.Module) -> Iterator[None]:
    """Compute what a model keeps back or hands to a compiler at once, line by line, inside the block.

    Neither changes a model's function. Reentrant activation checkpointing makes no graph in forward, so that hooks find
    nothing to go back through; compiled code skips hooks that were added later. cuDNN goes back through no recurrent
    layer in evaluation mode, so that a GPU computes without it where a model holds one.
    """
    with ExitStack() as put_back:
        known = checkpoint.CheckpointFunction
        put_back.callback(setattr, checkpoint, "CheckpointFunction", known)
        checkpoint.CheckpointFunction = _AtOnce  # type: ignore[misc, assignment]
        put_back.enter_context(without_compiled_code())
        if any(isinstance(module, nn.RNNBase) and not module.training for module in model.modules()):
            put_back.callback(setattr, torch.backends.cudnn, "enabled", torch.backends.cudnn.enabled)
            torch.backends.cudnn.enabled = False
        yield


@contextmanager
def without_compiled_code() -> Iterator[None]:
    """Run what torch's compiler has compiled as the Python that it was made from, inside the block."""
    with ExitStack() as put_back:
        if "torch._dynamo" in sys.modules:  # nothing is compiled where the compiler was not imported
            put_back.enter_context(torch.compiler.set_stance("force_eager"))
        yield


def forget_compiled_code() -> None:
    """Let torch's compiler compile again what is called next: hooks that were added to modules are in no older code."""
    if "torch._dynamo" in sys.modules:
        torch.compiler.reset()


class _AtOnce:
    """Stands in for torch's function of reentrant checkpointing."""

    @staticmethod
    def apply(function: Callable[..., Any], _preserves_random_state: bool, *args: Any) -> Any:
        """Call the function with autograd as it is."""
        return function(*args)


@contextmanager
def same_global_random_states_after() -> Iterator[None]:
    """Put the random states of Python and of numpy back after the block; torch's are put back with the model."""
    import numpy as np

    of_python, of_numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the user's model may use it
    try:
        yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)  # noqa: NPY002


def refuse_scripted(model: nn.Module) -> None:
    """Refuse a model of which a part is TorchScript.

    Raises:
        SettingError: With the part's name.
    """
    for name, module in model.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            rule = "must be Python code, whose layers can be watched"
            way_out = "Give the model from before torch.jit.script, torch.jit.trace or torch.jit.load."
            raise SettingError(name or "model", rule, type(module).__name__, way_out)
