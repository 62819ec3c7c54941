"""What a check finds: decided, open, unlikely to be decided by the last check, or nothing to compare."""

import json
from pathlib import Path

import numpy as np
import pytest
from made_up_runs import make_arm, make_run, make_study

from normbench.evidence.claims.decision import judge_check
from normbench.storage.seed_history import Asked

RUNS, PLAN = Path("runs"), (8, 16, 32, 64)
PLANNED = Asked(tuple(range(64)), PLAN, ("aaaaaa",))
BETTER, WORSE = np.arange(1.0, 65), -np.arange(1.0, 65)
NOISE = np.tile([1.0, -1.0, 2.0, -2.0], 16)
LESS = {"id": "a", "says": "more", "metric": "test_accuracy", "expect": {"less": "base", "than": "arm", "by": 0.0}}
EQUAL = LESS | {"id": "b", "expect": {"equal": ["arm", "base"], "within": 0.5}}


def write(arms, *, n=64, metric="test_accuracy", asked=PLANNED, **content):
    """Write a study with a value for each of n seeds of each arm; another identity is not needed, no run is trained."""
    said = {"named": ["number"], "seeds": list(range(n)), "seed_history": [asked.to_json()]} | content
    study = make_study(RUNS, "grown", arms=list(arms), **said)
    for number, (arm, values) in enumerate(arms.items()):
        folder = make_arm(study, arm, number=number)
        for seed in range(n):
            make_run(folder, seed, [{"step": 20, metric: repr(float(values[seed]))}], constant_predictor={metric: 0.0})


def outcome(n, check_after=PLAN):
    return judge_check(RUNS / "grown", range(n), check_after)


@pytest.mark.parametrize(("metric", "values"), [("test_accuracy", BETTER), ("test_accuracy", WORSE)])
def test_without_claims_it_is_decided_when_one_arm_is_left(metric, values):
    write({"base": np.zeros(64), "arm": values}, metric=metric)
    assert outcome(8) == "decided"


def test_a_lower_loss_is_better():
    write({"base": np.ones(64), "arm": np.exp(-BETTER / 9), "other": np.exp(-BETTER / 3)}, metric="test_loss")
    assert outcome(8) == "decided"
    write_over({"base": np.ones(64), "arm": np.exp(NOISE), "other": np.ones(64) * 9}, metric="test_loss")
    assert outcome(8) == "open"  # base and arm are left


def write_over(arms, **options):
    for path in sorted(RUNS.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    write(arms, **options)


def test_arms_that_cannot_be_told_apart_are_open_at_first_and_then_unlikely():
    write({"base": np.zeros(64), "arm": NOISE})
    assert [outcome(n) for n in PLAN] == ["open", "open", "unlikely", "open"]


def test_from_the_third_check_of_any_plan_on_it_may_give_up():
    write({"base": np.zeros(64), "arm": NOISE}, asked=Asked(tuple(range(64)), (6, 8, 16, 64), ("aaaaaa",)))
    assert [outcome(n, (6, 8, 16, 64)) for n in (6, 8, 16)] == ["open", "open", "unlikely"]


def test_a_trend_that_goes_on_is_not_given_up():
    values = np.tile([1.0, -0.8], 32)
    write({"base": np.zeros(64), "arm": values + 0.15})
    assert outcome(32) == "open"


def test_two_of_three_arms_that_are_alike_are_no_answer():
    write({"base": np.zeros(64), "arm": NOISE, "bad": WORSE})
    assert [outcome(n) for n in (8, 16, 32)] == ["open", "open", "unlikely"]


def test_between_checks_nothing_is_decided():
    write({"base": np.zeros(64), "arm": BETTER})
    assert outcome(12) == "open"


def test_only_the_seeds_up_to_the_check_count():
    values = np.r_[np.ones(8), -np.ones(56)]
    write({"base": np.zeros(64), "arm": values})
    assert outcome(8) == "decided"


def test_seeds_without_a_plan_are_decided_by_the_e_process():
    for values, found in ((BETTER, "decided"), (np.r_[-1.0, BETTER[1:]], "open")):
        write_over({"base": np.zeros(64), "arm": values}, n=8, asked=Asked(tuple(range(6)), (), ("aaaaaa",)))
        path = RUNS / "grown" / "study.json"
        content = json.loads(path.read_text())
        content["seed_history"] += [PLANNED.to_json()]
        path.write_text(json.dumps(content), encoding="utf-8")
        assert outcome(8) == found


def test_claims_decide_once_all_of_them_have_a_verdict():
    write({"base": np.zeros(64), "arm": BETTER}, claims=[LESS, EQUAL])
    assert outcome(8) == "decided"
    write_over({"base": np.zeros(64), "arm": BETTER / 9}, claims=[LESS, EQUAL])
    assert outcome(8) == "open"  # it is more, but is it equal within 0.5?


def test_a_claim_that_fails_is_decided():
    write({"base": np.zeros(64), "arm": WORSE}, claims=[LESS])
    assert outcome(8) == "decided"


def test_claims_that_no_trend_decides_are_given_up():
    write({"base": np.zeros(64), "arm": NOISE}, claims=[LESS])
    assert [outcome(n) for n in PLAN] == ["open", "open", "unlikely", "open"]


def test_a_claim_of_which_one_part_alone_is_open_is_given_up_for_that_part():
    both = LESS | {"expect": {"all": [LESS["expect"], {"less": "base", "than": "arm", "by": 32.0}]}}
    write({"base": np.zeros(64), "arm": 32 + NOISE}, claims=[both])
    assert outcome(32) == "unlikely"


def test_a_part_that_may_hold_is_not_given_up_the_sooner_the_more_parts_hold_beside_it():
    """All must hold, so each is tested at the whole level; at a sixth of it the chance would be 5 %, not 22 %."""
    six = LESS | {"expect": {"all": [LESS["expect"]] * 5 + [{"less": "base", "than": "arm", "by": 32.0}]}}
    write({"base": np.zeros(64), "arm": 32.2 + NOISE}, claims=[six])
    assert outcome(32) == "open"


def test_a_claim_whose_runs_are_not_all_there_is_open():
    write({"base": np.zeros(64), "arm": BETTER}, n=8, claims=[LESS])
    assert outcome(16) == "open"


def test_equality_that_comes_nearer_is_not_given_up():
    wide = np.tile([1.3, -1.3, 0.1, -0.1], 16)
    write({"base": np.zeros(64), "arm": wide}, claims=[EQUAL])
    assert outcome(32) == "open"


def test_one_arm_or_none_is_nothing_to_compare():
    write({"base": NOISE})
    assert outcome(8) == "nothing"


def test_arms_that_are_equal_within_the_stated_margin_are_an_answer():
    write({"base": np.zeros(64), "arm": NOISE / 10}, margin=0.5)
    assert outcome(8) == "decided"


def test_arms_that_come_to_be_equal_within_the_margin_are_not_given_up():
    wide = np.tile([1.3, -1.3, 0.1, -0.1], 16)
    write({"base": np.zeros(64), "arm": wide}, margin=0.5)
    assert outcome(32) == "open"
    write_over({"base": np.zeros(64), "arm": wide})
    assert outcome(32) == "unlikely"
