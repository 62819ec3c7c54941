"""Judges a study at a check: decided, open, or so that the last check hardly could decide it.

The rules are in docs/methods.md, "4. Verdicts of a comparison", under planned checks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from normbench.evidence.claims.margin_test import ExpectationResult
from normbench.evidence.claims.part_scale import as_tested
from normbench.evidence.claims.study_verdicts import study_verdicts
from normbench.evidence.claims.verdict import NOT_RUN, ClaimVerdict
from normbench.evidence.claims.words import DECIDED
from normbench.evidence.comparison.answer import Answer, CellAnswer
from normbench.evidence.comparison.answer_cells import study_answer
from normbench.evidence.comparison.checks import read_seed_plan
from normbench.evidence.comparison.comparable_arms import comparable_arms, log_margin
from normbench.evidence.comparison.comparison import StudyComparison, compare_study
from normbench.evidence.statistics.planned_checks.conditional_power import conditional_power
from normbench.evidence.statistics.seed_plan import SeedPlan
from normbench.evidence.statistics.verdicts.ties import FloatArray
from normbench.evidence.statistics.verdicts.typical_seed import pseudo_median
from normbench.storage.study_folder import StudyFolder, read_study

Outcome = Literal["open", "decided", "unlikely", "nothing"]
"""What a check found: no verdict yet; one; that one by the last check is unlikely; that nothing is compared."""
UNLIKELY = 0.2
GIVE_UP_FROM = 3


def judge_check(folder: Path, seeds: Sequence[int], check_after: Sequence[int]) -> Outcome:
    """Judge the runs of some seeds in a study's folder.

    With claims it is decided when all have a verdict; without, when in each cell of the answer every other arm is
    beaten, or equals the arm to take within the margin that the study states.

    Args:
        folder: The study's folder.
        seeds: The seeds up to this check.
        check_after: Numbers of seeds of all checks.

    Raises:
        RunFolderError: A file is missing or was changed.
    """
    study = _with_seeds(read_study(folder), seeds)
    plan = read_seed_plan(study.content, [arm.identity for arm in study.arms])
    check = _Check(plan, seeds, check_after[-1], may_give_up=sum(n <= len(seeds) for n in check_after) >= GIVE_UP_FROM)
    verdicts = [verdict for verdict in study_verdicts(study) if verdict.verdict != NOT_RUN]
    return check.of_claims(verdicts) if verdicts else check.of_arms(compare_study(study))


def _with_seeds(study: StudyFolder, seeds: Sequence[int]) -> StudyFolder:
    """Return a study as if nothing but the runs of some seeds were there."""
    arms = [replace(arm, runs=tuple(run for run in arm.runs if run.seed in seeds)) for arm in study.arms]
    return replace(study, content={**study.content, "seeds": list(seeds)}, arms=[arm for arm in arms if arm.runs])


@dataclass(frozen=True)
class _Check:
    """One check of a study: how its seeds were asked for, its seeds, the last check, whether it may give up."""

    plan: SeedPlan
    seeds: Sequence[int]
    last: int
    may_give_up: bool

    def of_claims(self, verdicts: Sequence[ClaimVerdict]) -> Outcome:
        left = [verdict for verdict in verdicts if verdict.verdict not in DECIDED]
        return self._outcome(chance for verdict in left for chance in self._chances(verdict))

    def of_arms(self, comparison: StudyComparison) -> Outcome:
        if comparison.not_learned:
            return self._outcome([0.0])  # no number of seeds makes a verdict of failed runs
        answer = study_answer(comparison, margin=comparison.margin)
        if answer is None:
            return "nothing"
        return self._outcome(
            chance for cell in answer.cells for chance in self._chances_of_cell(comparison, answer, cell)
        )

    def _chances_of_cell(self, comparison: StudyComparison, answer: Answer, cell: CellAnswer) -> list[float]:
        """Return the chance of each arm that is not told apart from the one to take: to be so, or to be found equal."""
        if cell.not_learned:
            return [0.0]
        if cell.taken is None or cell.rule.why_not:
            return [1.0]
        arms = comparable_arms([row for row in comparison.rows if row.arm in cell.arms], answer.metric, self.plan)
        values = {row.arm: of for row, of in zip(arms.rows, arms.values, strict=True)}
        margin = log_margin(answer.margin, answer.metric, arms)
        with np.errstate(invalid="ignore"):  # of two runs that diverged
            pairs = [values[cell.taken] - values[arm] for arm in cell.not_told_apart]
        level = 2 * self._level_of_last(1) / (len(cell.arms) - 1)  # both tests are one-sided
        return [max(self._chance(pair, 0.0, level), self._chance_inside(pair, margin, level)) for pair in pairs]

    def _chance_inside(self, pair: FloatArray, margin: float | None, level: float) -> float:
        """Return the chance that a typical difference is found above -margin and below it; 0 where it lies outside."""
        if margin is None or not abs(pseudo_median(pair)) < margin:
            return 0.0
        return min(self._chance(pair, end, level) for end in (-margin, margin))

    def _outcome(self, chances: Iterable[float]) -> Outcome:
        """Return the outcome, from the chance of each verdict that is left open, to be given by the last check."""
        left = list(chances)
        if not left:
            return "decided"
        return "unlikely" if self.may_give_up and self.last > len(self.seeds) and max(left) < UNLIKELY else "open"

    def _level_of_last(self, num_comparisons: int) -> float:
        return self.plan.rule(range(self.last), num_comparisons).level

    def _chance(self, differences: npt.ArrayLike, margin: float, level: float) -> float:
        """Return the chance of a verdict at the last check, on the side that leads now."""
        return conditional_power(differences, margin, self.last, level) if self.last > len(self.seeds) else 0.0

    def _chances(self, verdict: ClaimVerdict) -> list[float]:
        """Return the chance of each expectation of a claim that is left open; of a claim that has no numbers yet 1."""
        parts = verdict.parts
        return [self._chance_of_part(part, len(parts)) for part in parts if part.verdict not in DECIDED] or [1.0]

    def _chance_of_part(self, part: ExpectationResult, num_parts: int) -> float:
        """Return the chance that an expectation is decided; inside two margins both one-sided tests must find it.

        What speaks against a claim is corrected over its parts; where all must hold each is tested at the whole level.
        """
        numbers, level = list(part.by_seed.values()), self._level_of_last(num_parts)
        if part.by_task:  # of tasks together no chance is computed
            return 1.0
        margins = [as_tested(part, margin) for margin in part.margins]
        if len(margins) == 2 and part.margins[0] < part.effect < part.margins[1]:
            return min(self._chance(numbers, margin, 2 * level) for margin in margins)
        may_hold = len(margins) == 1 and part.effect > part.margins[0]
        return max(self._chance(numbers, margin, level if may_hold else level / num_parts) for margin in margins)
