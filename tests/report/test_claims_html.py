"""The page of all claims as HTML: every claim once, filters, no markup from files, the same bytes again."""

from dataclasses import replace

import pytest
from command_line import normbench
from html_page import Page

from normbench.evidence.claims.later_looks import OpenReason, SecondRun
from normbench.evidence.claims.margin_test import ExpectationResult
from normbench.evidence.claims.verdict import ClaimVerdict
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


@pytest.mark.parametrize("write", [claims_page, lambda verdicts: markdown(verdicts, "R")], ids=["html", "markdown"])
def test_later_looks_are_shown_where_they_are_there(write):
    second = SecondRun("fell", 16, 0.9, 0.8, 0.99, 0.02, 0.71)
    reason = OpenReason("too dear", "the interval is wider than the margin", 1.2)
    later = [
        replace(HOLDS, second=second, sensitivity="changes: smaller"),
        replace(OPEN, reason=reason, cpu_seconds=90),
    ]
    shown, before = write(later), write([HOLDS, OPEN])
    for words in (
        "fell on 16 other seeds: x 0.900 [0.800, 0.990], p 0.02; 71 % was the chance to hold",
        "changes: smaller",
        "too dear: the interval is wider than the margin; an effect of x 1.20 would be found four times out of five",
        "1.5 CPU minutes",
    ):
        assert words in shown
        assert words not in before


@pytest.mark.parametrize("words", [("x",), ("--arms", "a"), ("--pictures", "png")])
def test_the_page_of_claims_goes_alone(words):
    code, out, err = normbench("report", "--claims", *words)
    assert (code, out) == (1, "") or code == 2
    assert "--claims: must go without studies and pictures" in err
