"""Defines what a picture of a study is given, and finds the pictures of this folder: ``draw(shown)`` in a file each."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, cast

from normbench.evidence.comparison.comparison import StudyComparison
from normbench.storage.files.part_files import Parts, import_parts, require_function
from normbench.storage.study_folder import StudyFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture


@dataclass(frozen=True)
class ShownStudy:
    """A study that is drawn.

    Attributes:
        study: Its folder, with its arms and their runs.
        comparison: Its arms compared, with effects against its baseline, or else against its first arm.
    """

    study: StudyFolder
    comparison: StudyComparison

    @property
    def title(self) -> str:
        """The question, or the name of a study without one."""
        return self.comparison.question or self.comparison.study

    @property
    def metric(self) -> str:
        """The first metric."""
        return next(iter(self.comparison.rows[0].figures))


Draw = Callable[[ShownStudy], "Picture | None"]
"""Returns a picture; None where the study has nothing to show of this kind."""


def find_kinds() -> dict[str, Draw]:
    """Import every file of this folder and return its ``draw`` by the file's name; unfinished ones are left out."""
    return _parts().found


def unfinished_kinds() -> dict[str, str]:
    """Return a line for each file of this folder that draws nothing, by its name."""
    return _parts().unfinished


@cache
def _parts() -> Parts[Draw]:
    return import_parts(__name__.rpartition(".")[0], lambda module, _: cast(Draw, require_function(module, "draw")))
