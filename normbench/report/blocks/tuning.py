"""Writes what tuning chose for each arm and its lead, and whether verdicts stay the same at second-best values."""

from collections.abc import Mapping, Sequence
from typing import Any

from normbench.evidence.tuning.ranking import Lead, best_trial, lead_of
from normbench.evidence.tuning.sensitivity import ChangedVerdict, Sensitivity
from normbench.report.blocks.arm_names import listed
from normbench.report.blocks.block import WIDE_LABEL, Block, Line, as_lines
from normbench.report.blocks.numbers import percent, short
from normbench.storage.arm_labels import short_keys, tuned_label
from normbench.storage.choices import Choice

FEW = 2
"""Arms whose choices are written in full."""
SMALLEST_LEAD = 0.001
"""Smaller shares would be written as 0.0 %, which is that of equal losses."""


def tuning_blocks(choices: Sequence[Choice], *, details: bool = False) -> list[Block]:
    """Return a line per arm: the chosen values, their lead, and the values tried; of many arms one line for all."""
    is_short = len(choices) > FEW and not details
    texts = [choices_text(choices)] if is_short else [choice_text(choice) for choice in choices]
    return [Block(lines=as_lines(texts, "tuned"), label_width=WIDE_LABEL)] if choices else []


def choices_text(choices: Sequence[Choice]) -> str:
    """Return the choices of several arms in short: their values and leads.

    Example:
        >>> from normbench.storage.choices import Trial
        >>> tried = [Trial({"optimizer.lr": 0.1}, [0.5, 0.3], 0.4), Trial({"optimizer.lr": 0.01}, [0.2, 0.4], 0.3)]
        >>> choices_text([Choice("none", {"optimizer.lr": 0.01}, tried, 0, False, (1000, 1001))])
        'optimizer.lr: none 0.01 (25.0 % ahead of 0.1); run --details has the losses'
    """
    keys = list(dict.fromkeys(key for choice in choices for key in choice.chosen))
    chosen = [_in_short(choice, with_keys=len(keys) > 1) for choice in choices]
    return f"{' and '.join(keys)}: {', '.join(chosen)}; run --details has the losses"


def _in_short(choice: Choice, *, with_keys: bool) -> str:
    lead = lead_of(choice)
    values = _values_text(choice.chosen) if with_keys else ", ".join(map(_value_text, choice.chosen.values()))
    ahead = _lead_text(lead, lead.runner_up.values) if lead and lead.runner_up else "nothing else was tried"
    return f"{choice.arm} {values} ({ahead}{', at the edge' * choice.at_edge})"


def sensitivity_blocks(found: Sensitivity | None) -> list[Block]:
    """Return whether verdicts stay the same at second-best values, or the command that tells; empty if not asked."""
    if found is None:
        return []
    again = [Line(found.command, "again", is_command=True)] if found.missing else []
    return [Block(lines=[Line(sensitivity_text(found))], is_joined=True), Block(lines=again, is_joined=True)]


def sensitivity_text(found: Sensitivity) -> str:
    """Return whether the verdicts stay the same, which differ, and which arms could not be judged again.

    Example:
        >>> changed = [ChangedVerdict("none,tuned", False, "better", "cannot tell")]
        >>> sensitivity_text(Sensitivity(["optimizer.lr"], 3, changed))
        "With each arm's second-best lr 1 of 3 verdicts differs: none,tuned cannot tell instead of better."
        >>> sensitivity_text(Sensitivity(["optimizer.lr"], 3))
        "With each arm's second-best lr: the same 3 verdicts."
    """
    start = f"With each arm's second-best {' and '.join(short_keys(found.keys).values())}"
    if found.missing:
        return f"{start}: not judged, runs of {listed(found.missing)} are missing."
    alone = f" {listed(found.alone)}: nothing else was tried, so nothing is second-best." if found.alone else ""
    if not found.num_verdicts:
        return f"{start}: no verdict to compare.{alone}"
    return f"{start}{_verdicts_text(found.changed, found.num_verdicts)}{alone}"


def _verdicts_text(changed: Sequence[ChangedVerdict], number: int) -> str:
    if not changed:
        return f": the same {f'{number} verdicts' if number > 1 else 'verdict'}."
    texts = [f"{'claim ' * one.is_claim}{one.of} {one.after} instead of {one.before}" for one in changed]
    verb = "differs" if len(changed) == 1 else "differ"
    return f" {len(changed)} of {number} verdicts {verb}: {'; '.join(texts)}."


def choice_text(choice: Choice) -> str:
    """Return one choice as text.

    Example:
        >>> from normbench.storage.choices import Trial
        >>> tried = [Trial({"optimizer.lr": 0.1}, [0.5, 0.3], 0.4), Trial({"optimizer.lr": 0.01}, [0.2, 0.4], 0.3)]
        >>> choice_text(Choice("none", {"optimizer.lr": 0.01}, tried, 0, False, (1000, 1001)))
        'none,tuned: optimizer.lr 0.01 (validation loss 0.300, 25.0 % ahead of 0.1, best in 1 of 2 seeds; 2 tried: \
0.01 to 0.1)'
    """
    lead = lead_of(choice)
    found = [*([_loss_text(lead)] if lead else []), _tried_text(choice)]
    return f"{tuned_label(choice.arm)}: {_values_text(choice.chosen)} ({'; '.join(found)})"


def _loss_text(lead: Lead) -> str:
    loss = f"validation loss {short(lead.chosen.median)}"
    if lead.runner_up is None:
        return loss
    return (
        f"{loss}, {_lead_text(lead, lead.runner_up.values)}, best in {lead.num_best} of {len(lead.chosen.scores)} seeds"
    )


def _lead_text(lead: Lead, other: Mapping[str, Any]) -> str:
    name = _value_text(*other.values()) if len(other) == 1 else _values_text(other)
    if lead.is_tied:
        return f"as at {name}{', of equals the smaller' * _is_smaller(lead)}"
    if lead.share is None:
        return f"ahead of {name}"
    return f"{percent(lead.share) if lead.share >= SMALLEST_LEAD else 'less than 0.1 %'} ahead of {name}"


def _is_smaller(lead: Lead) -> bool:
    """Return whether the numbers of two equal trials decided, and not their order."""
    return lead.runner_up is not None and best_trial([lead.runner_up, lead.chosen]) is lead.chosen


def _tried_text(choice: Choice) -> str:
    """Return how many combinations were tried, and the range of each setting."""
    several = len(choice.chosen) > 1
    ranges = [f"{f'{key} ' * several}{_range_text([one.values[key] for one in choice.tried])}" for key in choice.chosen]
    edge = ", chosen at its edge" if choice.at_edge else ""
    return f"{len(choice.tried)} tried: {', '.join(ranges)}{edge}"


def _range_text(values: Sequence[Any]) -> str:
    if len(values) > 1 and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return f"{min(values):g} to {max(values):g}"
    return " or ".join(dict.fromkeys(_value_text(value) for value in values))


def _values_text(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {_value_text(value)}" for key, value in values.items())


def _value_text(value: Any) -> str:
    return str(value["name"]) if isinstance(value, dict) else f"{value:g}" if isinstance(value, float) else str(value)
