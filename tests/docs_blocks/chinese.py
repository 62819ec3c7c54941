"""The generated parts of docs/zh/: what was found, and where each section of the documents is tested, in Chinese."""

import re
from functools import cache
from typing import get_args

import yaml

from docs_blocks import documents, verdicts
from docs_blocks.markdown import ROOT, table
from normbench.evidence.claims.later_looks import ILL_POSED, SecondVerdict
from normbench.evidence.claims.outcomes import outcome_counts
from normbench.evidence.claims.verdicts_file import read_verdicts

TRANSLATIONS = ROOT / "docs" / "zh" / "translations.yaml"
CLAIM_HEAD = ("", "检验的命题", "结论", "测得", "预期", "研究")
UP = "../../"


@cache
def translations() -> dict[str, dict[str, str]]:
    """All of the file: Chinese by English, for each kind of text."""
    return yaml.safe_load(TRANSLATIONS.read_text(encoding="utf-8"))


def chinese(kind: str, english: str) -> str:
    """The Chinese of a text; it must be in the file."""
    assert english in translations()[kind], f"{TRANSLATIONS.name}: {kind}: has no Chinese for {english!r}"
    return translations()[kind][english]


def counts() -> str:
    """How many claims came out how."""
    told = outcome_counts(read_verdicts(verdicts.VERDICTS))
    return " · ".join(f"{chinese('verdicts', word)} {number}" for word, number in told.items() if number)


def words() -> str:
    """Every word of a verdict that `normbench claims` prints, with its Chinese."""
    rows = [(f"`{word}`", chinese("verdicts", word)) for word in verdicts.WORDS]
    return table("输出中的词", "中文", rows=rows)


def found_by_topic() -> str:
    """All claims with their verdicts, a section for each topic: what the documents say, and what was found."""
    topics: dict[str, list[dict]] = {}
    for found in verdicts.kept():
        topics.setdefault(topic_of(found), []).append(found)
    return "\n\n".join(topic(name, found) for name, found in topics.items())


def topic_of(found: dict) -> str:
    """B1 of B1a."""
    (name,) = re.findall(r"^[A-Z]+\d+", found["id"])
    return name


def topic(name: str, found: list[dict]) -> str:
    quotes = dict.fromkeys(quote(one["source"]) for one in found if one["source"])
    said = "\n>\n".join(f"> {one}" for one in quotes)
    rows = table(*CLAIM_HEAD, rows=[row(one, UP) for one in found])
    return f"### {name} {chinese('topics', name)}\n\n{said}\n\n{rows}"


def quote(source: dict) -> str:
    """What a document says, in its own words, and which one it is."""
    return f"{source.get('quote', '').strip()} —— {chinese('sources', source['title'])}".strip(" —")


def row(found: dict, up: str) -> tuple[str, ...]:
    study = f"[{found['study']}]({up}configs/{found['study']}.yaml)"
    effect, expected = verdicts.figures(found) if found["parts"] else ("", "")
    return (
        found["id"],
        says(found),
        chinese("verdicts", found["verdict"]) + second(found),
        in_chinese(effect),
        in_chinese(expected),
        study,
    )


def in_chinese(numbers: str) -> str:
    return numbers.replace(" to ", " 至 ").replace("points", "个百分点")


def second(found: dict) -> str:
    """What a second run on other seeds found, behind the verdict; "" without one."""
    word = found.get("second", {}).get("verdict")
    return chinese("second", word) if word else ""


def says(found: dict) -> str:
    """The claim; those that no document makes are controls."""
    return chinese("claims", found["says"]) + " *对照*" * (not found["source"])


def surprises(*ids: str, up: str = UP) -> str:
    """What the documents say and the runs refute: all of it, or some; `up` leads to the repository."""
    found = verdicts.chosen(ids) if ids else verdicts.refuted()
    return table(*CLAIM_HEAD, rows=[row(one, up) for one in found])


def sections() -> str:
    """Every section of the documents with what tests it."""
    rows = [documents.row(section, UP) for section in documents.SECTIONS]
    told = [(chinese("sections", where), config_of(config), *rest) for where, config, *rest in rows]
    return table("文档与章节", "配置", "命令", "测试", rows=told)


def config_of(config: str) -> str:
    return config if config.startswith("[") else chinese("configs", config)


def used() -> dict[str, set[str]]:
    """Every English text that the file must have and may have, by kind."""
    kept, sections = verdicts.kept(), documents.SECTIONS
    return {
        "verdicts": {*verdicts.WORDS, ILL_POSED},
        "second": set(get_args(SecondVerdict)),
        "topics": {topic_of(found) for found in kept},
        "sources": {found["source"]["title"] for found in kept if found["source"]},
        "sections": {section.where for section in sections},
        "configs": {section.config for section in sections if section.commands},
        "claims": {found["says"] for found in kept},
    }
