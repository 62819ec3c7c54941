"""What was found, read from the verdicts kept beside configs/RESULTS.md."""

import json
from collections.abc import Sequence

from docs_blocks.markdown import ROOT, table
from normbench.evidence.claims.deciding_part import deciding_part
from normbench.evidence.claims.verdict import INCOMPLETE, NOT_RUN
from normbench.evidence.claims.verdicts_file import read_verdicts
from normbench.evidence.claims.words import CANNOT_TELL, DEPENDS, HOLDS, OLD_WORDS, OPPOSITE, SMALLER, TOO_FEW
from normbench.evidence.statistics.verdict_rule import NOT_AT_CHECK
from normbench.report.blocks.claim_numbers import effect_with_interval, expected, measured
from normbench.report.pages.claims_markdown import summary_counts

VERDICTS = ROOT / "configs" / "RESULTS" / "verdicts.json"
AGAINST = ("refuted", OPPOSITE, SMALLER)
WORDS = ("supported", HOLDS, *AGAINST, DEPENDS, CANNOT_TELL, TOO_FEW, NOT_AT_CHECK, INCOMPLETE, NOT_RUN)
"""Every word of a verdict in the order of the pages; supported and refuted are words of version 0.1.0."""


def kept() -> list[dict]:
    return json.loads(VERDICTS.read_text(encoding="utf-8"))


def counts() -> str:
    """How many claims came out how, in the words of the page of results."""
    told = summary_counts(read_verdicts(VERDICTS))
    return " · ".join(f"{number} {words}" for words, number in told if number) + "."


def surprises() -> str:
    """What the documents say and the runs refute."""
    rows = [row(found, "../") for found in refuted()]
    return table("", "what was tested, and not found", "found, and what was expected", "study", rows=rows)


def refuted() -> list[dict]:
    """The claims that the runs refute; not the controls, which nobody claims."""
    return [found for found in kept() if found["verdict"] in AGAINST and found["source"]]


def some(*ids: str) -> str:
    """The same for a few of them, in the order given; each must be supported by what is stored."""
    if not ids:
        return "No decided claim has been run a second time yet."
    rows = [row(found, "") for found in chosen(ids)]
    return table("", "what was tested, and not found", "found", "study", rows=rows)


def chosen(ids: Sequence[str]) -> list[dict]:
    """The claims of these names, none of which the stored verdicts fail to support as a surprise."""
    by_id = {found["id"]: found for found in kept()}
    for name in ids:
        assert not (why := why_no_surprise(by_id.get(name, {}))), f"{name}: must be a surprise, but {why}"
    return [by_id[name] for name in ids]


def why_no_surprise(found: dict) -> str:
    """Why a claim is none to be shown as a surprise, or "": it must be decided against, survive, and hold again."""
    if found.get("verdict") not in AGAINST:
        return "it is not decided against what is said"
    if not found["source"]:
        return "no document says so"
    if not found["survives_many_claims"]:
        return "it does not survive the correction for many claims"
    second = found.get("second", {}).get("verdict")
    if second != "held" and not (second is None and found["verdict"] in OLD_WORDS):  # 0.1.0 made no second runs
        return f"its second run is {second or 'missing'}"
    return ""


def which_version() -> str:
    """What the words mean: of version 0.1.0, or of today."""
    old = "These are verdicts of version 0.1.0, by its test of the mean; later runs are judged on the typical seed."
    now = (
        "They are judged on the typical seed, and *hold*, are *opposite* or *smaller than claimed*, "
        "depend on the task, or cannot be told."
    )
    return old if any(found["verdict"] in OLD_WORDS for found in kept()) else now


def row(found: dict, up: str) -> tuple[str, ...]:
    effect, expectation = figures(found)
    study = f"[{found['study']}]({up}configs/{found['study']}.yaml)"
    return found["id"], found["says"], f"{found['verdict']}: {effect}, expected {expectation}", study


def figures(found: dict) -> tuple[str, str]:
    """The part of a claim that its verdict rests on: its metric with the effect, and what was expected."""
    said = next(one for one in read_verdicts(VERDICTS) if (one.study, one.id) == (found["study"], found["id"]))
    part = deciding_part(said)
    assert part, f"{found['id']}: must have numbers"
    return f"{measured(part)}: {effect_with_interval(part)}", expected(part)
