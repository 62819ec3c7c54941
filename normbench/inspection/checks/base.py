"""Defines a check, find(setup) -> findings, and what it is given; lists the checks of this folder."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Protocol, cast

from torch import nn

from normbench.findings import Finding
from normbench.inspection.forward_pass import NormCall
from normbench.storage.files.part_files import Parts, import_parts, require_function
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

    @property
    def is_own(self) -> bool:
        """Whether the network is the user's own."""
        return self.config.model.name == "own"


class Check(Protocol):
    """Describes the function ``find`` of a file in this folder; its docstring says what it finds, at which level."""

    def __call__(self, setup: Setup) -> Iterator[Finding]:
        """Return its findings, one per layer, from input to output."""


def find_checks() -> dict[str, Check]:
    """Import every file of this folder and return its check by the file's name; unfinished ones are left out."""
    return _parts().found


def unfinished_checks() -> list[str]:
    """Return a line for each file of this folder that holds no whole check."""
    return list(_parts().unfinished.values())


@cache
def _parts() -> Parts[Check]:
    return import_parts(__name__.rpartition(".")[0], lambda module, _: cast(Check, require_function(module, "find")))
