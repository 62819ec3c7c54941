"""Takes the verdict from a claim most of whose runs collapsed, unless it asks about collapse itself.

The rules are in docs/methods.md, "5. Diverged and collapsed runs".
"""

from collections.abc import Sequence

from normbench.evidence.claims.expectations import Expectation
from normbench.evidence.claims.margin_test import ExpectationResult
from normbench.evidence.claims.untold import untold
from normbench.evidence.comparison.collapses import (
    TRAIN_ACCURACY,
    TRAIN_LOSS,
    CollapseRule,
    collapsed_seeds,
    not_learned,
)
from normbench.evidence.metrics.group_metrics import chooses_runs
from normbench.storage.run_folder import Arm


def judge_learning(expectations: Sequence[Expectation], arms: Sequence[Arm], rule: CollapseRule) -> str:
    """Return why a claim has no verdict: more than half of the runs that it reads collapsed; else "".

    Args:
        expectations: The claim's expectations. The runs of those that ask about collapse are not counted.
        arms: The arms that it reads.
        rule: What the study counts as a collapse.
    """
    terms = [term for one in expectations if not asks_about_collapse(one, rule) for term, _ in one.terms]
    runs = [run for arm in arms if any(term.selects(arm.labelled) for term in terms) for run in arm.runs]
    word = "collapsed" if any(map(rule.limit_of, runs)) else "diverged"
    return not_learned(len(collapsed_seeds(runs, rule)), len(runs), word).rstrip(".")


def asks_about_collapse(expectation: Expectation, rule: CollapseRule) -> bool:
    """Return whether collapsed runs are what an expectation asks about, so that they leave it its verdict.

    It chooses among runs by itself, as ``largest_stable`` does; or it says in which range training ends.
    """
    metrics = [term.metric for term, _ in expectation.terms]
    if all(map(chooses_runs, metrics)):
        return True
    ends = {TRAIN_LOSS, TRAIN_ACCURACY, *([rule.declared.metric] if rule.declared else ())}
    return expectation.kind == "range" and all(metric.removeprefix("last ") in ends for metric in metrics)


def without_verdicts(
    parts: Sequence[ExpectationResult], expectations: Sequence[Expectation], rule: CollapseRule
) -> list[ExpectationResult]:
    """Return the tested expectations of a claim that was not learned: only those about collapse keep their verdict."""
    return [
        part if asks_about_collapse(one, rule) else untold(part) for part, one in zip(parts, expectations, strict=True)
    ]
