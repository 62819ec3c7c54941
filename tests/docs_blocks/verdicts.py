"""What was found, read from the verdicts kept beside configs/RESULTS.md."""

import json

from docs_blocks.markdown import ROOT, table
from normbench.evidence.claims.margin_test import CANNOT_TELL, HOLDS, OPPOSITE, SMALLER, TOO_FEW, ExpectationResult
from normbench.evidence.claims.verdict import INCOMPLETE, NOT_RUN
from normbench.evidence.statistics.verdict_rule import NOT_AT_CHECK
from normbench.report.blocks.claims import effect_with_interval, expected

VERDICTS = ROOT / "configs" / "RESULTS" / "verdicts.json"
AGAINST = ("refuted", OPPOSITE, SMALLER)
WORDS = ("supported", HOLDS, *AGAINST, CANNOT_TELL, TOO_FEW, NOT_AT_CHECK, INCOMPLETE, NOT_RUN)
"""Every word of a verdict in the order of the pages; supported and refuted are words of version 0.1.0."""


def kept() -> list[dict]:
    return json.loads(VERDICTS.read_text(encoding="utf-8"))


def counts() -> str:
    """How many claims came out how."""
    told = {word: sum(found["verdict"] == word for found in kept()) for word in WORDS}
    return " · ".join(f"{number} {word}" for word, number in told.items() if number) + "."


def surprises() -> str:
    """What the documents say and the runs refute."""
    rows = [row(found, "../") for found in refuted()]
    return table("", "what is said, and was refuted", "found, and what was expected", "study", rows=rows)


def refuted() -> list[dict]:
    """The claims that the runs refute; not the controls, which nobody claims."""
    return [found for found in kept() if found["verdict"] in AGAINST and found["source"]]


def some(*ids: str) -> str:
    """The same for a few of them, in the order given."""
    by_id = {found["id"]: found for found in refuted()}
    return table("", "what is said, and was refuted", "found", "study", rows=[row(by_id[name], "") for name in ids])


def row(found: dict, up: str) -> tuple[str, ...]:
    effect, expectation = figures(found)
    study = f"[{found['study']}]({up}configs/{found['study']}.yaml)"
    return found["id"], found["says"], f"{effect}, expected {expectation}", study


def figures(verdict: dict) -> tuple[str, str]:
    """The part of a claim that its verdict rests on: its metric with the effect, and what was expected."""
    parts = [part for part in verdict["parts"] if part["verdict"] == verdict["verdict"]] or verdict["parts"]
    part = ExpectationResult(**parts[0] | {"margins": tuple(parts[0]["margins"])})
    return f"{part.metric}: {effect_with_interval(part)}", expected(part)
