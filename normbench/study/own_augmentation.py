"""Calls the user's own augmentation on a training batch, and refuses what is no such batch any more."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from normbench.datasets.base import Split
from normbench.errors import SettingError
from normbench.own_code.error_lines import in_one_line
from normbench.study.config import RunConfig
from normbench.study.own_functions import imported_function, kind_of

AUGMENT = "augment"
ARGUMENTS = "(x, y, generator) or (x, generator)"
EXAMPLE = "def flip(x, generator): return x.flip(-1) if torch.rand((), generator=generator) < 0.5 else x"
TARGETS = ("y", "target", "targets", "label", "labels", "mask", "masks")
"""What a second argument is called that is no generator."""
POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True)
class OwnAugmentation:
    """The user's own augmentation: (x, y, generator) -> (x, y), or (x, generator) -> x.

    Attributes:
        path: Its import path, for messages.
        function: The user's function.
        folder: The study file's folder, from which messages name files.
        takes_target: Whether it takes and returns the targets too.
    """

    path: str
    function: Callable[..., Any]
    folder: Path
    takes_target: bool

    def __call__(self, batch: Split, generator: torch.Generator) -> Split:
        """Return another batch of the same shapes and dtypes; the function may change what it is given.

        Raises:
            SettingError: The function fails, or returns something else.
        """
        x, y = batch.x.clone(), None if batch.y is None else batch.y.clone()
        if not self.takes_target:
            return replace(batch, x=self._like(batch.x, self._called(x, generator), "x"))
        found = self._called(x, y, generator)
        if not isinstance(found, tuple | list) or len(found) != 2:
            raise SettingError(AUGMENT, f"must return (x, y), it returned {kind_of(found)}", self.path, "Return both.")
        returned = None if batch.y is None else self._like(batch.y, found[1], "y")
        return replace(batch, x=self._like(batch.x, found[0], "x"), y=returned)

    def _called(self, *given: Any) -> Any:
        try:
            with torch.no_grad():
                return self.function(*given)
        except (Exception, SystemExit) as error:
            shapes = " and ".join(str(tuple(one.shape)) for one in given if isinstance(one, Tensor))
            rule = f"must take a batch of shape {shapes}, it ended with {in_one_line(error, self.folder)}"
            raise SettingError(AUGMENT, rule, self.path, "Change the function.") from error

    def _like(self, before: Tensor, after: Any, name: str) -> Tensor:
        if not isinstance(after, Tensor):
            rule = f"must return {name} as a tensor, it returned {kind_of(after)}"
            raise SettingError(AUGMENT, rule, self.path, "torch.as_tensor makes one.")
        if (after.shape, after.dtype, after.device) != (before.shape, before.dtype, before.device):
            rule = f"must return {name} as it came, {_described(before)}, it returned {_described(after)}"
            raise SettingError(AUGMENT, rule, self.path, f"Cut or pad to the same shape; end with .to({name}).")
        return after.detach()


def own_augmentation(config: RunConfig) -> OwnAugmentation | None:
    """Import the augmentation of a run, if it has one.

    Raises:
        SettingError: There is no such function, or it takes other arguments.
    """
    if not config.augment:
        return None
    function = imported_function(AUGMENT, config.augment, config, ARGUMENTS, EXAMPLE)
    return OwnAugmentation(config.augment, function, config.folder, _num_arguments(function, config.augment) == 3)


def _num_arguments(function: Callable[..., Any], path: str) -> int:
    """Return 3 or 2, how many arguments it is called with: those without a default, or all that it takes."""
    try:
        parameters = [one for one in signature(function).parameters.values() if one.kind in POSITIONAL]
    except (TypeError, ValueError):
        parameters = []
    needed = [one for one in parameters if one.default is Parameter.empty]
    number = len(needed) if len(needed) >= 2 else len(parameters)
    has_no_generator = number == 2 and parameters[1].name in TARGETS
    if number not in (2, 3) or has_no_generator:
        taken = ", ".join(one.name for one in parameters)
        rule = f"must be a function of {ARGUMENTS}, it takes ({taken})"
        raise SettingError(AUGMENT, rule, path, f"Example: {EXAMPLE}")
    return number


def _described(tensor: Tensor) -> str:
    dtype = str(tensor.dtype).removeprefix("torch.")
    return f"{tuple(tensor.shape)} {dtype} on {tensor.device.type}"
