"""Breast cancer: 569 tumours by 30 measures of their cells, of scikit-learn."""

from typing import ClassVar, Literal

from normbench.datasets._finite import FiniteDataset
from normbench.datasets.base import Task
from normbench.finite_data.array_rows import ArrayRows
from normbench.finite_data.bundled import bundled_table


class BreastCancerSpec(FiniteDataset):
    """569 tumours by 30 measures of cell nuclei, malignant (212) or benign (357); standardized by training rows.

    Test accuracy of seeds 0, 1, 2, each on another eighth:

    - Logistic regression: 98.6, 97.2, 95.8 %.
    - MLP of 64 and 64 without norms: 98.6, 100.0, 98.6 %; with batch norm: 97.2, 97.2, 98.6 %.

    MLP: 500 steps of Adam, batch size 32, lr 0.003.

    Needs scikit-learn, and no net. Source: Wolberg, Mangasarian, Street and
    Street, Breast Cancer Wisconsin (Diagnostic), UCI 1995.
    """

    task: ClassVar[Task] = "classification"
    name: Literal["breast_cancer"] = "breast_cancer"

    def read(self) -> ArrayRows:
        """Load the measures, (N, 30)."""
        return bundled_table(self.name, "classification")
