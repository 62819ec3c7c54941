"""Diabetes: 442 patients by 10 measures, and how far the disease went in a year, of scikit-learn."""

from typing import ClassVar, Literal

from normbench.datasets._finite import FiniteDataset
from normbench.datasets.base import Task
from normbench.finite_data.array_rows import ArrayRows
from normbench.finite_data.bundled import bundled_table


class DiabetesSpec(FiniteDataset):
    """442 patients by 10 measures; the target is how far diabetes went in the year after, a number from 25 to 346.

    Inputs are as they were measured, not as scikit-learn scales them by all rows, and are standardized by the
    training rows. So is the target, whose std is 77: always saying the training mean has a loss of about 1, and a loss
    of 0.5 explains half of the variance.

    Test loss of seeds 0, 1, 2, each on another eighth:

    - Ridge regression, l2 1: 0.50, 0.50, 0.53 (the training mean 1.13, 1.09, 1.01).
    - MLP of 64 and 64 without norms: 0.53, 0.96, 0.68; with batch norm: 0.55, 0.92, 0.72.

    MLP: 500 steps of Adam, batch size 32, lr 0.003.

    Needs scikit-learn, and no net. Source: Efron, Hastie, Johnstone and
    Tibshirani, Least Angle Regression, 2004.
    """

    task: ClassVar[Task] = "regression"
    name: Literal["diabetes"] = "diabetes"
    standardize_target: bool = True
    """Bring the target to mean 0 and std 1 by the training rows; losses are then shares of its variance."""

    def read(self) -> ArrayRows:
        """Load the measures, (N, 10), unscaled."""
        return bundled_table(self.name, "regression", standardize_target=self.standardize_target, scaled=False)
