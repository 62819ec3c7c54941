"""One answer per value of a second axis and per lr family, and what the answer depends on."""

import math
from dataclasses import replace

import pytest
from answers import SEEDS, answered, arm, shifted

from normbench.errors import ComparisonError
from normbench.evidence.comparison.answer_cells import cell_keys, question_keys


def grid(gaps, **more):
    """Return arms of a grid norm x batch_size; ``gaps`` by (norm, batch_size)."""
    return [
        arm(f"norm={norm},batch_size={size}", shifted(gap), norm=norm, batch_size=size, **more)
        for (norm, size), gap in gaps.items()
    ]


TURNED = {("none", 4): 0, ("bn", 4): 0.05, ("none", 64): 0.05, ("bn", 64): 0}
SAME = {("none", 4): 0, ("bn", 4): 0.05, ("none", 64): 0, ("bn", 64): 0.04}


def taken(comparison):
    return {tuple(cell.settings.items()): cell.taken for cell in comparison.answer.cells}


def test_what_the_baseline_fixes_is_in_question_and_the_rest_are_cells():
    found = answered(*grid(TURNED), baseline="norm=none", axes=["norm", "batch_size"])
    assert taken(found) == {
        (("batch_size", "4"),): "norm=bn,batch_size=4",
        (("batch_size", "64"),): "norm=none,batch_size=64",
    }


def test_without_a_baseline_the_first_axis_is_in_question():
    found = answered(*grid(TURNED), axes=["batch_size", "norm"])
    assert set(taken(found)) == {(("norm", "none"),), (("norm", "bn"),)}


def test_by_names_what_is_in_question():
    found = answered(*grid(TURNED), by=["norm", "batch_size"], axes=["batch_size", "norm"])
    assert set(taken(found)) == {(("batch_size", "4"),), (("batch_size", "64"),)}


def test_it_depends_on_an_axis_only_where_a_pair_changes_its_order():
    axes = ["norm", "batch_size"]
    assert answered(*grid(TURNED), axes=axes).answer.depends_on == ("batch_size",)
    assert answered(*grid(SAME), axes=axes).answer.depends_on == ()


def test_a_change_that_is_lost_to_the_correction_over_cells_and_pairs_is_none():
    few = [
        arm(f"norm={norm},batch_size={size}", shifted(gap)[:6], norm=norm, batch_size=size)
        for (norm, size), gap in TURNED.items()
    ]  # p is 2^-5 in both cells, twice that after correction
    assert answered(*few, axes=["norm", "batch_size"]).answer.depends_on == ()


def test_other_settings_that_follow_from_the_axes_split_nothing():
    rows = [
        arm("norm=gn,batch_size=4", shifted(0), norm="gn", norm__num_groups=2, batch_size=4, optimizer__lr=0.1),
        arm("norm=bn,batch_size=4", shifted(0.1), norm="bn", batch_size=4, optimizer__lr=0.1),
        arm("norm=gn,batch_size=64", shifted(0), norm="gn", norm__num_groups=2, batch_size=64, optimizer__lr=0.4),
        arm("norm=bn,batch_size=64", shifted(0.1), norm="bn", batch_size=64, optimizer__lr=0.4),
    ]
    assert cell_keys(rows, ["norm"]) == ["batch_size"]
    assert len(answered(*rows, axes=["norm", "batch_size", "optimizer.lr"]).answer.cells) == 2


def test_arms_of_one_axis_are_one_cell_however_they_differ():
    rows = [arm("a", shifted(0), dropout=0.1, weight_decay=0.1), arm("b", shifted(0.1), dropout=0.2, weight_decay=0.2)]
    assert len(answered(*rows).answer.cells) == 1
    assert question_keys(answered(*rows)) == []


def test_cells_with_one_arm_have_no_answer():
    rows = grid(TURNED)[:3]
    found = answered(*rows, axes=["norm", "batch_size"])
    assert [cell.settings for cell in found.answer.cells] == [{"batch_size": "4"}]


def tuned_and_given(own, same):
    """Return arms a and b at the same lr, and tuned: ``own`` and ``same`` are their gaps."""
    key = ("optimizer.lr",)
    given = [arm(f"norm={n}", shifted(gap), norm=n, optimizer__lr=0.1) for n, gap in zip("ab", same, strict=True)]
    tuned = [
        arm(f"norm={n},tuned", shifted(gap), norm=n, optimizer__lr=lr, tuned=key)
        for n, gap, lr in zip("ab", own, (0.1, 1.0), strict=True)
    ]
    return answered(*given, *tuned, axes=["norm"], tuned_keys=key)


@pytest.mark.parametrize(("own", "same"), [((0.1, 0), (0, 0.1)), ((0, 0.1), (0, 0.1))])
def test_arms_at_their_own_lr_decide_and_those_at_the_same_stand_beside(own, same):
    found = tuned_and_given(own, same).answer
    assert (found.family, found.other.family) == ("own lr", "same lr")
    assert [cell.arms for cell in found.cells] == [("norm=a,tuned", "norm=b,tuned")]
    assert found.cells[0].taken == ("norm=a,tuned" if own[0] else "norm=b,tuned")
    assert found.other.cells[0].taken == "norm=b"
    assert found.standing("norm=a")[0] == "beaten"


def test_the_lr_is_no_family_where_it_is_in_question():
    rows = [arm(f"lr={lr}", shifted(lr), optimizer__lr=lr) for lr in (0.1, 0.2)]
    assert answered(*rows, axes=["optimizer.lr"]).answer.family == ""


@pytest.mark.parametrize("margin", [0.0, -0.1, math.nan, math.inf])
def test_a_margin_that_is_none_is_refused(margin):
    with pytest.raises(ComparisonError, match=r"^--margin \S+: must be a number above 0, got \S+\. Example: "):
        answered(arm("a", shifted(0)), arm("b", shifted(0.1)), margin=margin)


def test_another_margin_than_the_studys_is_told():
    rows = [arm("a", shifted(0)), arm("b", shifted(0.1))]
    assert answered(*rows, margin=0.05).is_margin_late
    assert not answered(*rows).is_margin_late
    assert len(SEEDS) == 8


def test_a_cell_in_which_most_runs_collapsed_has_neither_an_answer_nor_verdicts():
    collapsed = {"norm=none,batch_size=4": SEEDS, "norm=bn,batch_size=4": SEEDS[:1]}
    rows = [replace(row, collapsed_seeds=collapsed.get(row.arm, ())) for row in grid(SAME)]
    found = answered(*rows, baseline="norm=none", axes=["norm", "batch_size"])
    small, large = found.answer.cells
    assert (small.not_learned, small.taken) == ("This task was not learned: 9 of 16 runs collapsed.", None)
    assert (large.not_learned, large.taken) == ("", "norm=bn,batch_size=64")
    verdicts = {row.arm: row.effect.verdict for row in found.rows if row.effect}
    assert verdicts == {"norm=bn,batch_size=4": "no verdict", "norm=bn,batch_size=64": "better"}
