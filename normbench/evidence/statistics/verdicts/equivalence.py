"""Tests whether the typical seeds of two arms are equal within a stated margin: two one-sided tests at 5 % each.

No difference found is no equality: this is said only if the typical difference is above -margin and below +margin, each
by the guarded one-sided test at 5 %. At most one of the two can be wrong, so no correction is needed.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from normbench.evidence.statistics.corrections import ALPHA
from normbench.evidence.statistics.verdicts.ties import FloatArray
from normbench.evidence.statistics.verdicts.typical_seed import lower_bound, one_sided_p, upper_bound


@dataclass(frozen=True)
class Equivalence:
    """Whether two arms are equal within a margin.

    Attributes:
        margin: Half the width of what counts as equal, not negative.
        p: The larger p of the two one-sided tests.
        low: Lower end of the 90 % interval: the margins that neither test rejects.
        high: Upper end of it.
        is_equal: Whether p <= 0.05; the interval then lies strictly inside the margins.
    """

    margin: float
    p: float
    low: float
    high: float
    is_equal: bool


def equivalence(differences: npt.ArrayLike, margin: float, alpha: float = ALPHA) -> Equivalence:
    """Test one sample of paired differences, shape (n,), for equality within +-margin.

    Example:
        >>> equivalence([0.1, -0.2, 0.3, 0.0, -0.1, 0.2, -0.3, 0.15], margin=0.5).is_equal
        True
    """
    if not margin >= 0:
        raise ValueError(
            f"margin: must not be negative, got {margin}. Write the difference that still counts as equal."
        )
    p = float(equivalence_p(differences, margin))
    low = float(lower_bound(differences, alpha, alpha))
    return Equivalence(margin, p, low, float(upper_bound(differences, alpha, alpha)), p <= alpha)


def equivalence_p(differences: npt.ArrayLike, margin: float) -> FloatArray:
    """Return the larger p of "above -margin" and "below +margin"; (..., n) to (...).

    References:
        Schuirmann (1987), A comparison of the two one-sided tests procedure and the power approach, J. Pharmacokinetics
        and Biopharmaceutics 15(6).
    """
    above, _ = one_sided_p(differences, -margin)
    _, below = one_sided_p(differences, margin)
    return np.maximum(above, below)
