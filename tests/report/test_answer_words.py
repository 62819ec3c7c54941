"""Each sentence of the answer and of the verdicts, letter by letter."""

import math
from dataclasses import replace

import pytest
from answers import SEEDS, answered, arm, shifted

from normbench.evidence.comparison.answer import Answer, CellAnswer
from normbench.evidence.comparison.collapses import CollapseRule
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.statistics.paired_effect import judge_effects, paired_effect
from normbench.evidence.statistics.verdicts.collapse import count_collapses
from normbench.report.blocks.answer import (
    answer_lines,
    beaten_sentence,
    cell_text,
    cycle_sentence,
    depends_sentence,
    equal_sentence,
    family_words,
    not_told_apart_sentence,
    same_lr_sentence,
    take_sentence,
    tie_sentence,
    too_few_sentence,
    two_sided_sentence,
)
from normbench.report.blocks.value_text import value_text
from normbench.report.blocks.verdict_sentences import baseline_sentence, power_sentence, verdict_sentence

NAMES = {"a": "batch_norm", "b": "norm=none", "c": "group_norm"}
ACCURACY, LOSS = "test_accuracy", "test_loss"


def cell(distance, arms="abc", **more):
    behind = {"a": distance} | dict.fromkeys(arms[1:], 9.0)
    return CellAnswer(tuple(arms), SEEDS, taken="a", behind=behind, **more)


def answer(found, metric=ACCURACY, **more):
    return Answer(metric, (found,), **more)


@pytest.mark.parametrize(
    ("found", "metric", "text"),
    [
        (cell(0.019), ACCURACY, "at most 1.9 points of test accuracy behind the best of the 3"),
        (cell(0.0), ACCURACY, "not behind any of the others in test accuracy"),
        (cell(1.0, "ab", is_ratio=True), LOSS, "not behind norm=none in test loss"),
        (cell(0.019, "ab"), ACCURACY, "at most 1.9 points of test accuracy behind norm=none"),
        (cell(-0.03), ACCURACY, "better in test accuracy than each of the others, by 3.0 points at least"),
        (cell(-0.03, "ab"), ACCURACY, "better in test accuracy than norm=none, by 3.0 points at least"),
        (cell(1.042, is_ratio=True), LOSS, "at most 4.2 % of test loss behind the best of the 3"),
        (cell(3.5, is_ratio=True), LOSS, "at most a factor of 3.50 of test loss behind the best of the 3"),
        (cell(0.9, is_ratio=True), LOSS, "better in test loss than each of the others, by 10.0 % at least"),
        (cell(float("-inf")), ACCURACY, "better in test accuracy than each of the others"),
        (cell(0.0, is_ratio=True), LOSS, "better in test loss than each of the others"),
    ],
)
def test_how_far_the_arm_to_take_is_behind_or_ahead(found, metric, text):
    assert take_sentence(found, answer(found, metric), NAMES) == f"Take batch_norm: on the typical seed {text} (95 %)."


@pytest.mark.parametrize(("family", "words"), [("same lr", "same lr, not tuned"), ("own lr", "own lr"), ("", "")])
def test_how_the_arms_were_trained_stands_beside_the_name(family, words):
    found = cell(0.019)
    assert family_words(answer(found, family=family)) == words
    start = f"Take batch_norm ({words}): " if words else "Take batch_norm: "
    assert take_sentence(found, answer(found, family=family), NAMES).startswith(start)


@pytest.mark.parametrize(
    ("tie_break", "as_close", "text"),
    [
        ("", (), ""),
        ("collapses", ("c",), "group_norm comes as close, but more of its runs collapsed."),
        ("parameters", ("c",), "group_norm comes as close, but it has more parameters."),
        ("parameters", ("b", "c"), "norm=none and group_norm come as close, but they have more parameters."),
    ],
)
def test_a_tie_break_is_named(tie_break, as_close, text):
    assert tie_sentence(cell(0.019, tie_break=tie_break, as_close=as_close), NAMES) == text


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (cell(0.019, beaten=("b",)), "norm=none is beaten."),
        (cell(0.019, beaten=("b", "c")), "norm=none and group_norm are beaten."),
        (cell(0.019), ""),
        (cell(-0.01, beaten=("b", "c")), ""),
        (cell(0.02, beaten=("b",), is_cycle=True), ""),
        (cell(0.02, taken_beaten_by=("c",)), "It is beaten by group_norm, which may be further behind another."),
    ],
)
def test_who_is_beaten(found, text):
    assert beaten_sentence(found, NAMES) == text


def test_who_is_equal_and_who_cannot_be_told_apart():
    found = cell(0.019, equal_to=("b",), not_told_apart=("c",))
    assert equal_sentence(found, NAMES, answer=answer(found, margin=0.01)) == (
        "norm=none is equal to batch_norm within 1.0 points."
    )
    ratio = replace(found, is_ratio=True, equal_to=("b", "c"))
    assert equal_sentence(ratio, NAMES, answer=answer(ratio, LOSS, margin=0.05)) == (
        "norm=none and group_norm are equal to batch_norm within 5.0 %."
    )
    assert not_told_apart_sentence(found, NAMES) == "group_norm cannot be told apart from batch_norm."
    assert not_told_apart_sentence(cell(0.1), NAMES) == ""


def test_a_cycle_too_few_seeds_and_what_it_depends_on():
    found = cell(0.019, beaten=("b", "c"), is_cycle=True)
    assert cycle_sentence(found, answer(found), NAMES) == (
        "No arm is best: each of the 3 is beaten by another, in a cycle. Least behind is batch_norm: on the typical "
        "seed at most 1.9 points of test accuracy behind the best of the 3 (95 %)."
    )
    assert cell_text(found, answer(found), NAMES) == cycle_sentence(found, answer(found), NAMES)
    assert too_few_sentence(CellAnswer(("a", "b"), (0,), seeds_needed=5)) == (
        "Too few seeds for an answer: 5 are needed."
    )
    assert depends_sentence(answer(found, depends_on=("batch_size",))) == (
        "Which is better depends on batch_size: some pair of arms changes its order."
    )
    assert same_lr_sentence("same lr", "norm=none", found) == "At the same lr it would be norm=none."
    assert same_lr_sentence("", "norm=none", replace(found, settings={"batch_size": "4"})) == (
        "At the given lr it would be norm=none at batch_size 4."
    )
    assert two_sided_sentence(0.078) == "The verdict, which asks for both directions, cannot tell (p 0.078)."


def effect_of(values, metric=ACCURACY, comparisons=1, better="higher", is_ratio=False):
    """Return the effect of these differences, judged in a table of several; the others are far from any verdict."""
    one = paired_effect(metric, dict(enumerate(values)), is_ratio=is_ratio)
    other = paired_effect(metric, dict(enumerate([0.01, -0.01] * (len(values) // 2))), is_ratio=is_ratio)
    return judge_effects([one, *[other] * (comparisons - 1)], better)[0]


def sentence(effect, comparisons=1, **row):
    made = replace(arm("a", [0.5, 0.6]), effect=effect, **row)
    return verdict_sentence(made, "batch_norm", "norm=none", comparisons)


EIGHT = [0.02, 0.03, 0.025, 0.04, 0.035, 0.03, 0.028, 0.033]
SIXTEEN = [0.02 + 0.001 * i for i in range(16)]


def test_a_verdict_that_the_mean_shares():
    assert sentence(effect_of(EIGHT)) == (
        "batch_norm is better than norm=none on the typical seed: +3.0 points [+2.5, +3.5], 8 of 8 seeds, "
        "and on average."
    )
    assert "batch_norm is worse than norm=none on the typical seed: -3.0 points" in sentence(
        effect_of([-value for value in EIGHT])
    )
    assert "is higher than norm=none" in sentence(effect_of(EIGHT, "weight.std@fc1", better=None))


def test_a_verdict_whose_mean_is_open_or_on_the_other_side():
    found = sentence(effect_of([*SIXTEEN[:-1], -0.2]))
    assert found.startswith("batch_norm is better than norm=none on the typical seed: +2.")
    assert "15 of 16 seeds; whether also on average is open: +1." in found
    mixed = sentence(effect_of([*SIXTEEN[:-1], -0.8]))
    assert mixed.startswith("batch_norm is better than norm=none on the typical seed (+2.")
    assert "but on average it is the other way round (-" in mixed
    assert mixed.endswith("MIXED.")


def test_a_verdict_with_diverged_runs_has_no_average_and_says_how_many_collapsed():
    counted = count_collapses([False] * 16, [True] + [False] * 15)
    found = sentence(effect_of([*SIXTEEN[:-1], float("inf")]), collapses=counted)
    assert found.endswith(
        "16 of 16 seeds; no average, as runs diverged. 0 of 16 runs of batch_norm collapsed, 1 of norm=none."
    )


def test_why_there_is_no_verdict():
    assert sentence(effect_of(EIGHT[:5])) == (
        "Too few seeds for a verdict on batch_norm against norm=none: 6 are needed."
    )
    lost = effect_of([*EIGHT[:7], -0.021], comparisons=4)
    assert sentence(lost, 4) == (
        "Cannot tell batch_norm from norm=none after correcting for 4 comparisons; alone it would have been (p 0.035)."
    )
    nothing = effect_of([0.02, -0.02, 0.01, -0.01, 0.03, -0.03, 0.005, 0.001])
    assert sentence(nothing) == (
        "Cannot tell batch_norm from norm=none at 8 seeds: +0.05 points [-2.0, +2.0] on the typical seed. "
        "8 seeds find 1.5 sd of the differences nine times out of ten, 0.9 sd one time in two."
    )


def test_which_of_the_two_tests_found_nothing():
    signs = effect_of([0.05 + 0.01 * i for i in range(11)] + [-0.001 * (i + 1) for i in range(5)])
    assert signs.failed == "signs"
    assert sentence(signs) == (
        "Cannot tell batch_norm from norm=none: the sizes favour batch_norm, but only 11 of 16 seeds do."
    )
    sizes = effect_of([0.001 * (i + 1) for i in range(12)] + [-0.1 * (i + 1) for i in range(4)])
    assert sizes.failed == "sizes"
    assert sentence(sizes) == (
        "Cannot tell batch_norm from norm=none: 12 of 16 seeds favour batch_norm, but the 4 others by far more the "
        "other way."
    )
    both = effect_of([0.01 * (i + 1) for i in range(9)] + [math.nan])
    assert sentence(both) == (
        "Cannot tell batch_norm from norm=none: 9 of 10 seeds favour batch_norm, but in the other one both diverged."
    )
    some = effect_of([0.001 * (i + 1) for i in range(12)] + [-0.1, -0.2, -0.3, math.nan])
    assert sentence(some).endswith("but 3 by far more the other way, and in 1 both diverged.")
    losses = effect_of(
        [-0.001 * (i + 1) for i in range(12)] + [0.1 * (i + 1) for i in range(4)], LOSS, 1, "lower", True
    )
    assert sentence(losses).startswith("Cannot tell batch_norm from norm=none: 12 of 16 seeds favour batch_norm")


def test_seeds_that_can_find_nothing_are_not_said_to():
    assert power_sentence(5) == ""


def test_the_whole_answer_of_a_study():
    three = answered(
        arm("norm=none", shifted(0), norm="none"),
        arm("norm=bn", shifted(0.05), norm="bn"),
        arm("norm=gn", [value + 0.01 * (-1) ** i for i, value in enumerate(shifted(0.05))], norm="gn"),
        axes=["norm"],
    )
    (line,) = answer_lines(three)
    assert line == (
        "Take bn (same lr, not tuned): on the typical seed at most 1.0 points of test accuracy behind the best of the "
        "3 (95 %). norm=none is beaten. gn cannot be told apart from bn."
    )


def test_two_arms_have_the_verdict_beside():
    pair = answered(arm("norm=none", shifted(0), norm="none"), arm("norm=bn", shifted(0.05), norm="bn"), axes=["norm"])
    (line,) = answer_lines(pair)
    assert line == (
        "Take bn (same lr, not tuned): on the typical seed better in test accuracy than norm=none, by 5.0 points at "
        "least (95 %). bn is better than norm=none on the typical seed: +5.0 points [+5.0, +5.0], 8 of 8 seeds, and on "
        "average."
    )


def test_two_arms_that_cannot_be_told_apart_say_what_eight_seeds_find():
    pair = answered(arm("a", shifted(0)), arm("b", [v + 0.02 * (-1) ** i for i, v in enumerate(shifted(0))]))
    (line,) = answer_lines(pair)
    assert line == (
        "Take a (same lr, not tuned): on the typical seed at most 2.0 points of test accuracy behind b (95 %). b "
        "cannot be told apart from a. 8 seeds find 1.5 sd of the differences nine times out of ten, 0.9 sd one time in "
        "two."
    )


def test_two_arms_whose_verdict_asks_for_more_than_the_answer():
    gaps = [0.02, 0.021, 0.022, 0.023, 0.024, 0.025, 0.005, -0.0215]  # rank 4 of 8 lies on the other side
    pair = answered(arm("a", shifted(0)), arm("b", [v + gap for v, gap in zip(shifted(0), gaps, strict=True)]))
    (line,) = answer_lines(pair)
    assert (pair.rows[1].effect.verdict, pair.answer.cells[0].beaten) == ("cannot tell", ("a",))
    assert line.endswith("The verdict, which asks for both directions, cannot tell (p 0.055).")


def test_one_answer_a_cell_and_what_it_depends_on():
    gaps = {("none", 4): 0, ("bn", 4): 0.05, ("none", 64): 0.05, ("bn", 64): 0}
    rows = [
        arm(f"norm={norm},batch_size={size}", shifted(gap), norm=norm, batch_size=size)
        for (norm, size), gap in gaps.items()
    ]
    words = "(same lr, not tuned): on the typical seed better in test accuracy than"
    assert answer_lines(answered(*rows, axes=["norm", "batch_size"])) == [
        f"At batch_size 4: take bn {words} norm=none, by 5.0 points at least (95 %).",
        f"At batch_size 64: take norm=none {words} bn, by 5.0 points at least (95 %).",
        "Which is better depends on batch_size: some pair of arms changes its order.",
    ]


def test_many_cells_are_not_all_printed():
    rows = [
        arm(f"norm={norm},batch_size={size}", shifted(gap), norm=norm, batch_size=size)
        for norm, gap in (("none", 0), ("bn", 0.1))
        for size in range(12)
    ]
    lines = answer_lines(answered(*rows, axes=["norm", "batch_size"]))
    assert lines[8:] == ["4 more: normbench compare --json has them all."]


def test_without_a_better_way_the_verdicts_against_the_baseline_answer():
    found = answered(arm("a", shifted(0), "weight.std@fc1"), arm("b", shifted(0.1), "weight.std@fc1"), baseline="a")
    assert answer_lines(found) == ["b is higher than a."]
    assert baseline_sentence(found) == "b is higher than a."


def test_nothing_is_taken_where_nothing_was_learned_or_one_seed_is_all():
    one = answered(arm("a", [0.5]), arm("b", [0.6]))
    assert answer_lines(one) == ["Cannot tell: one seed each is no evidence."]
    collapsed = StudyComparison("s", "", "", [arm("a", shifted(0), collapsed=SEEDS)], (), False)
    unlearned = replace(collapsed, judges_collapse=True, collapse_rule=CollapseRule())
    assert answer_lines(unlearned)[0].startswith("This task was not learned: 8 of 8 runs collapsed.")


@pytest.mark.parametrize(("by_seed", "text"), [(EIGHT, "8 of 8"), ([float("nan")] * 8, "-")])
def test_seeds_are_counted_only_where_something_was_measured(by_seed, text):
    assert value_text(effect_of(by_seed), "better_seeds") == text
