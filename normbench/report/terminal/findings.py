"""Prints findings: the layers, what is wrong, why, the way out and the arms; on several lines or on one."""

from collections.abc import Mapping, Sequence

from rich.console import Console

from normbench.findings import LEVELS, MAX_NAMED, Finding, Level

BEFORE_TRAINING = {"why": "why ", "way_out": "fix ", "arms": "arms"}
IN_A_PROBE = {"why": "likely  ", "way_out": "way out "}
ON_ONE_LINE: dict[str, str] = {}
"""Titles of the lines that follow the first; without any the way out ends the first."""


def print_findings(
    console: Console,
    findings: Sequence[Finding],
    titles: Mapping[str, str],
    *,
    study: str = "",
    num_arms: int = 1,
    levels: Sequence[Level] = LEVELS,
) -> None:
    """Print the findings of the given levels.

    Args:
        console: Where to.
        findings: Of a study's arms, or of one probe.
        titles: Of the lines that follow the first.
        study: The study's name, which then begins every finding, with the level.
        num_arms: How many arms the study has; a finding that all share names none.
        levels: What is printed.
    """
    for found in findings:
        if found.level in levels:
            lines = finding_lines(found, titles, study=study, num_arms=num_arms)
            console.print("\n".join(lines), soft_wrap=True)


def finding_lines(found: Finding, titles: Mapping[str, str], *, study: str = "", num_arms: int = 1) -> list[str]:
    """Return the lines of one finding."""
    first = _head(found, study) + found.sentence()
    if not titles:
        return [f"{first} {found.way_out}"]
    arms = "" if len(found.arms) == num_arms else _arms(found.arms)
    texts = {"why": found.why, "way_out": found.way_out, "arms": arms}
    return [first, *(f"  {title} {texts[key]}" for key, title in titles.items() if texts[key])]


def _head(found: Finding, study: str) -> str:
    if study:
        return f"{study}: {found.level}: "
    return f"{_arms(found.arms)} · " if found.arms else ""


def _arms(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return "; ".join(names[:MAX_NAMED]) + more
