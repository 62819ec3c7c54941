"""Second runs of decided claims: held, open, fell; made on new seeds, refused beside other options, found by claims."""

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import normbench
from made_up_runs import ARMS, TINY

from normbench.evidence.claims.expectations import Expectation
from normbench.evidence.claims.margin_test import ExpectationResult, judge_expectations
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.evidence.claims.words import HOLDS, OPPOSITE, SMALLER
from normbench.evidence.second_look.repeatability import chance_of_same_verdict
from normbench.evidence.second_look.second_run import outcome

CLAIM = "{id: X, says: more, metric: test_loss, expect: {less: plain, than: decayed, by: %s}}"
STUDY = TINY.replace("num_steps: 4", "num_steps: 20") + ARMS.replace("0.1", "3.0")
UNTESTED = ExpectationResult("a < b by 1", "test_accuracy", False, 0, *[float("nan")] * 3, (), 1.0, 1.0, "")


def write(by, name="tiny.yaml"):
    text = f"{STUDY}baseline: plain\ncollapse: false\nseeds: 6\nclaims:\n  - {CLAIM % by}\n"
    Path(name).write_text(text, encoding="utf-8")


def claim():
    (found,) = json.loads(normbench("claims", "tiny.yaml", "--json").out)
    return found


@pytest.mark.parametrize(
    ("first", "second", "word"),
    [
        (HOLDS, HOLDS, "held"),
        (HOLDS, SMALLER, "fell"),
        (HOLDS, "cannot tell", "open"),
        (SMALLER, OPPOSITE, "held"),
        (OPPOSITE, SMALLER, "open"),
        (OPPOSITE, HOLDS, "fell"),
    ],
)
def test_a_second_verdict_is_read_by_what_it_implies_of_the_first(first, second, word):
    assert outcome(first, second) == word


def test_it_needs_a_first_run_and_runs_on_new_seeds():
    write(0.0)
    missing = normbench("run", "tiny.yaml", "--second-run")
    assert missing.code == 2
    assert "must follow a first run of all seeds, got: X not run" in missing.err
    assert normbench("run", "tiny.yaml").code == 0
    first = claim()
    assert first["verdict"] == "holds"
    assert "second" not in first
    assert normbench("run", "tiny.yaml", "--second-run").code == 0
    folder = next(Path("runs/tiny-second-run").glob("plain-*"))
    assert sorted(path.name for path in folder.glob("seed-*")) == [f"seed-{seed}" for seed in range(500, 506)]
    found = claim()
    second = found["second"]
    assert (second["verdict"], second["n"]) == ("held", 6)
    assert 0 < second["expected_held"] <= 1
    assert found["effect"] == first["effect"] != second["effect"]
    assert found["cpu_seconds"] > first["cpu_seconds"]
    assert "second run: held on 6 new seeds: x" in normbench("claims", "tiny.yaml").out


def test_a_study_without_a_decided_claim_is_skipped_and_other_options_are_refused():
    write(0.0)
    normbench("run", "tiny.yaml")
    write(claim()["effect"] - 1)
    normbench("run", "tiny.yaml")
    assert claim()["reason"]["kind"] == "at the margin"
    skipped = normbench("run", "tiny.yaml", "--second-run")
    assert (skipped.code, skipped.out) == (0, "")
    assert "no claim is decided" in skipped.err
    refused = normbench("run", "tiny.yaml", "--second-run", "--quick")
    assert (refused.code, "got --quick. Leave one of them out." in refused.err) == (2, True)


def judged(numbers, margin):
    expected = Expectation("less", (), margin)
    (part,) = judge_expectations([(expected, dict(enumerate(numbers)))], [UNTESTED])
    seeds = range(len(numbers))
    return ClaimVerdict("X", "says", {}, part.verdict, "study", "run", parts=(part,), seeds=seeds), [expected]


def test_the_chance_to_hold_is_one_of_seeds_far_beyond_the_margin_and_about_half_of_a_close_verdict():
    assert chance_of_same_verdict(*judged(np.linspace(5, 6, 8), 1.0)) == 1.0
    assert chance_of_same_verdict(*judged(np.linspace(-6, -5, 8), 1.0)) == 1.0
    close = np.r_[np.linspace(0.2, 2.0, 12), np.linspace(-1.1, -0.2, 4)]
    assert judged(close, 0.0)[0].verdict == HOLDS
    assert 0.4 < chance_of_same_verdict(*judged(close, 0.0)) < 0.8
