"""What may go wrong in runs: the layers, what is so, why it matters, the way out, the arms."""

from collections.abc import Sequence

from normbench.findings import Level, SharedFinding
from normbench.report.blocks.block import Block, Line

MAX_NAMED = 4
"""Layers or arms; of more, some and their number are told."""
IN_FULL = "--dry-run"
"""Tells findings in full."""
INDENT = 2


def findings_blocks(
    study: str, findings: Sequence[SharedFinding], num_arms: int, levels: Sequence[Level]
) -> list[Block]:
    """Return the findings of the given levels in full.

    Args:
        study: The study's name, which begins every finding.
        findings: Of all its arms.
        num_arms: How many arms the study has; a finding that all share names none.
        levels: What is told.
    """
    told = [finding for finding in findings if finding.level in levels]
    return [block for finding in told for block in _blocks(study, finding, num_arms)]


def _blocks(study: str, finding: SharedFinding, num_arms: int) -> list[Block]:
    arms = "" if len(finding.arms) == num_arms else _arms(finding.arms)
    more = {"why": finding.why, "fix": finding.fix, "arms": arms}
    lines = [Line(text, label) for label, text in more.items() if text]
    first = Block(_first(study, finding), is_joined=True)
    return [first, Block(lines=lines, indent=INDENT, is_joined=True)] if lines else [first]


def short_findings(study: str, findings: Sequence[SharedFinding], level: Level, width: int) -> str:
    """Return the first finding of a level in one line, others counted; "" where there is none.

    Example:
        >>> found = SharedFinding("warning", ("fc1",), "averages over 4 values per channel", "", "", "", ())
        >>> short_findings("six", [found, found], "warning", 60)
        'six: warning: fc1: averages over 4 ... 1 more: --dry-run'
    """
    told = [_first(study, finding) for finding in findings if finding.level == level]
    if not told:
        return ""
    more = f" {len(told) - 1} more: {IN_FULL}" if len(told) > 1 else ""
    if len(told[0]) + len(more) <= width:
        return told[0] + more
    end = f" ...{more or f' {IN_FULL}'}"
    return told[0][: width - len(end) + 1].rpartition(" ")[0].rstrip(" ,:") + end


def _first(study: str, finding: SharedFinding) -> str:
    layers = _layers([layer for layer in finding.layers if layer])
    return ": ".join(part for part in (study, finding.level, layers, finding.what) if part)


def _layers(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= MAX_NAMED else f"{names[0]} ... {names[-1]} ({len(names)} layers)"


def _arms(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return "; ".join(names[:MAX_NAMED]) + more
