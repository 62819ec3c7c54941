"""DatasetOfArrays: the base class of finite datasets whose inputs and targets come as arrays."""

from typing import Any

from numpy.typing import NDArray
from pydantic import Field

from normbench.datasets._finite import FiniteDataset
from normbench.datasets.base import Task
from normbench.finite_data.all_mistakes import all_mistakes
from normbench.finite_data.array_checks import cast_findings, checked_groups, checked_inputs, checked_targets
from normbench.finite_data.array_layout import Layout
from normbench.finite_data.array_rows import ArrayRows
from normbench.finite_data.row_kinds import Numbers, RowKinds
from normbench.finite_data.targets import TargetTask


class DatasetOfArrays(FiniteDataset):
    """Checks arrays, and makes rows of them."""

    said_task: TargetTask | None = Field(None, alias="task")
    """What the targets are; null for text, or for two values, which are classes."""
    layout: Layout | None = None
    """Where the channels of x are; null where x is (N, F), or images with 4 or fewer channels at one end."""
    standardize: bool = True
    """Bring each feature or channel to mean 0 and std 1 by the training rows."""
    standardize_target: bool = True
    """The same for the target of regression; losses are then shares of its variance."""

    @property
    def task(self) -> Task:  # type: ignore[override]
        """Classification or regression, as said or as the targets tell."""
        return self.rows.task

    def checked_rows(
        self, x: NDArray[Any], y: NDArray[Any], group: NDArray[Any] | None = None, parts: Numbers | None = None
    ) -> ArrayRows:
        """Return arrays of one length as rows.

        Raises:
            DataError: What is wrong with each of them.
        """
        with all_mistakes() as told:
            with told():
                inputs = checked_inputs(x, self.layout)
            with told():
                targets = checked_targets(y, self.said_task)
            with told():
                groups = checked_groups(group)
        kinds = RowKinds(len(inputs), targets.classes, groups, parts)
        return ArrayRows(
            kinds,
            targets.class_names,
            cast_findings(x),
            x=inputs,
            targets=targets,
            standardize=self.standardize,
            standardize_target=self.standardize_target,
        )
