"""Claims: what is expected, what was found, and what may be said of it."""

import math

import numpy as np
import pytest
from runs_in_memory import arm_with, arms_called

from normbench.errors import ComparisonError
from normbench.evidence.claims.claim import read_claims
from normbench.evidence.claims.verdict import judge_claim
from normbench.report.blocks.claim_numbers import part_text
from normbench.storage.arm_id import ArmSet

NUM_STUDIES = 600


def verdict(expect, *arms, metric="test_loss", seeds=None, says="so"):
    claims, errors = read_claims(
        [{"says": says, "metric": metric, "expect": expect}], ArmSet([arm.labelled for arm in arms])
    )
    assert not errors
    return judge_claim(claims[0], arms, seeds if seeds is not None else arms[0].seeds, "study", "normbench run x.yaml")


def complaint(expect, names=("a", "b"), metric="test_loss"):
    _, errors = read_claims([{"says": "so", "metric": metric, "expect": expect}], arms_called(*names))
    return str(errors[0])


NOISE = np.linspace(-0.04, 0.04, 8)


@pytest.mark.parametrize(
    ("ratio", "margin", "expected"),
    [(1.3, 0.05, "holds"), (1.3, 0.4, "smaller than claimed"), (0.8, 0.05, "opposite"), (1.0, 0.0, "cannot tell")],
)
def test_less_is_judged_against_its_margin(ratio, margin, expected):
    low, high = arm_with("a", 0.5 * np.exp(NOISE)), arm_with("b", 0.5 * ratio * np.exp(-NOISE))
    found = verdict({"less": "a", "than": "b", "by": margin}, low, high)
    assert found.verdict == expected
    assert found.parts[0].effect == pytest.approx(ratio)
    assert found.parts[0].margins == pytest.approx((1 + margin,))


def test_no_worse_is_a_margin_below_zero():
    same, other = arm_with("a", 0.5 * np.exp(NOISE / 4)), arm_with("b", 0.5 * np.exp(-NOISE / 4))
    assert verdict({"less": "a", "than": "b", "by": -0.05}, same, other).verdict == "holds"


def test_accuracies_are_compared_by_their_difference():
    low, high = arm_with("a", 0.7 + NOISE / 8, "test_accuracy"), arm_with("b", 0.8 - NOISE / 8, "test_accuracy")
    found = verdict({"less": "a", "than": "b", "by": 0.02}, low, high, metric="test_accuracy")
    assert (found.verdict, found.parts[0].effect, found.parts[0].is_share) == ("holds", pytest.approx(0.1), False)
    assert part_text(found.parts[0]).startswith("a < b by 0.02 · test_accuracy: +10.0 points [+9.")
    assert "expected > +2.0 points · 8 of 8 seeds" in part_text(found.parts[0])


def test_a_contrast_is_a_difference_of_differences():
    arms = [arm_with(name, mean + sign * NOISE / 9, "test_accuracy") for name, mean, sign in CONTRAST]
    found = verdict(
        {"contrast": {"gn2": 1, "gn32": -1, "bn2": -1, "bn32": 1}, "above": 0.05}, *arms, metric="test_accuracy"
    )
    assert (found.verdict, found.parts[0].effect) == ("holds", pytest.approx(0.2))


CONTRAST = [("bn2", 0.6, 1), ("bn32", 0.8, -1), ("gn2", 0.8, 1), ("gn32", 0.8, 1)]


def test_a_trend_is_kendalls_tau_of_each_seed():
    arms = [arm_with(f"bs={size}", size / 100 + NOISE / 100, batch_size=size) for size in (2, 4, 8, 32)]
    everything = {"trend": "batch_size", "of": "norm=sn", "rising": True, "by": 0.2}
    named = [
        arm_with(
            f"norm=sn,{arm.name}",
            [float(r.table("metrics.csv").rows()[0]["test_loss"]) for r in arm.runs],
            batch_size=arm.settings["batch_size"],
        )
        for arm in arms
    ]
    found = verdict(everything, *named)
    assert (found.verdict, found.parts[0].effect) == ("holds", 1.0)
    assert verdict(everything | {"rising": False}, *named).verdict == "opposite"


@pytest.mark.parametrize(
    ("ends", "expected"), [([0.5, 0.7], "holds"), ([0.7, 0.9], "opposite"), ([0.6, 0.9], "cannot tell")]
)
def test_a_range_is_two_one_sided_tests(ends, expected):
    assert verdict({"range": ends, "of": "a"}, arm_with("a", 0.6 + NOISE)).verdict == expected


def test_one_run_outside_is_enough_against_what_is_said_of_every_run():
    values = [0.6, 0.61, 0.62, 0.6, 0.6, 0.6, 0.6, 0.71]
    assert verdict({"range": [0.5, 0.7], "of": "a", "every": True}, arm_with("a", values)).verdict == "opposite"
    assert verdict({"range": [0.5, 0.7], "of": "a", "every": True}, arm_with("a", values[:-1])).verdict == "holds"


@pytest.mark.parametrize(("factor", "expected"), [(1.0, "holds"), (1.3, "opposite"), (1.05, "cannot tell")])
def test_equal_means_within_a_margin_on_either_side(factor, expected):
    first, second = arm_with("a", 0.5 * np.exp(NOISE / 2)), arm_with("b", 0.5 * factor * np.exp(-NOISE / 2))
    assert verdict({"equal": ["a", "b"], "within": 0.05}, first, second).verdict == expected
    assert verdict({"equal": ["b", "a"], "within": 0.05}, first, second).verdict == expected


def test_all_holds_only_if_every_part_does_and_is_opposite_if_one_is():
    low, high = arm_with("a", 0.5 * np.exp(NOISE)), arm_with("b", 0.8 * np.exp(-NOISE))
    right, wrong = {"less": "a", "than": "b", "by": 0}, {"less": "b", "than": "a", "by": 0}
    assert verdict({"all": [right, right]}, low, high).verdict == "holds"
    found = verdict({"all": [right, wrong]}, low, high)
    assert (found.verdict, [part.verdict for part in found.parts]) == ("opposite", ["holds", "opposite"])
    assert [part.p_corrected / part.p for part in found.parts] == [1, 2]  # what holds need not be corrected


def test_too_few_seeds_give_no_verdict_but_say_how_many_would():
    found = verdict({"less": "a", "than": "b", "by": 0}, arm_with("a", [0.1] * 4), arm_with("b", [0.9] * 4))
    assert (found.verdict, found.parts[0].seeds_needed) == ("too few seeds", 6)


def test_a_missing_seed_gives_no_verdict_and_is_named():
    full, short = arm_with("a", [0.1] * 8), arm_with("b", [0.9] * 7)
    found = verdict({"less": "a", "than": "b", "by": 0}, full, short)
    assert found.verdict == "incomplete"
    assert found.why == "1 of 8 seeds of b have not finished, the first is 7"


def test_a_diverged_run_never_flatters_its_arm():
    steady = arm_with("b", 0.9 + NOISE)
    lucky = arm_with("a", [0.5, 0.5, 0.5, 0.5, 0.1, 0.1, 0.1, 0.1], statuses=["finished"] * 4 + ["diverged"] * 4)
    survivors_only = verdict({"less": "a", "than": "b", "by": 0}, arm_with("a", [0.5] * 8), steady)
    found = verdict({"less": "a", "than": "b", "by": 0}, lucky, steady)
    assert (found.parts[0].n, found.verdict) == (8, "cannot tell")
    assert found.parts[0].effect < survivors_only.parts[0].effect


def test_several_arms_in_a_list_stand_for_their_mean_in_each_seed():
    arms = [arm_with(name, mean + sign * NOISE / 9, "test_accuracy") for name, mean, sign in CONTRAST]
    found = verdict({"less": ["gn2", "bn2"], "than": ["bn32", "gn32"], "by": 0.05}, *arms, metric="test_accuracy")
    assert (found.verdict, found.parts[0].effect) == ("holds", pytest.approx(0.1))
    assert found.parts[0].expectation == "the mean of gn2 and bn2 < the mean of bn32 and gn32 by 0.05"


def test_of_losses_it_is_the_mean_of_their_logarithms():
    arms = [arm_with(name, loss * np.exp(NOISE)) for name, loss in (("a", 0.4), ("b", 0.1), ("c", 0.3))]
    found = verdict({"less": ["a", "b"], "than": "c", "by": 0.05}, *arms)
    assert found.parts[0].effect == pytest.approx(0.3 / 0.2)
    inside = verdict({"range": [0.2, 0.3], "of": ["a", "b"]}, *arms)
    assert inside.parts[0].effect == pytest.approx(0.25, abs=0.01)  # a range takes losses as they are


def test_of_trends_it_is_the_mean_of_the_taus():
    arms = [arm_with(f"g,{x}", x + NOISE / 100, k=x) for x in (1, 2, 3, 4)]
    falling = [arm_with(f"h,{x}", 9 - x + NOISE / 100, k=x) for x in (1, 2)]
    found = verdict({"trend": "k", "of": ["g", "g", "h"], "rising": True, "by": 0.2}, *arms, *falling)
    assert (found.verdict, found.parts[0].effect) == ("holds", pytest.approx((1 + 1 - 1) / 3))
    assert found.parts[0].expectation == "the mean of g and g and h rises with k, tau > 0.2"
    other = verdict({"trend": "k", "of": ["g", "g", "h"], "rising": False}, *arms, *falling)
    assert (other.verdict, other.parts[0].effect) == ("opposite", pytest.approx(-1 / 3))


def test_an_arm_that_diverged_is_not_hidden_in_a_mean():
    bad = arm_with("a", [math.inf] * 8, statuses=["diverged"] * 8)
    found = verdict({"less": ["a", "b"], "than": "c", "by": 0}, bad, *(arm_with(n, 0.5 + NOISE) for n in "bc"))
    assert set(found.parts[0].by_seed.values()) == {-math.inf}


def test_a_selector_means_tuned_arms_only_if_it_says_so():
    given, tuned = arm_with("norm=a,lr=1", [0.9] * 8), arm_with("norm=a,lr=1,tuned", [0.5] * 8)
    other = arm_with("norm=b,lr=1", [0.7] * 8)
    found = verdict({"less": "norm=a", "than": "norm=b", "by": 0}, given, tuned, other)
    assert found.parts[0].effect == pytest.approx(7 / 9)


def test_terms_compare_two_columns_of_one_arm():
    arm = arm_with("a", [0.5] * 8)
    expect = {"less": {"arm": "a", "metric": "test_loss"}, "than": {"arm": "a", "metric": "best test_loss"}, "by": 0}
    assert verdict(expect, arm).parts[0].effect == 1.0


@pytest.mark.parametrize(
    ("expect", "expected"),
    [
        ({"smaller": "a"}, "Kinds: less, contrast, trend, range, equal, all."),
        ({"less": "a", "than": "b"}, "must hold by"),
        ({"less": "a", "than": "c", "by": 0}, "must be an arm, got 'c'. Arms: a, b."),
        ({"less": "a", "than": "b", "by": True}, "must be a number, got True"),
        ({"less": "a", "than": "b", "by": 0, "of": 3}, "must hold nothing but by, less, metric, than"),
        ({"range": [2, 1], "of": "a"}, "must be two numbers, the smaller first, got [2, 1]"),
        ({"range": [1, 2], "of": "a", "every": "yes"}, "expect.every: must be true or false, got 'yes'"),
        ({"equal": ["a", "b"], "within": 0}, "must be > 0, got 0.0. Example: expect: {equal: [batch_norm, none]"),
        ({"all": [{"range": [0], "of": "a"}]}, "expect.all.0.range: must be two numbers, the smaller first, got [0]. "),
        ({"all": [{"range": [0], "of": "a"}]}, "got [0]. Example: expect: {range: [0.5, 2], of: batch_norm}"),
        ({"all": []}, "must be a list of expectations"),
        ({"less": [], "than": "a", "by": 0}, "expect.less: must name an arm, or several in a list, got []"),
        ({"less": ["a", 3], "than": "a", "by": 0}, "expect.less.1: must name an arm, got 3"),
    ],
)
def test_what_a_claim_must_not_say(expect, expected):
    assert expected in complaint(expect)


def test_a_source_holds_nothing_unknown():
    _, errors = read_claims([{"says": "so", "expect": {}, "source": {"doi": "x"}}], arms_called("a"))
    assert str(errors[0]) == (
        "claims.0.source: must hold title, url, quote and nothing else, got {'doi': 'x'}. "
        "Example: source: {title: ..., url: ..., quote: ...}"
    )


def test_a_selector_of_several_arms_is_refused_where_one_is_meant():
    assert "must mean one arm, could mean x=1,y=1 or x=1,y=2, got 'x=1'" in complaint(
        {"range": [0, 1], "of": "x=1"}, ("x=1,y=1", "x=1,y=2")
    )


def made_up_claims(shift, seed):
    """Return verdicts of made-up studies in which b's log loss is above a's by ``shift`` stds of the differences."""
    rng = np.random.default_rng(seed)
    expect = {"less": "a", "than": "b", "by": 0}
    for _ in range(NUM_STUDIES):
        common = rng.normal(0, 1, 8)
        a, b = common, common + rng.normal(shift, 1, 8)
        yield verdict(expect, arm_with("a", np.exp(a)), arm_with("b", np.exp(b)))


def test_null_claims_are_decided_at_most_once_in_twenty():
    decided = sum(found.verdict in ("holds", "opposite") for found in made_up_claims(0.0, seed=3))
    assert decided <= NUM_STUDIES * 0.05 + 2.33 * (NUM_STUDIES * 0.05 * 0.95) ** 0.5


def test_an_effect_of_one_std_is_found_in_54_of_100_studies():
    found = list(made_up_claims(1.0, seed=4))
    assert 0.50 <= sum(v.verdict == "holds" for v in found) / NUM_STUDIES <= 0.58
    covered = sum(v.parts[0].low <= np.exp(1.0) <= v.parts[0].high for v in found)
    assert 0.94 <= covered / NUM_STUDIES <= 0.99


EXPECT = {"less": "a", "than": "b", "by": 0}


def test_an_arm_without_any_run_leaves_no_smaller_group_behind():
    (claim,), _ = read_claims(
        [{"says": "so", "metric": "test_loss", "expect": {"trend": "x", "of": "g", "rising": True}}],
        arms_called("g,x=1", "g,x=2", "g,x=4"),
    )
    named = [arm_with(f"g,x={x}", [x / 10] * 8, x=x) for x in (1, 2)]
    found = judge_claim(claim, named, range(8), "study", "", arms_called("g,x=1", "g,x=2", "g,x=4"))
    assert (found.verdict, found.why) == ("incomplete", "no run of g,x=4 has finished")


def test_a_misspelled_setting_or_metric_is_a_mistake_and_no_verdict():
    arms = [arm_with(f"g,x={x}", [x / 10] * 8, x=x) for x in (1, 2)]
    with pytest.raises(ComparisonError, match="nosuch: must be a setting whose number differs"):
        verdict({"trend": "nosuch", "of": "g", "rising": True}, *arms)
    with pytest.raises(ComparisonError, match="tset_loss: must be a column that was recorded"):
        verdict(EXPECT, arm_with("a", [0.1] * 8), arm_with("b", [0.9] * 8), metric="tset_loss")


def test_words_that_mean_nothing_are_refused_before_any_run():
    said = complaint(EXPECT, metric="bets test_loss")
    rule = "claims.0.expect: metric must be COLUMN, or a known word before it, got 'bets test_loss'."
    assert said.startswith(f"{rule} Did you mean 'best'?")


def test_losses_are_not_compared_with_accuracies():
    expect = {"less": {"arm": "a", "metric": "test_accuracy"}, "than": "b", "by": 0}
    assert "must compare losses with losses" in complaint(expect)


def test_runs_of_other_seeds_are_not_looked_at():
    found = verdict(EXPECT, arm_with("a", [0.1] * 9), arm_with("b", [0.9] * 8), seeds=range(8))
    assert found.parts[0].n == 8


def test_a_study_that_names_no_seeds_gives_no_verdict():
    found = verdict(EXPECT, arm_with("a", [0.1] * 8), arm_with("b", [0.9] * 8), seeds=())
    assert (found.verdict, found.why) == ("incomplete", "its study names no seeds")


def test_what_is_not_a_number_gives_no_verdict():
    found = verdict(EXPECT, arm_with("a", [float("nan")] + [0.1] * 7), arm_with("b", [0.9] * 8))
    assert (found.verdict, found.why) == ("cannot tell", "test_loss has no finite value in some run")


EXACT_SUMS = {
    "test_accuracy": ("0.3 0.1 0.5 0.3", "0.7 0.6 0.3 0.2"),
    "test_loss": ("0.3 0.1 0.6 0.2", "1.1 0.7 2.2 1.4"),
}


@pytest.mark.parametrize(
    ("metric", "values"), [(metric, values) for metric, kept in EXACT_SUMS.items() for values in kept]
)
def test_a_contrast_of_0_is_a_tie_however_its_floats_are_rounded(metric, values):
    arms = [arm_with(name, [float(value)] * 8, metric) for name, value in zip("abcd", values.split(), strict=True)]
    found = verdict({"contrast": {"a": 1, "b": -1, "c": -1, "d": 1}, "above": 0}, *arms, metric=metric)
    assert (found.verdict, found.parts[0].num_held, found.parts[0].p) == ("cannot tell", 0, 1.0)


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("end", [0.7, 0.8])
def test_seeds_said_to_hold_are_those_that_the_test_counts(every, end):
    found = verdict(
        {"range": [0.7, 0.8], "of": "a", "every": every}, arm_with("a", [end] * 2 + [0.75] * 6), metric="test_loss"
    )
    assert (found.verdict, found.parts[0].num_held) == (("holds", 8) if every else ("cannot tell", 6))


def test_a_difference_that_equals_the_margin_but_for_rounding_is_not_said_to_hold():
    low, high = arm_with("a", [0.91] * 8, "test_accuracy"), arm_with("b", [0.92] * 8, "test_accuracy")
    found = verdict({"less": "a", "than": "b", "by": 0.01}, low, high, metric="test_accuracy")
    assert (found.verdict, found.parts[0].num_held) == ("cannot tell", 0)


def test_one_run_outside_is_enough_where_another_has_no_value():
    found = verdict(
        {"range": [0.7, 0.8], "of": "a", "every": True}, arm_with("a", [0.9, math.nan] + [0.75] * 6), metric="test_loss"
    )
    assert found.verdict == "opposite"


@pytest.mark.parametrize(
    ("metric", "statuses", "why"),
    [("test_loss", "DDFFFFFF", ""), ("weight_size", "FFFFFFFF", ""), ("weight_size", "FDFFFFFF", "weight_size has no")],
)
def test_only_a_run_without_a_value_is_called_so_not_a_seed_in_which_both_diverged(metric, statuses, why):
    ended = [{"D": "diverged", "F": "finished"}[letter] for letter in statuses]
    arms = [arm_with(name, mean + NOISE / 8, metric, ended) for name, mean in (("a", 0.5), ("b", 0.9))]
    found = verdict({"less": "a", "than": "b", "by": 0}, *arms, metric=metric)
    assert found.why.startswith(why)
    assert bool(found.why) == bool(why)
