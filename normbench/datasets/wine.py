"""Wine: 178 wines of three growers by 13 chemical measures, of scikit-learn."""

from typing import ClassVar, Literal

from normbench.datasets._finite import FiniteDataset
from normbench.datasets.base import Task
from normbench.finite_data.array_rows import ArrayRows
from normbench.finite_data.bundled import bundled_table


class WineSpec(FiniteDataset):
    """178 wines by 13 chemical measures, three growers (59, 71, 48); standardized by the training rows.

    Needs scikit-learn, and no net. Source: Aeberhard and Forina, Wine, UCI 1991.
    """

    task: ClassVar[Task] = "classification"
    name: Literal["wine"] = "wine"

    def read(self) -> ArrayRows:
        """Load the measures, (N, 13)."""
        return bundled_table(self.name, "classification")
