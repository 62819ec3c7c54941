"""Writes findings as blocks or on one line: layers, fault, reason, way out, arms."""

import re
from collections.abc import Mapping, Sequence
from textwrap import wrap

from normbench.findings import LEVELS, Finding, Level, name_layer, name_some
from normbench.report.blocks.block import Block, Line, as_lines

FULL_TEXT_OPTION = "--dry-run"
"""Tells findings in full."""
INDENT = 2
MAX_LISTED = 20
"""Most findings shown in full; JSON holds all."""
BEFORE_TRAINING = {"why": "why", "way_out": "fix", "arms": "arms"}
IN_A_PROBE = {"why": "likely", "way_out": "way out"}
"""Labels of the lines that follow a finding's first, by what they say."""


def findings_blocks(
    findings: Sequence[Finding],
    labels: Mapping[str, str],
    *,
    study: str = "",
    num_arms: int = 1,
    levels: Sequence[Level] = LEVELS,
) -> list[Block]:
    """Return the findings of the given levels in full, a block or two each.

    Args:
        findings: Findings of a study's arms, or of one probe.
        labels: Labels of the lines after the first.
        study: The study's name; if given, each finding begins with it and with the level.
        num_arms: Number of arms of the study; a finding that all arms share lists none.
        levels: Levels to show.
    """
    shown = [found for found in findings if found.level in levels]
    blocks = [block for found in shown[:MAX_LISTED] for block in _blocks(found, labels, study, num_arms)]
    left = len(shown) - MAX_LISTED
    return [*blocks, Block(lines=as_lines([f"{left:,} more findings: --json"]))] if left > 0 else blocks


def _blocks(found: Finding, labels: Mapping[str, str], study: str, num_arms: int) -> list[Block]:
    arms = "" if len(found.arms) == num_arms else name_some(found.arms, "; ")
    texts = {"why": found.why, "way_out": found.way_out, "arms": arms}
    lines = [Line(texts[key], label) for key, label in labels.items() if texts[key]]
    first = Block(_head(found, study) + found.sentence(), is_joined=True)
    return [first, Block(lines=lines, indent=INDENT, is_joined=True)] if lines else [first]


def finding_line(found: Finding) -> str:
    """Return "arm · hidden2.norm and 1 more layer: cause, figure (3 of 8 seeds). Way out." on one line."""
    return f"{_head(found, '')}{found.sentence()} {found.way_out}"


def _head(found: Finding, study: str) -> str:
    if study:
        return f"{study}: {found.level}: "
    arms = name_some(found.arms, "; ")
    return f"{arms} · " if arms else ""


def short_findings(study: str, findings: Sequence[Finding], level: Level, width: int) -> str:
    """Return the first finding of a level in one line or two, others counted; "" where there is none.

    Where it is too long for one, its other layers are counted first, then its figures left out.

    Example:
        >>> found = Finding("warning", ("fc1",), "averages over 4 values per channel")
        >>> print(short_findings("six", [found, found], "warning", 60))
        six: warning: fc1: averages over 4 values per channel; 1
          more: --dry-run
    """
    shown = [found for found in findings if found.level == level]
    if not shown:
        return ""
    head, first = _head(shown[0], study), shown[0]
    more = f" {len(shown) - 1} more: {FULL_TEXT_OPTION}" if len(shown) > 1 else ""
    if len(line := head + first.sentence() + more) <= width:
        return line
    return _cut(f"{head}{_first_layer(first)}{first.what}", more, width)


def _first_layer(found: Finding) -> str:
    more = f" and {len(found.layers) - 1} more" if len(found.layers) > 1 else ""
    return f"{name_layer(found.layers[0])}{more}: " if found.layers else ""


def _cut(text: str, more: str, width: int) -> str:
    """Cut a finding at its first comma if it then takes two lines or fewer, else to one line, at a word."""
    clause = re.split(r", | \(", text, maxsplit=1)[0] + (f";{more}" if more else f"; in full: {FULL_TEXT_OPTION}")
    lines = wrap(clause, width, subsequent_indent=" " * INDENT, break_on_hyphens=False)
    if len(lines) <= 2:
        return "\n".join(lines)
    end = f" ...{more or f' {FULL_TEXT_OPTION}'}"
    return text[: width - len(end) + 1].rpartition(" ")[0].rstrip(" ,:") + end
