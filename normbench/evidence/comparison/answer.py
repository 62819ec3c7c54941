"""Answers which arm to take: how far behind the best it is at most, who is beaten, and who cannot be told apart.

The rules are in docs/methods.md, "4. Verdicts of a comparison".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from normbench.evidence.comparison.collapses import not_learned
from normbench.evidence.comparison.comparable_arms import ComparableArms, comparable_arms, log_margin
from normbench.evidence.comparison.rows import Row
from normbench.evidence.comparison.split_data import SplitData, why_not_new
from normbench.evidence.metrics.directions import direction
from normbench.evidence.statistics.best_by_rule import above_by_rule, best_by_rule, seeds_to_bound
from normbench.evidence.statistics.seed_plan import JUDGED_ONCE, SeedPlan
from normbench.evidence.statistics.student import exp
from normbench.evidence.statistics.verdict_rule import FIXED, VerdictRule, equality_p
from normbench.evidence.statistics.verdicts.ties import RELATIVE, FloatArray

TieBreak = Literal["", "collapses", "parameters"]
NEAR = 0.1
"""Arms whose distance is larger by at most this share are as close to the best."""


@dataclass(frozen=True)
class CellAnswer:
    """The answer among arms that share all settings but those in question.

    Attributes:
        settings: The values of the other axes that these arms share, by full key; empty without a second axis.
        arms: Labels of the arms.
        seeds: The seeds that all of them have.
        is_ratio: Whether distances are ratios, x 1.05; else they are differences.
        behind: By how much each arm is behind the best at most (95 %, for all arms at once), by label. Of ratios above
            1, of differences above 0; below it the arm is ahead of all others. inf where nothing is bounded.
        taken: The arm to take: the one that is least behind. None where no arm is bounded.
        passed_over: Arms no further behind the best that are not taken, since more than half of their runs collapsed.
        num_collapsed: How many of its runs collapsed, of these seeds.
        tie_break: By what it was chosen before an arm that is as close: fewer collapses, or fewer parameters.
        as_close: The arms before which it was chosen so.
        beaten: The arms that some other arm beats.
        not_told_apart: The arms that nobody beats, beside the one to take.
        equal_to: The arms that equal the one to take within the margin; they are in neither of the two lists before.
        taken_beaten_by: The arms that beat the one to take, which may happen where their own distance is larger.
        is_cycle: Whether every arm is beaten by some other.
        seeds_needed: The fewest seeds for an answer, where there are too few.
        rule: How it was judged: once, at a check, at any time, or not yet.
        not_learned: A sentence where more than half of these runs collapsed, which leaves nothing to compare; else "".
        data: The finite data of the arms, on which ``rule`` says whether the answer is about new data; None on
            generated data.
        why_not_new: Why the answer is about these rows alone, on finite data; else "".
    """

    arms: tuple[str, ...]
    seeds: tuple[int, ...]
    is_ratio: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    behind: Mapping[str, float] = field(default_factory=dict)
    taken: str | None = None
    passed_over: tuple[str, ...] = ()
    num_collapsed: int = 0
    tie_break: TieBreak = ""
    as_close: tuple[str, ...] = ()
    beaten: tuple[str, ...] = ()
    not_told_apart: tuple[str, ...] = ()
    equal_to: tuple[str, ...] = ()
    taken_beaten_by: tuple[str, ...] = ()
    is_cycle: bool = False
    seeds_needed: int | None = None
    rule: VerdictRule = FIXED
    not_learned: str = ""
    data: SplitData | None = None
    why_not_new: str = ""


@dataclass(frozen=True)
class Answer:
    """The answer of a study, one for each value of its other axes.

    Attributes:
        metric: The metric that decides.
        cells: One answer without a second axis.
        question: Full keys of what is in question: the arms of a cell differ in them.
        family: "same lr" or "own lr", as the arms were trained; empty where the lr itself is in question.
        depends_on: Full keys of the settings along which some pair of arms changes its order.
        margin: The smallest difference that matters; None where none is stated.
        other: The answer of the arms at the same lr, where those at their own lr decide.
    """

    metric: str
    cells: tuple[CellAnswer, ...]
    question: tuple[str, ...] = ()
    family: str = ""
    depends_on: tuple[str, ...] = ()
    margin: float | None = None
    other: "Answer | None" = None

    @property
    def all_cells(self) -> tuple[CellAnswer, ...]:
        """The cells of arms at their own lr, and of those at the same."""
        return (*self.cells, *(self.other.cells if self.other else ()))

    def standing(self, arm: str) -> tuple[str, float] | None:
        """Return an arm's word (taken, beaten, not told apart, equal, or none) and distance; None if not compared."""
        cell = next((cell for cell in self.cells if arm in cell.arms), None)
        if cell is None:
            return self.other.standing(arm) if self.other else None
        lists = {"beaten": cell.beaten, "not told apart": cell.not_told_apart, "equal": cell.equal_to}
        word = "taken" if arm == cell.taken else next((word for word, arms in lists.items() if arm in arms), "")
        return word, cell.behind.get(arm, math.inf)


def answer_of_arms(
    rows: Sequence[Row], metric: str, *, margin: float | None = None, plan: SeedPlan = JUDGED_ONCE
) -> CellAnswer | None:
    """Return the answer among arms; None for fewer than two, and where no direction of the metric is better.

    Args:
        rows: Arms that differ in what is in question only.
        metric: The metric that decides.
        margin: The smallest difference that matters: a share of losses, a difference of accuracies.
        plan: How the seeds were asked for, which decides how they are judged.
    """
    arms = comparable_arms(rows, metric, plan)
    labels = tuple(row.arm for row in arms.rows)
    if len(set(labels)) < 2 or len(set(labels)) < len(labels) or direction(metric) is None:
        return None
    empty = _empty_answer(arms, labels, metric)
    failed = not_learned(sum(len(row.collapsed_seeds) for row in rows), sum(len(row.seeds) for row in rows))
    if failed:
        return replace(empty, not_learned=failed)
    rule = empty.rule
    needed = None if rule.why_not else seeds_to_bound(len(labels), rule)
    if needed is None or len(arms.seeds) < needed:
        planned = [count for count in plan.counts if needed and count >= needed] if rule.kind == "check" else []
        return replace(empty, seeds_needed=planned[0] if planned else needed)
    return _answer(arms, empty, log_margin(margin, metric, arms))


def _empty_answer(arms: ComparableArms, labels: tuple[str, ...], metric: str) -> CellAnswer:
    """Return an answer that says only whom it is about, on which data, and how it is judged."""
    data = [row.data for row in arms.rows]
    rule, why_not = arms.plan.rule(arms.seeds), why_not_new(data, [metric])
    return CellAnswer(
        labels, arms.seeds, arms.is_ratio, rule=rule, data=next(filter(None, data), None), why_not_new=why_not
    )


def _answer(arms: ComparableArms, empty: CellAnswer, margin: float | None) -> CellAnswer:
    labels = empty.arms
    found = best_by_rule(arms.values, empty.rule)
    dust = RELATIVE * float(np.abs(arms.values[np.isfinite(arms.values)]).max(initial=0.0))
    behind = [0.0 if abs(end) <= dust else end for end in found.behind]  # a rounding error of the values
    write = exp if arms.is_ratio else float
    answer = replace(
        empty,
        behind={label: write(end) for label, end in zip(labels, behind, strict=True)},
        beaten=tuple(label for label, best in zip(labels, found.may_be_best, strict=True) if not best),
        is_cycle=not any(found.may_be_best),
    )
    learned = [i for i, row in enumerate(arms.rows) if not not_learned(len(row.collapsed_seeds), len(row.seeds))]
    if min((behind[i] for i in learned), default=math.inf) == math.inf:
        return answer
    taken, tie_break, as_close = _choose(arms, behind, found.may_be_best, learned)
    collapsed = len(set(arms.seeds).intersection(arms.rows[taken].collapsed_seeds))
    chosen = replace(
        answer,
        taken=labels[taken],
        passed_over=tuple(labels[i] for i in range(len(labels)) if i not in learned and behind[i] <= behind[taken]),
        num_collapsed=collapsed,
        tie_break=tie_break,
        as_close=tuple(labels[i] for i in as_close),
    )
    return _with_others(chosen, arms, taken, margin)


def _choose(
    arms: ComparableArms, behind: Sequence[float], may_be_best: Sequence[bool], learned: Sequence[int]
) -> tuple[int, TieBreak, list[int]]:
    """Return the arm to take, by what it was chosen before arms that are as close, and these.

    Of the arms at most half of whose runs collapsed the one with the smallest distance; of those within a tenth of it
    that are not beaten, the one with fewer collapses, then with fewer parameters.
    """
    seeds = set(arms.seeds)
    cost = [(len(seeds.intersection(row.collapsed_seeds)), row.num_parameters) for row in arms.rows]
    first = min(learned, key=lambda i: behind[i])
    reach = behind[first] + NEAR * abs(behind[first]) if math.isfinite(behind[first]) else behind[first]
    near = [i for i in learned if i == first or (behind[i] <= reach and may_be_best[i])]
    taken = min(near, key=lambda i: (cost[i], behind[i]))
    passed = [i for i in near if behind[i] <= behind[taken] and cost[i] > cost[taken]]
    if not passed:
        return taken, "", []
    return taken, "collapses" if any(cost[i][0] > cost[taken][0] for i in passed) else "parameters", passed


def _with_others(answer: CellAnswer, arms: ComparableArms, taken: int, margin: float | None) -> CellAnswer:
    """Sort the other arms: equal within the margin, beaten, and not to be told apart from the one that is taken."""
    rivals = [i for i in range(len(answer.arms)) if i != taken]
    rule, level = answer.rule, answer.rule.level / len(rivals)
    ps = {} if margin is None else {i: _equality_p(arms.values, taken, i, margin, rule) for i in rivals}
    equal = {answer.arms[i] for i, p in ps.items() if p <= level}
    above = [answer.arms[i] for i in above_by_rule(arms.values, taken, rule)]
    rest, beaten = [answer.arms[i] for i in rivals if answer.arms[i] not in equal], frozenset(answer.beaten)
    return replace(
        answer,
        beaten=tuple(arm for arm in rest if arm in beaten),
        not_told_apart=tuple(arm for arm in rest if arm not in beaten.union(above)),
        equal_to=tuple(answer.arms[i] for i in rivals if answer.arms[i] in equal),
        taken_beaten_by=tuple(above),
    )


def _equality_p(values: FloatArray, one: int, other: int, margin: float, rule: VerdictRule) -> float:
    with np.errstate(invalid="ignore"):  # inf - inf, where both diverged, counts for no side
        differences = values[one] - values[other]
    return equality_p(differences, margin, rule)
