"""The Chinese pages say what the English ones say, and every claim has its Chinese sentence."""

import re

import pytest
from docs_blocks import chinese, shared, verdicts
from docs_blocks.markdown import ROOT

from normbench.evidence.claims.many_claims import UNTESTED
from normbench.evidence.claims.words import CANNOT_TELL, DECIDED, OLD_WORDS
from normbench.storage.files.yaml_file import read_study_file

DOCS = ROOT / "docs"
TRANSLATED = sorted(page.name for page in (DOCS / "zh").glob("*.md") if (DOCS / page.name).exists())
LINK = re.compile(r"\]\(([^)\s]+)\)|<(https?:[^>\s]+)>")


def prose(page):
    """A page without what is generated and without its links to the other language."""
    text = re.sub(r"<!-- (\[\[\[|\{\{\{)cog.*?(\[\[\[|\{\{\{)end.*?-->", "", page.read_text("utf-8"), flags=re.DOTALL)
    return re.sub(r"^\[(English|中文)\].*$", "", text, flags=re.MULTILINE)


def headings(page):
    return [len(marks) for marks in re.findall(r"^(#+) ", prose(page), re.MULTILINE)]


def code(page):
    return set(re.findall(r"`([^`\n]+)`", prose(page)))


def targets(page):
    """Where links lead: files of the repository with their anchors, and addresses; of a page in either language.

    Links within the page are left out: its headings are in its own language.
    """
    found = [path or address for path, address in LINK.findall(prose(page)) if not path.startswith("#")]
    return {one if one.startswith("http") else untranslated(page, one) for one in found}


def untranslated(page, target):
    path, mark, anchor = target.partition("#")
    file = (page.parent / path).resolve()
    return f"{DOCS / file.name if file.parent == DOCS / 'zh' else file}{mark}{anchor}"


def shown(page):
    return re.findall(r"^\$ (normbench .*)$", page.read_text("utf-8"), re.MULTILINE)


def test_pages_are_translated():
    assert {"getting-started.md", "documents.md"} <= set(TRANSLATED)


@pytest.mark.parametrize("name", TRANSLATED)
@pytest.mark.parametrize("part", [headings, code, shown], ids=lambda part: part.__name__)
def test_a_page_has_the_sections_code_and_outputs_of_its_english_one(name, part):
    assert part(DOCS / "zh" / name) == part(DOCS / name)


@pytest.mark.parametrize("name", TRANSLATED)
def test_a_page_links_to_all_that_its_english_one_links_to(name):
    assert targets(DOCS / name) <= targets(DOCS / "zh" / name)


@pytest.mark.parametrize("kind", chinese.used())
def test_every_text_has_its_chinese_and_none_is_left_over(kind):
    assert set(chinese.translations()[kind]) == chinese.used()[kind]


def test_every_claim_of_every_config_has_its_chinese():
    files = [read_study_file(path).data for path in sorted((ROOT / "configs").glob("*.yaml"))]
    said = {claim["says"] for data in files for claim in data.get("claims", ())}
    assert said == set(chinese.translations()["claims"])


def test_what_is_translated_is_in_chinese():
    """But for numbers and names of the documents nothing stays as it was."""
    texts = [text for of_kind in chinese.translations().values() for text in of_kind.values()]
    assert [text for text in texts if not re.search(r"[\u4e00-\u9fff]", text)] == []


def test_every_verdict_that_a_claim_may_get_has_its_word():
    assert set(verdicts.WORDS) == {*DECIDED, *OLD_WORDS, CANNOT_TELL, *UNTESTED}


@pytest.mark.parametrize("word", [word for word in verdicts.WORDS if word not in UNTESTED])
def test_the_page_of_verdicts_follows_when_they_are_judged_again(word, monkeypatch):
    kept = verdicts.kept()
    found = next(one for one in kept if one["parts"])
    monkeypatch.setattr(verdicts, "kept", lambda: [found | {"verdict": word}])
    row = next(line for line in chinese.found_by_topic().splitlines() if line.startswith(f"| {found['id']} "))
    assert f" | {chinese.translations()['verdicts'][word]}{chinese.second(found)} | " in row
    assert (found["id"] in verdicts.surprises()) == (word in verdicts.AGAINST)


def test_a_text_without_chinese_is_named():
    with pytest.raises(AssertionError, match=r"translations\.yaml: claims: has no Chinese for 'no claim'"):
        chinese.chinese("claims", "no claim")


def test_a_page_can_only_share_what_another_shows():
    with pytest.raises(AssertionError, match=r"must show 'normbench run nothing\.yaml' once, got 0 blocks"):
        shared.output("docs/getting-started.md", "normbench run nothing.yaml")


SURPRISE = {
    "verdict": "opposite",
    "source": {"title": "a"},
    "survives_many_claims": True,
    "second": {"verdict": "held"},
}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, ""),
        ({"verdict": "holds"}, "it is not decided against what is said"),
        ({"source": {}}, "no document says so"),
        ({"survives_many_claims": False}, "it does not survive the correction for many claims"),
        ({"second": {"verdict": "fell"}}, "its second run is fell"),
        ({"second": {}}, "its second run is missing"),
        ({"second": {}, "verdict": "refuted"}, ""),
    ],
)
def test_a_surprise_must_be_supported_by_what_is_stored(changes, why, monkeypatch):
    found = SURPRISE | {"id": "X1"} | changes
    assert verdicts.why_no_surprise(found) == why
    monkeypatch.setattr(verdicts, "kept", lambda: [found])
    if why:
        with pytest.raises(AssertionError, match="X1: must be a surprise, but"):
            verdicts.chosen(["X1"])
    with pytest.raises(AssertionError, match="X2: must be a surprise"):
        verdicts.chosen(["X2"])
