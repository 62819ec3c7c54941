"""Verdicts on folders go by how their seeds were asked for: p, interval and words are those of the arrays."""

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from command_line import normbench
from folder_studies import METRIC, write_study

from normbench.evidence.comparison.comparison import compare_runs
from normbench.evidence.comparison.effects import with_first_baseline
from normbench.evidence.comparison.pivot import make_pivots
from normbench.evidence.statistics.planned_checks.levels import check_levels
from normbench.evidence.statistics.planned_checks.sign_e_process import e_process_interval, sign_e_process
from normbench.evidence.statistics.verdicts.typical_seed import typical_seed
from normbench.storage.seed_history import Asked

RUNS, PLAN = Path("runs"), (8, 16, 32)
PLANNED = Asked(tuple(range(32)), PLAN, ("aaaaaa",))
DRAW = np.random.default_rng(4).normal(0.8, 1, 32)


def count(n):
    return Asked(tuple(range(n)), (), ("aaaaaa",))


def write(n, *asked, values=DRAW):
    """Write a study of n seeds, whose baseline is 0 in all of them, with this history."""
    shutil.rmtree(RUNS, ignore_errors=True)
    write_study(RUNS, "grown", values[:n], np.zeros(n))
    path = RUNS / "grown" / "study.json"
    history = [one.to_json() for one in asked]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"seed_history": history}), encoding="utf-8")


def compared(*more):
    """The study as `normbench compare --json` tells it, and its text."""
    (found,) = json.loads(normbench("compare", RUNS, "--json", *more).out)
    return found, normbench("compare", RUNS, *more).out


def effect_and_claim():
    found, text = compared()
    return next(row["effect"] for row in found["rows"] if row["effect"]), found["claims"][0], text


@pytest.mark.parametrize("n", PLAN)
def test_a_check_compares_p_with_its_level_and_has_the_interval_of_it(n):
    write(n, PLANNED)
    level = dict(zip(PLAN, check_levels(PLAN), strict=True))[n]
    expected = typical_seed(DRAW[:n], 0.0, level)
    effect, claim, text = effect_and_claim()
    assert (effect["rule"]["kind"], effect["rule"]["level"], effect["p"]) == ("check", level, expected.p)
    assert (effect["low"], effect["high"]) == (expected.low, expected.high) == (claim["low"], claim["high"])
    words = ("better", "holds") if expected.p <= level else ("cannot tell", "cannot tell")
    assert (effect["verdict"], claim["verdict"]) == words
    assert f"paired, at level {f'{level:.4f}'[1:]}" in " ".join(text.split())


def test_p_between_the_level_and_5_percent_decides_nothing_at_a_check():
    values = np.array([1.0, 2, 3, 4, 5, 6, 7, -0.5])  # p 0.0156
    write(8, PLANNED, values=values)
    assert [one["verdict"] for one in effect_and_claim()[:2]] == ["cannot tell", "cannot tell"]
    write(8, count(8), values=values)
    assert [one["verdict"] for one in effect_and_claim()[:2]] == ["better", "holds"]


@pytest.mark.parametrize(
    ("n", "asked", "word", "line"),
    [
        (12, PLANNED, "not at a check", "12 seeds are not at a check: the next one comes after 16."),
        (7, count(8), "incomplete", "7 of 8 seeds are there: no verdict before all are."),
    ],
)
def test_seeds_that_are_not_judged_have_neither_verdict_nor_interval(n, asked, word, line):
    write(n, asked, values=np.arange(1.0, 33))
    effect, claim, text = effect_and_claim()
    assert (effect["verdict"], claim["verdict"]) == (word, word)
    assert [effect["p"], effect["low"], effect["high"]] == [1.0, None, None]
    assert line in text
    assert "[" not in text.partition("baseline (first)")[2].partition("Mean")[0].replace("[95 %", "")


@pytest.mark.parametrize("asked", [(count(8), count(16)), (count(8), PLANNED), (PLANNED, count(40))])
def test_seeds_added_without_a_plan_are_judged_by_the_sign_e_process(asked):
    write(16, *asked)
    low, high = e_process_interval(DRAW[:16])
    effect, claim, text = effect_and_claim()
    largest = max(process.max() for process in sign_e_process(DRAW[:16]))
    assert effect["p"] == pytest.approx(min(1, 2 / largest))
    assert [effect["low"], effect["high"]] == [end if math.isfinite(end) else None for end in (low, high)]
    assert (effect["verdict"] == "better") == (claim["verdict"] == "holds") == (largest >= 40)
    counts = ", then ".join(str(len(one.seeds)) for one in asked)
    assert f"Seeds were added without a plan ({counts}): verdicts by the sign e-process." in text


def test_the_e_process_goes_in_the_order_in_which_seeds_were_added():
    values = np.r_[-np.ones(8), np.ones(8), np.ones(16)]
    write(32, Asked(tuple(range(8, 32)), (), ("aaaaaa",)), count(32), values=values)
    assert effect_and_claim()[0]["verdict"] == "better"  # eight of eight at first
    write(32, count(16), count(32), values=values)
    assert effect_and_claim()[0]["verdict"] == "worse"


@pytest.mark.parametrize(
    ("n", "verdicts"), [(16, {"rises"}), (12, {"not at a check"}), (32, {"rises"}), (7, {"not at a check"})]
)
def test_tables_by_settings_go_by_the_same_rule(n, verdicts):
    write(n, PLANNED, values=np.arange(1.0, 33))
    comparison = with_first_baseline(compare_runs([RUNS])[0])
    (pivot,) = make_pivots(comparison, ["number"])
    assert {pivot.trend.verdict} == verdicts
    assert {cell.effect.verdict for line in pivot.lines for cell in line.cells if cell.effect} <= {
        "better" if verdicts == {"rises"} else "not at a check"
    }


def test_of_other_settings_nothing_was_seen():
    write(8, Asked(tuple(range(8)), (), ("bbbbbb",)), count(8))
    effect, _, text = effect_and_claim()
    assert effect["rule"]["kind"] == "fixed"
    assert "without a plan" not in text


def test_a_methods_paragraph_tells_the_level():
    write(16, PLANNED)
    text = " ".join(normbench("compare", RUNS, "--methods").out.split())
    level = check_levels(PLAN)[1]
    assert f"a verdict is given where p <= {level:.4f}, the level of this check of several that were planned" in text


def test_the_metric_of_these_folders_is_the_one_that_is_judged():
    write(8, count(8))
    assert effect_and_claim()[0]["metric"] == METRIC
