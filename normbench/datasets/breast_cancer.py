"""Breast cancer: 569 tumours by 30 measures of their cells, of scikit-learn."""

from typing import ClassVar, Literal

from normbench.datasets._finite import FiniteDataset
from normbench.datasets.base import Task
from normbench.finite_data.array_rows import ArrayRows
from normbench.finite_data.bundled import bundled_table


class BreastCancerSpec(FiniteDataset):
    """569 tumours by 30 measures of cell nuclei, malignant (212) or benign (357); standardized by training rows.

    Needs scikit-learn, and no net. Source: Wolberg, Mangasarian, Street and
    Street, Breast Cancer Wisconsin (Diagnostic), UCI 1995.
    """

    task: ClassVar[Task] = "classification"
    name: Literal["breast_cancer"] = "breast_cancer"

    def read(self) -> ArrayRows:
        """Load the measures, (N, 30)."""
        return bundled_table(self.name, "classification")
