"""Writes when a study is checked, why it stopped, and why verdicts are made in another way than once."""

from collections.abc import Sequence

from normbench.evidence.statistics.seed_plan import SeedPlan
from normbench.evidence.statistics.verdict_rule import VerdictRule

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


def not_at_check_text(num_seeds: int, rule: VerdictRule) -> str:
    """Return why so many seeds give no verdict, and when the next check is."""
    then = f"the next one comes after {rule.next_check}" if rule.next_check else "none is left"
    return f"{num_seeds} seeds are no planned check: {then}"


def anytime_text(plan: SeedPlan) -> str:
    """Return why the test is one that is right at any time.

    Example:
        >>> anytime_text(SeedPlan("any time", (8, 16)))
        'seeds were added without a plan (8, then 16): verdicts by the sign e-process, right at any time'
    """
    more = [f"{len(plan.counts) - MAX_COUNTS} more"] * (len(plan.counts) > MAX_COUNTS)
    counts = ", then ".join([*map(str, plan.counts[:MAX_COUNTS]), *more])
    return f"seeds were added without a plan ({counts}): verdicts by the sign e-process, right at any time"


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
