"""Wine: 178 wines of three growers by 13 chemical measures, of scikit-learn."""

from typing import ClassVar, Literal

from normbench.datasets._finite import FiniteDataset
from normbench.datasets.base import Task
from normbench.finite_data.array_rows import ArrayRows
from normbench.finite_data.bundled import bundled_table


class WineSpec(FiniteDataset):
    """178 wines by 13 chemical measures, three growers (59, 71, 48); standardized by the training rows.

    Test accuracy of seeds 0, 1, 2, each on another eighth:

    - Logistic regression: 100.0, 100.0, 95.5 %.
    - MLP of 64 and 64 without norms: 100.0, 100.0, 95.5 %; with batch norm: 95.5, 100.0, 100.0 %.

    MLP: 500 steps of Adam, batch size 32, lr 0.003.

    Needs scikit-learn, and no net. Source: Aeberhard and Forina, Wine, UCI 1991.
    """

    task: ClassVar[Task] = "classification"
    name: Literal["wine"] = "wine"

    def read(self) -> ArrayRows:
        """Load the measures, (N, 13)."""
        return bundled_table(self.name, "classification")
