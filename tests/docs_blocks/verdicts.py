"""What was found, read from the verdicts kept beside configs/RESULTS.md."""

import json

from docs_blocks.markdown import ROOT, table
from normbench.evidence.claims.margin_test import ExpectationResult
from normbench.report.blocks.claims import effect_with_interval, expected

VERDICTS = ROOT / "configs" / "RESULTS" / "verdicts.json"
IN_CHINESE = {"supported": "成立", "refuted": "不成立", "cannot tell": "无法判断", "not run": "尚未运行"}


def kept() -> list[dict]:
    return json.loads(VERDICTS.read_text(encoding="utf-8"))


def counts() -> str:
    """How many claims came out how."""
    told = {word: sum(found["verdict"] == word for found in kept()) for word in IN_CHINESE}
    return " · ".join(f"{number} {word}" for word, number in told.items() if number) + "."


def surprises() -> str:
    """What the documents say and the runs refute; not the controls, which nobody claims."""
    rows = [row(found, "../") for found in kept() if found["verdict"] == "refuted" and found["source"]]
    return table("", "what is said, and was refuted", "found, and what was expected", "study", rows=rows)


def some(*ids: str) -> str:
    """The same for a few of them, in the order given."""
    by_id = {found["id"]: found for found in kept()}
    assert all(by_id[name]["verdict"] == "refuted" for name in ids)
    return table("", "what is said, and was refuted", "found", "study", rows=[row(by_id[name], "") for name in ids])


def row(found: dict, up: str) -> tuple[str, ...]:
    return found["id"], found["says"], figures(found), f"[{found['study']}]({up}configs/{found['study']}.yaml)"


def figures(verdict: dict) -> str:
    """The part of a claim that its verdict rests on."""
    parts = [part for part in verdict["parts"] if part["verdict"] == verdict["verdict"]] or verdict["parts"]
    part = ExpectationResult(**parts[0] | {"margins": tuple(parts[0]["margins"])})
    return f"{part.metric}: {effect_with_interval(part)}, expected {expected(part)}"


def verdicts_in_chinese() -> str:
    """Every claim as the documents make it, with its verdict."""
    rows = [
        (v["id"], v["source"].get("quote", "").strip(), v["says"], IN_CHINESE.get(v["verdict"], v["verdict"]))
        for v in kept()
    ]
    return table("", "原文", "检验的命题", "结论", rows=rows)
