"""Calls a loss and a metric of the user's own, and refuses what is no number to learn or to judge by."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from normbench.errors import SettingError
from normbench.own_code.error_lines import in_one_line
from normbench.own_code.running import load_own
from normbench.study.config import RunConfig

LOSS, METRIC = "loss", "metric.function"
ARGUMENTS, EXAMPLE = "(output, target)", "def score(output, target): return ..."
Function = Callable[[Tensor, Tensor | None], Any]


@dataclass(frozen=True)
class OwnLoss:
    """The user's own loss: (output, target) -> a tensor of one number that has a gradient.

    Attributes:
        path: Its import path, for messages.
        function: The user's function.
        folder: The study file's folder, from which messages name files.
    """

    path: str
    function: Function
    folder: Path

    def __call__(self, output: Tensor, target: Tensor | None) -> Tensor:
        """Return the loss of a batch.

        Raises:
            SettingError: The function fails, or returns something else.
        """
        value = _called(LOSS, self, output, target)
        if not isinstance(value, Tensor) or value.numel() != 1:
            rule = f"must return a tensor of one number, it returned {kind_of(value)}"
            way_out = (
                "End it with .mean()." if isinstance(value, Tensor) else "Return what torch computed, without .item()."
            )
            raise SettingError(LOSS, rule, self.path, way_out)
        if output.requires_grad and not value.requires_grad:
            rule = "must have a gradient, what it returned has none"
            raise SettingError(LOSS, rule, self.path, "argmax, detach, .data and numpy lose it.")
        return value.reshape(())


@dataclass(frozen=True)
class OwnMetric:
    """The user's own metric: (output, target) of all samples of a split -> a number.

    Attributes:
        name: The last word of its columns.
        path: Its import path, for messages.
        function: The user's function.
        folder: The study file's folder, from which messages name files.
        is_share: Whether it was said to lie between 0 and 1.
    """

    name: str
    path: str
    function: Function
    folder: Path
    is_share: bool = False

    def __call__(self, output: Tensor, target: Tensor) -> float:
        """Return the number, which may be nan or infinite.

        Raises:
            SettingError: The function fails, or returns something else.
        """
        value = _called(METRIC, self, output, target)
        number = _as_number(value)
        if number is None:
            rule = f"must return one number, it returned {kind_of(value)}"
            raise SettingError(METRIC, rule, self.path, "Return the mean over samples, or one of its parts.")
        if self.is_share and not math.isnan(number) and not 0 <= number <= 1:
            rule = f"must return a share from 0 to 1, it returned {number:g}"
            raise SettingError(METRIC, rule, self.path, "Remove metric.share: its numbers are then told as they are.")
        return number


@dataclass(frozen=True)
class OwnFunctions:
    """The loss and the metric of the user's own, where there are any."""

    loss: OwnLoss | None = None
    metric: OwnMetric | None = None


NOTHING_OWN = OwnFunctions()


def own_functions(config: RunConfig) -> OwnFunctions:
    """Import the loss and the metric of a run.

    Raises:
        SettingError: There is no such function.
    """
    loss, said = None, config.metric
    if config.loss:
        loss = OwnLoss(config.loss, imported_function(LOSS, config.loss, config), config.folder)
    if not said.name or not said.function:
        return OwnFunctions(loss)
    function = imported_function(METRIC, said.function, config)
    return OwnFunctions(loss, OwnMetric(said.name, said.function, function, config.folder, said.share))


def imported_function(
    key: str, path: str, config: RunConfig, arguments: str = ARGUMENTS, example: str = EXAMPLE
) -> Callable[..., Any]:
    """Import a function of the user's that a setting names.

    Raises:
        SettingError: There is none, or it is something else.
    """
    found = load_own(path, config.folder, key)
    if isinstance(found, type) or not callable(found):
        what = f"the class {found.__name__}" if isinstance(found, type) else f"a {type(found).__name__}"
        raise SettingError(key, f"must be a function of {arguments}, it is {what}", path, f"Wrap it: {example}")
    return found  # type: ignore[no-any-return]


def _called(key: str, own: OwnLoss | OwnMetric, output: Tensor, target: Tensor | None) -> Any:
    """Call the user's function; it must leave what it is given as it was, since others read it too."""
    given = [tensor for tensor in (output, target) if tensor is not None]
    before = _versions(given)
    shapes = " and ".join(str(tuple(tensor.shape)) for tensor in given)
    try:
        value = own.function(output, target)
    except (Exception, SystemExit) as error:
        rule = f"must take outputs and targets of shapes {shapes}, it ended with {in_one_line(error, own.folder)}"
        raise SettingError(key, rule, own.path, "Change the function, or dataset.") from error
    if _versions(given) != before:
        rule = "must not change its output or target in place"
        raise SettingError(key, rule, own.path, "Use a copy: output.clone().")
    return value


def _versions(tensors: list[Tensor]) -> list[int]:
    """Return how often each tensor was changed in place."""
    return [tensor._version for tensor in tensors]  # noqa: SLF001 - torch tells it nowhere else


def _as_number(value: Any) -> float | None:
    """Return what is one number as a float; None for lists, several numbers, texts and truth values."""
    if isinstance(value, bool | str):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError):
        return None


def kind_of(value: Any) -> str:
    """Return what a function of the user's returned, for a message."""
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    return f"a {type(value).__name__}" if value is not None else "None"
