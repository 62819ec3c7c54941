"""Verdicts of claims for people, and as JSON for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console

from normbench.evidence.claims.margin_test import Part
from normbench.evidence.claims.study_verdicts import counts
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.report.blocks.numbers import short
from normbench.report.blocks.tables import make_console
from normbench.storage.files.json_files import json_ready

FALSE_VERDICTS = 0.05


def print_claims(verdicts: Sequence[ClaimVerdict], console: Console | None = None) -> None:
    """Print each claim with its verdict, and under it the figures it rests on."""
    console = console or make_console()
    for verdict in verdicts:
        console.print("\n".join(_lines(verdict)), soft_wrap=True)
    console.print(summary_line(verdicts), soft_wrap=True)


def summary_line(verdicts: Sequence[ClaimVerdict]) -> str:
    """Return how many verdicts of each kind there are, and how many of them chance alone may have made wrong."""
    if not verdicts:
        return "No claims. A study file makes them under claims:"
    found = counts(verdicts)
    told = ", ".join(f"{number} {verdict}" for verdict, number in found.items())
    decided = found.get("supported", 0) + found.get("refuted", 0)
    expected = (
        f" At 5 % each, at most {FALSE_VERDICTS * decided:.1f} of the {decided} verdicts are expected to be false."
    )
    return f"{len(verdicts)} claims: {told}." + (expected if decided else "")


def _lines(verdict: ClaimVerdict) -> list[str]:
    quote = verdict.source.get("quote", "")
    lines = [f"{verdict.id:5} {verdict.verdict.upper():13} {verdict.says}"]
    if quote:
        lines.append(f"      “{quote}” {verdict.source.get('title', '')}".rstrip())
    lines += [f"      {part_text(part)}" for part in verdict.parts]
    if verdict.why:
        lines.append(f"      {verdict.why}")
    settings = f"settings {verdict.hash} of {verdict.date} · " if verdict.hash else ""
    return [*lines, f"      {settings}again: {verdict.command}"]


def part_text(part: Part) -> str:
    """Write one tested expectation: what was found against what was expected, n, p, and what it came to.

    Example:
        >>> found = Part("a < b by 0.05", "test_loss", True, 8, 1.3, 1.1, 1.5, (1.05,), 0.01, 0.01, "supported")
        >>> part_text(found)
        'a < b by 0.05 · test_loss: x 1.30 [1.10, 1.50], expected > 1.05 · n 8, p 0.01 · supported'
    """
    needed = f", {part.seeds_needed:,} seeds might tell" if part.seeds_needed else ""
    found = f"{part.expectation} · {part.metric}: {effect_with_interval(part)}, expected {expected(part)}"
    return f"{found} · n {part.n}, p {part.p_corrected:.2g} · {part.verdict}{needed}"


def effect_with_interval(part: Part) -> str:
    """Write an effect with its 95 % interval: a ratio as "x 1.30", a difference as a number."""
    sign = "x " if part.is_share else ""
    return f"{sign}{short(part.effect)} [{short(part.low)}, {short(part.high)}]"


def expected(part: Part) -> str:
    """Write where the effect was expected."""
    if len(part.margins) == 1:
        return f"> {short(part.margins[0])}"
    return f"{short(part.margins[0])} to {short(part.margins[1])}" if part.margins else "-"


def as_json(verdicts: Sequence[ClaimVerdict]) -> str:
    """Return the verdicts as JSON, each with n, effect, interval, p and margin of its parts."""
    return json.dumps([as_mapping(verdict) for verdict in verdicts], indent=2, ensure_ascii=False)


def as_mapping(verdict: ClaimVerdict) -> dict[str, object]:
    """Return all fields, and of a claim of one part its figures also at the top."""
    deciding = verdict.parts[0] if len(verdict.parts) == 1 else None
    keys = ("n", "effect", "low", "high", "p", "p_corrected", "margins")
    top = {key: getattr(deciding, key) for key in keys} if deciding else {}
    content: dict[str, object] = json_ready(asdict(verdict) | top)
    return content
