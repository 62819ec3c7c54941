"""The page of all claims as HTML: every claim once, filters, no markup from files, the same bytes again."""

from dataclasses import replace

import pytest
from command_line import normbench
from html_page import Page

from normbench.evidence.claims.later_looks import OpenReason, SecondRun
from normbench.evidence.claims.margin_test import ExpectationResult
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.report.blocks.claims import claims_blocks
from normbench.report.pages.claims_markdown import page as markdown
from normbench.report.pages.html.claims_page import claims_page

EVIL = "<script>x</script> *b* `c`"
PART = ExpectationResult("a < b", "test_loss", True, 8, 1.3, 1.1, 1.5, (1.05,), 0.01, 0.01, "holds")
HOLDS = ClaimVerdict("X1", EVIL, {"title": "Doc", "quote": EVIL}, "holds", "x", "normbench run x.yaml", parts=[PART])
OPEN = replace(HOLDS, id="X2", verdict="cannot tell", parts=[replace(PART, verdict="cannot tell", low=1.0)])
NOT_RUN = replace(HOLDS, id="X3", says="never run", verdict="not run", parts=(), why="nothing has been run")
CLAIMS = [HOLDS, OPEN, NOT_RUN]


@pytest.fixture(scope="module")
def text():
    return claims_page(CLAIMS)


def test_every_claim_is_there_once_with_what_it_is_filtered_by(text):
    found = Page(text).of("article")
    assert [one["data-outcome"] for one in found] == ["holds", "cannot-tell", "not-run"]
    assert {(one["data-study"], one["data-document"]) for one in found} == {("x", "Doc")}
    names = [one.get("name") for one in [*Page(text).of("select"), *Page(text).of("input")]]
    assert names == ["outcome", "study", "document", "text"]


def test_nothing_of_a_file_becomes_markup(text):
    plain = claims_page([replace(one, says="plain", source={"title": "Doc", "quote": "plain"}) for one in CLAIMS])
    assert Page(text).structure == Page(plain).structure
    assert "<script>" not in markdown(CLAIMS, "R")
    assert r"\*b\*" in markdown(CLAIMS, "R")


def test_equal_verdicts_give_equal_pages_that_load_nothing(text):
    page = Page(text)
    assert text == claims_page(CLAIMS)
    assert {one["src"].partition(",")[0] for one in page.of("img")} == {"data:image/svg+xml;base64"}
    assert not page.of("link")


SECOND = SecondRun("fell", 16, 0.9, 0.8, 0.99, 0.02, 0.71)
TOO_DEAR = OpenReason("too dear", "the interval holds both no effect and the margin", 1.2, 0)
LATER = [replace(HOLDS, second=SECOND, sensitivity="changes: smaller than claimed"), replace(OPEN, reason=TOO_DEAR)]
LOOKS = (
    "fell on 16 new seeds: x 0.900 [0.800, 0.990], p 0.02; the chance to hold was 71 %",
    "the verdict changes to smaller than claimed",
    "too dear: the interval holds both no effect and the margin",
    "; 8 such seeds find an effect of x 1.20 in 4 of 5 studies",
)


def on_a_page(verdicts):
    return markdown(verdicts, "R")


def on_a_terminal(verdicts):
    return "\n".join(line.text for block in claims_blocks(verdicts) for line in block.lines)


@pytest.mark.parametrize("write", [claims_page, on_a_page, on_a_terminal])
def test_later_looks_are_told_in_the_same_words_everywhere_and_once(write):
    shown, before = write(LATER), write([HOLDS, OPEN])
    assert [(shown.count(words), before.count(words)) for words in LOOKS] == [(1, 0)] * len(LOOKS)


@pytest.mark.parametrize("write", [claims_page, on_a_page, on_a_terminal])
def test_a_discussion_is_told_everywhere(write):
    discussed = write([replace(HOLDS, discussion="It is small,\n  and rests on few.")])
    assert discussed.count("It is small, and rests on few.") == 1
    assert discussed.count("discussion") == write([HOLDS]).count("discussion") + 1


def test_controls_are_filtered_as_those_that_no_document_makes():
    written = claims_page([HOLDS, replace(HOLDS, id="X2", source={})])
    assert written.count("<option>none, a control</option>") == 1
    assert written.count('data-document="none, a control"') == 1


@pytest.mark.parametrize("write", [claims_page, on_a_page])
def test_what_second_runs_found_is_counted(write):
    words = "Second runs of 3 of 3 decided claims on other seeds: 1 held, 2 fell, marked ‡."
    assert words in write([*LATER, replace(HOLDS, second=replace(SECOND, verdict="held")), LATER[0]])
    assert "Second runs" not in write([HOLDS, OPEN])


@pytest.mark.parametrize("write", [claims_page, on_a_page])
def test_what_a_study_cost_is_told(write):
    assert "1.5 CPU minutes" in write([replace(HOLDS, cpu_seconds=90)])
    assert "CPU minutes" not in write([HOLDS])


@pytest.mark.parametrize("write", [claims_page, on_a_page, on_a_terminal])
def test_of_several_parts_it_is_told_which_one_was_looked_at_again(write):
    accuracy = replace(PART, expectation="c < d", metric="test_accuracy", is_share=False, is_points=True)
    second = SecondRun("held", 16, 0.042, 0.01, 0.071, 0.02, None, part=1)
    of_rows = replace(HOLDS, parts=[PART, accuracy], second=second, data="400 images", about="these_rows")
    words = "held on 16 new splits of these rows: +4.2 points [+1.0, +7.1], p 0.02; it rests on c"
    assert words in write([of_rows])


@pytest.mark.parametrize("words", [("x",), ("--arms", "a"), ("--pictures", "png")])
def test_the_page_of_claims_goes_alone(words):
    code, out, err = normbench("report", "--claims", *words)
    assert (code, out) == (1, "") or code == 2
    assert "--claims: must go without studies and pictures" in err
