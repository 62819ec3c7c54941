"""Makes the rows of claims, probed networks and listed runs for CSV."""

from collections.abc import Mapping, Sequence
from typing import Any

from normbench.evidence.claims.many_claims import judge_together
from normbench.evidence.claims.margin_test import ExpectationResult
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.evidence.probe.probe_report import ProbeReport
from normbench.report.pages.csv_rows import ENDS
from normbench.report.pages.formats.base import CsvRow

EXPECTATION_COLUMNS = (
    "expectation",
    "metric",
    "n",
    "effect",
    "low",
    "high",
    "p",
    "p_corrected",
    "level",
    "verdict",
    "num_held",
    "seeds_needed",
)
"""Columns of an expectation, which are attributes of ``ExpectationResult``."""


def claim_rows(verdicts: Sequence[ClaimVerdict]) -> list[CsvRow]:
    """Return one row per expectation of a claim; one for a claim of which none was tested."""
    return [
        {"study": verdict.study, "claim": verdict.id, "says": verdict.says, "claim_verdict": verdict.verdict}
        | {"why": verdict.why, "survives_many_claims": survives}
        | tested
        for verdict, survives in zip(verdicts, judge_together(verdicts).survives, strict=True)
        for tested in list(map(_expectation, verdict.parts)) or [{}]
    ]


def _expectation(part: ExpectationResult) -> dict[str, Any]:
    margins = {"margins": " ".join(map(repr, part.margins))}
    return {name: getattr(part, name) for name in EXPECTATION_COLUMNS} | margins


def probe_rows(reports: Sequence[ProbeReport]) -> list[CsvRow]:
    """Return one row per network and layer: names, std of output and gradient, then the other figures."""
    return [
        {"network": report.name, "layer": line.layer, "kind": line.reading.kind, "role": line.reading.role}
        | {"shape": "x".join(map(str, line.reading.shape)), "norm": line.reading.norm, "word": line.word}
        | {f"std{end}": getattr(line.std, end.strip("_") or "value") for end in ENDS}
        | {f"grad_std{end}": getattr(line.grad_std, end.strip("_") or "value", None) for end in ENDS}
        | {name: value for name, value in line.figures.items() if name not in ("std", "grad_std")}
        for report in reports
        for line in report.lines
    ]


def entry_rows(entries: Sequence[Mapping[str, Any]]) -> list[CsvRow]:
    """Return the entries of `normbench list` as rows: a column per status, and the processes that make runs as text."""
    return [
        {key: value for key, value in entry.items() if key not in ("counts", "owners", "owner")}
        | entry.get("counts", {})
        | {"owners": ", ".join(f"{one['pid']}@{one['host']}" for one in _owners(entry))}
        for entry in entries
    ]


def _owners(entry: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return entry["owners"] if "owners" in entry else [one for one in [entry["owner"]] if one]
