"""Finds which of several arms may be best by the rule for verdicts: once, at a check, or at any time."""

import numpy as np
import numpy.typing as npt

from normbench.evidence.statistics.corrections import ALPHA
from normbench.evidence.statistics.planned_checks.sign_e_process import sign_e_process
from normbench.evidence.statistics.verdict_rule import VerdictRule
from normbench.evidence.statistics.verdicts.best_of_k import best_of_k
from normbench.evidence.statistics.verdicts.ties import FloatArray


def may_be_best(values: npt.ArrayLike, rule: VerdictRule) -> tuple[bool, ...]:
    """Return for each arm whether no other arm beat it.

    Args:
        values: Shape (k, n), two arms or more, seeds in the order in which they were added; higher is better, -inf is a
            run that diverged.
        rule: How verdicts are made.

    Example:
        >>> from normbench.evidence.statistics.verdict_rule import ANY_TIME
        >>> seeds = np.arange(8.0)
        >>> may_be_best([seeds, seeds + 1], VerdictRule("check", 0.0097)), may_be_best([seeds, seeds + 1], ANY_TIME)
        ((False, True), (False, True))
    """
    known = np.asarray(values, dtype=np.float64)
    if rule.why_not:
        return (True,) * len(known)
    if rule.kind == "any time":
        return tuple(not _is_ever_beaten(known, arm) for arm in range(len(known)))
    return best_of_k(known, rule.level).may_be_best


def _is_ever_beaten(values: FloatArray, arm: int) -> bool:
    """Return whether the sign e-process of some rival is above the arm, at 5 % for all rivals together."""
    rivals = np.delete(values, arm, axis=0)
    with np.errstate(invalid="ignore"):  # -inf - -inf is a tie, which counts for neither
        above, _ = sign_e_process(rivals - values[arm])
    return bool((above >= len(rivals) / ALPHA).any())
