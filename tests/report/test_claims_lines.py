"""The summary of many claims, and the mark of verdicts that do not survive, on a terminal, a page and in JSON."""

import math
from dataclasses import replace

import pytest

from normbench.evidence.claims.margin_test import ExpectationResult
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.report.blocks.claim_numbers import effect_with_interval, numbers_text, part_text
from normbench.report.blocks.claims import claims_blocks, claims_table, summary_line
from normbench.report.pages.claims_page import page
from normbench.report.pages.json_text import claim_mappings


def claims(**ps):
    """Return a claim per word of a verdict and p, in lists by word."""
    found = []
    for word, values in ps.items():
        verdict = word.replace("_", " ")
        for p in values:
            part = ExpectationResult("a < b", "test_loss", True, 8, 1.3, 1.1, 1.5, (1.05,), p, p, verdict)
            found.append(ClaimVerdict(f"C{len(found)}", "so", {}, verdict, "x", "normbench run x.yaml", parts=[part]))
    return found


NOT_RUN = ClaimVerdict("N", "so", {}, "not run", "x", "normbench run x.yaml")
MANY = [*claims(holds=[0.001] * 40 + [0.049], opposite=[0.002] * 10, cannot_tell=[0.5] * 39), *[NOT_RUN] * 5]
TESTED = "were tested; at 5 % up to"
LOST = "1 of 51 verdicts, marked †, does not survive"
CORRECTION = "the correction for many claims (Benjamini and Hochberg, 5 %)"


@pytest.mark.parametrize(
    ("verdicts", "counts", "together"),
    [
        ([NOT_RUN], "1 claim: 1 not run.", ""),
        (claims(holds=[0.02]), "1 claim: 1 holds.", " It was tested at 5 %: one such verdict in twenty may be false."),
        (claims(cannot_tell=[0.2, 0.3]), "2 claims: 2 cannot tell.", ""),
        (
            [*claims(holds=[0.02]), NOT_RUN],
            "2 claims: 1 holds, 1 not run.",
            f" Of 2 claims 1 {TESTED.replace('were', 'was')} 0.05 of them may have a false verdict.",
        ),
        (
            claims(holds=[0.02, 0.05], opposite=[0.01]),
            "3 claims: 2 holds, 1 opposite.",
            f" All 3 claims {TESTED} 0.15 of them may have a false verdict. All verdicts survive {CORRECTION}.",
        ),
        (
            MANY,
            "95 claims: 41 holds, 10 opposite, 39 cannot tell, 5 not run.",
            f" Of 95 claims 90 {TESTED} 4.5 of them may have a false verdict. {LOST} {CORRECTION}.",
        ),
    ],
)
def test_the_summary_counts_what_was_tested(verdicts, counts, together):
    assert summary_line(verdicts) == counts + together


def test_without_claims_the_summary_says_where_they_are_made():
    assert summary_line([]) == "No claims. A study file makes them under claims:"


def test_a_verdict_that_does_not_survive_is_marked_everywhere():
    labels = [line.label for block in claims_blocks(MANY) for line in block.lines]
    assert [label.split() for label in labels if "†" in label] == [["C40", "HOLDS", "†"]]
    assert [row for row in page(MANY, "R").splitlines() if row.startswith("#") and "†" in row] == ["### C40 so †"]
    survives = [raw["survives_many_claims"] for raw in claim_mappings(MANY)]
    assert survives == [True] * 40 + [False] + [True] * 10 + [None] * 44


def test_a_mark_depends_on_the_claims_beside_it():
    alone = MANY[40]
    assert "†" not in summary_line([alone])
    assert "†" in summary_line([alone, *[replace(MANY[60], id=str(i)) for i in range(3)]])


@pytest.mark.parametrize(
    ("is_share", "ends", "text"),
    [
        (True, (0.0, math.inf), "x 0.500"),
        (True, (0.0, 2.0), "x 0.500 [0, 2.00]"),
        (False, (0.0, math.inf), "0.500 [0, inf]"),
        (False, (-math.inf, math.inf), "0.500"),
    ],
)
def test_an_interval_is_shown_where_an_end_of_it_excludes_something(is_share, ends, text):
    part = ExpectationResult("a < b", "test_loss", is_share, 8, 0.5, *ends, (1.0,), 1.0, 1.0, "cannot tell")
    assert effect_with_interval(part) == text


def test_seeds_that_are_not_judged_have_no_p():
    (one,) = claims(not_at_a_check=[1.0])
    assert not any(", p " in text(one.parts[0]) for text in (numbers_text, part_text))
    assert claims_table([one]).columns[-1].values == ("",)
