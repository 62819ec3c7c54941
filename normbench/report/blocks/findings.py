"""What may go wrong, as text: the layers, what is so, why it matters, the way out, the arms."""

from collections.abc import Sequence

from rich.console import Console

from normbench.findings import Level, SharedFinding

MAX_NAMED = 4
"""Layers or arms; of more, some and their number are told."""


def print_findings(
    console: Console, study: str, findings: Sequence[SharedFinding], num_arms: int, levels: Sequence[Level]
) -> None:
    """Print the findings of the given levels.

    Args:
        console: Where to.
        study: The study's name, which begins every finding.
        findings: Of all its arms.
        num_arms: How many arms the study has; a finding that all share names none.
        levels: What is printed.
    """
    for finding in findings:
        if finding.level in levels:
            console.print("\n".join(finding_lines(study, finding, num_arms)), soft_wrap=True)


def finding_lines(study: str, finding: SharedFinding, num_arms: int) -> list[str]:
    """Return the lines of one finding."""
    layers = _layers([layer for layer in finding.layers if layer])
    first = ": ".join(part for part in (study, finding.level, layers, finding.what) if part)
    arms = "" if len(finding.arms) == num_arms else _arms(finding.arms)
    lines = {"why": finding.why, "fix": finding.fix, "arms": arms}
    return [first, *(f"  {title:4} {text}" for title, text in lines.items() if text)]


def _layers(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= MAX_NAMED else f"{names[0]} ... {names[-1]} ({len(names)} layers)"


def _arms(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return "; ".join(names[:MAX_NAMED]) + more
