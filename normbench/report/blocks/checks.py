"""Writes when a study is checked, why it stopped, and how its verdicts were made if not once."""

from collections.abc import Sequence

from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.pivot import Pivot
from normbench.evidence.statistics.paired_effect import Effect
from normbench.evidence.statistics.seed_plan import SeedPlan
from normbench.evidence.statistics.sweeps import Trend
from normbench.evidence.statistics.verdict_rule import VerdictRule
from normbench.evidence.statistics.verdict_words import TOO_FEW

MAX_COUNTS = 6
ENDS = {
    "decided": "decided at the check after {after} seeds",
    "unlikely": "stopped after {after} seeds: under 20 % chance to decide by {last}",
    "open": "not decided at the last check, after {after} seeds",
    "failed": "stopped after {after} seeds: not checked, as some runs failed",
    "nothing": "stopped after {after} seeds: nothing is compared",
}


def levels_text(check_after: Sequence[int], levels: Sequence[float]) -> str:
    """Return the checks with their levels; those of level 0 are not taken.

    Example:
        >>> levels_text([8, 16, 32], [0.0, 0.031, 0.029])
        'checked after 16 and 32 seeds, at levels .0310 .0290; 8 seeds cannot decide'
    """
    taken = [(count, level) for count, level in zip(check_after, levels, strict=True) if level]
    idle = [count for count, level in zip(check_after, levels, strict=True) if not level]
    without = f"{_listed(idle)} seeds cannot decide" if idle else ""
    if not taken:
        return f"not checked: {without}"
    noun = "level" if len(taken) == 1 else "levels"
    shown = " ".join(level_text(level) for _, level in taken)
    return f"checked after {_listed([count for count, _ in taken])} seeds, at {noun} {shown}" + f"; {without}" * bool(
        idle
    )


def level_text(level: float) -> str:
    """Return a level with four decimals.

    Example:
        >>> level_text(0.00971)
        '.0097'
    """
    return f"{level:.4f}".removeprefix("0")


def not_judged_text(num_seeds: int, rule: VerdictRule) -> str:
    """Return why so many seeds give no verdict, and how many do.

    Example:
        >>> not_judged_text(12, VerdictRule("no check", 0.0, 16))
        '12 seeds are not at a check: the next one comes after 16'
        >>> not_judged_text(7, VerdictRule("incomplete", 0.0, 8))
        '7 of 8 seeds are there: no verdict before all are'
        >>> not_judged_text(1, VerdictRule("no check", 0.0, 8))
        '1 seed is not at a check: the next one comes after 8'
    """
    if rule.kind == "incomplete" and rule.next_check:
        return f"{num_seeds} of {rule.next_check} seeds are there: no verdict before all are"
    then = f"the next one comes after {rule.next_check}" if rule.next_check else "none is left that can decide"
    seeds_are = "seed is" if num_seeds == 1 else "seeds are"
    return f"{num_seeds} {seeds_are} not at a check: {then}"


def anytime_text(plan: SeedPlan) -> str:
    """Return why the test is one that is right at any time.

    Example:
        >>> anytime_text(SeedPlan("any time", (8, 16)))
        'seeds were added without a plan (8, then 16): verdicts by the sign e-process'
    """
    more = [f"{len(plan.counts) - MAX_COUNTS} more"] * (len(plan.counts) > MAX_COUNTS)
    counts = ", then ".join([*map(str, plan.counts[:MAX_COUNTS]), *more])
    return f"seeds were added without a plan ({counts}): verdicts by the sign e-process"


def how_judged(comparison: StudyComparison, pivots: Sequence[Pivot] = ()) -> list[str]:
    """Return a line on verdicts that are right at any time, or why there are none; for tables by settings on checks.

    Args:
        comparison: With or without effects.
        pivots: Tables by settings, whose effects count instead.
    """
    judged = _judged(comparison, pivots)
    found = [(one.n, one.rule) for one in judged if one.verdict != TOO_FEW]
    if any(rule.kind == "any time" for _, rule in found):
        return [_sentence(anytime_text(comparison.seed_plan)), *_on_new_data(judged)]
    texts = [_rule_text(n, rule) for n, rule in found if rule.why_not or pivots]
    return [_sentence(text) for text in dict.fromkeys(texts) if text]


def _on_new_data(judged: Sequence[Effect | Trend]) -> list[str]:
    """Return at which level new data are judged from seeds that were added without a plan; empty on generated data."""
    news = [one.new_data.rule for one in judged if isinstance(one, Effect) and one.new_data]
    levels = [rule.level for rule in news if rule.kind == "new data"]
    return [f"Verdicts on new data share 5 % among the counts: at level {level_text(levels[0])}."] if levels else []


def level_words(effects: Sequence[Effect]) -> str:
    """Return what the intervals of effects are at: 95 %, or the level of a planned check."""
    levels = [effect.rule.level for effect in effects if effect.rule.kind == "check"]
    return f"at level {level_text(levels[0])}" if levels else "95 % intervals"


def _judged(comparison: StudyComparison, pivots: Sequence[Pivot]) -> list[Effect | Trend]:
    if not pivots:
        return [row.effect for row in comparison.rows if row.effect]
    lines = [line for pivot in pivots for line in pivot.lines]
    effects = [*(cell.effect for line in lines for cell in line.cells if cell), *(line.change for line in lines)]
    trends = [*(line.trend for line in lines), *(pivot.trend for pivot in pivots)]
    return [one for one in [*effects, *trends] if one]


def _rule_text(num_seeds: int, rule: VerdictRule) -> str:
    if rule.kind == "check":
        return f"checked after {num_seeds} seeds at level {level_text(rule.level)}"
    return not_judged_text(num_seeds, rule) if rule.why_not else ""


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def end_text(why: str, after: int, last: int) -> str:
    """Return why no more seeds were added.

    Example:
        >>> end_text("unlikely", 32, 64)
        'stopped after 32 seeds: under 20 % chance to decide by 64'
    """
    return ENDS[why].format(after=after, last=last)


def _listed(counts: Sequence[int]) -> str:
    words = list(map(str, counts))
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]
