"""Defines a check, find(setup) -> findings, and what it is given; lists the checks of this folder."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from torch import nn

from normbench.findings import Finding
from normbench.inspection.forward_pass import NormCall
from normbench.study.config import RunConfig


@dataclass(frozen=True)
class Setup:
    """Holds what a check is given: settings, network and norms of one run.

    Attributes:
        config: The run's settings, which do not contradict each other.
        network: The run's network without numbers; a check leaves it as it is.
        norms: Its norms in the order of the forward pass, as a training batch meets them.
    """

    config: RunConfig
    network: nn.Module
    norms: tuple[NormCall, ...]


class Check(Protocol):
    """Describes the function ``find`` of a file in this folder; its docstring says what it finds, at which level."""

    def __call__(self, setup: Setup) -> Iterator[Finding]:
        """Return its findings, one per layer, from input to output."""


@cache
def find_checks() -> dict[str, Check]:
    """Import every file of this folder and return its check by the file's name, sorted."""
    folder = importlib.import_module("normbench.inspection.checks")
    names = sorted(module.name for module in pkgutil.iter_modules(folder.__path__) if module.name != "base")
    return {name: importlib.import_module(f"normbench.inspection.checks.{name}").find for name in names}
