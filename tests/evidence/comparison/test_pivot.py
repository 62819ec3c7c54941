"""Tables by settings: which arm in which cell, verdicts along and across, nothing averaged in silence."""

import random
from dataclasses import replace

import pytest

from normbench.errors import ComparisonError
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.effects import resolve_baseline_option
from normbench.evidence.comparison.pivot import make_pivots
from normbench.evidence.comparison.rows import Row, SeedSummary
from normbench.report.blocks.pivot import pivot_notes, pivot_tables, pivot_title
from normbench.report.blocks.value_text import value_text

SEEDS = tuple(range(8))
BATCH_SIZES = (2, 8, 32)
FALLING, FLAT = (4.0, 2.0, 1.0), (1.0, 1.0, 1.0)


def row(arm, level, rng, seeds=SEEDS, metric="test_loss", tuned=(), **settings):
    """An arm whose losses lie around a level that each seed shifts alike."""
    values = [level * (1 + 0.1 * seed) * rng.lognormvariate(0, 0.05) for seed in seeds]
    dotted = {key.replace("__", "."): value for key, value in settings.items()}
    name = "" if "=" in arm else arm
    return Row(arm, dotted, tuple(seeds), 0, {metric: SeedSummary.of(values, metric)}, 10, None, name=name, tuned=tuned)


def study(rows, differing, baseline=None, tuned_keys=()):
    made = StudyComparison("made_up", "", "made_up.yaml", rows, differing, False, tuned_keys=tuned_keys)
    return replace(made, baseline=baseline, against=baseline and resolve_baseline_option(made, baseline))


def grid_study(baseline=None, **levels):
    """Norms times batch sizes, with the levels of each norm."""
    rng = random.Random(0)
    rows = [
        row(f"norm={norm},batch_size={size}", level, rng, norm=norm, batch_size=size)
        for norm, by_size in levels.items()
        for size, level in zip(BATCH_SIZES, by_size, strict=True)
    ]
    return study(rows, ["norm", "batch_size"], baseline)


def test_rows_are_the_first_key_columns_the_second_by_size():
    compared = grid_study(none=FLAT, batch_norm=FALLING)
    (table,) = make_pivots(study(compared.rows[::-1], compared.differing), ["norm", "batch_size"])
    assert [line.label for line in table.lines] == ["batch_norm", "none"]
    assert (table.columns, table.column_values) == (("2", "8", "32"), BATCH_SIZES)
    assert table.lines[0].cells[0].arm == "norm=batch_norm,batch_size=2"


def test_a_fall_is_found_and_a_flat_line_is_not_called_one():
    (table,) = make_pivots(grid_study(batch_norm=FALLING, group_norm=FLAT), ["norm", "batch_size"])
    found = {line.label: (line.trend.verdict, line.change.verdict) for line in table.lines}
    assert found["batch_norm"] == ("falls", "better")
    assert found["group_norm"][0] == "no trend found"
    assert found["group_norm"][1] == "cannot tell"


def test_a_rise_of_a_loss_is_worse():
    (table,) = make_pivots(grid_study(batch_norm=FALLING[::-1]), ["norm", "batch_size"])
    assert (table.lines[0].trend.verdict, table.lines[0].change.verdict) == ("rises", "worse")
    assert table.lines[0].change.value == pytest.approx(4.0, rel=0.1)


def test_columns_without_order_have_neither_change_nor_trend():
    (table,) = make_pivots(grid_study(batch_norm=FALLING, group_norm=FLAT), ["batch_size", "norm"])
    assert [(line.change, line.trend) for line in table.lines] == [(None, None)] * 3


def test_each_column_is_judged_against_the_baselines_row_and_holm_counts_all():
    (table,) = make_pivots(grid_study("norm=none", none=FLAT, batch_norm=FALLING), ["norm", "batch_size"])
    none, batch_norm = table.lines
    assert (table.baseline, [cell.effect for cell in none.cells]) == ("none", [None] * 3)
    effects = [cell.effect for cell in batch_norm.cells]
    assert [effect.verdict for effect in effects] == ["worse", "worse", "cannot tell"]
    assert effects[0].value == pytest.approx(4.0, rel=0.1)
    assert effects[0].p_corrected == 3 * effects[0].p


def test_a_baseline_spread_over_rows_judges_nothing():
    (table,) = make_pivots(grid_study("batch_size=2", none=FLAT, batch_norm=FALLING), ["norm", "batch_size"])
    assert table.baseline is None
    assert all(cell.effect is None for line in table.lines for cell in line.cells)


def test_what_else_differs_gets_a_table_each():
    rng = random.Random(0)
    rows = [
        row(f"norm={norm},dropout={dropout}", 1.0, rng, norm=norm, dropout=dropout)
        for norm in ("none", "batch_norm")
        for dropout in (0.0, 0.5)
    ]
    first, second = make_pivots(study(rows, ["norm", "dropout"]), ["norm"])
    assert (first.fixed, second.fixed) == ({"dropout": "0.0"}, {"dropout": "0.5"})
    assert [line.cells[0].arm for line in second.lines] == ["norm=none,dropout=0.5", "norm=batch_norm,dropout=0.5"]


def test_a_setting_that_goes_along_with_a_key_is_named_and_makes_no_table():
    rng = random.Random(0)
    rows = [row(f"batch_size={n}", 1.0, rng, batch_size=n, optimizer__lr=0.01 * n) for n in BATCH_SIZES]
    (table,) = make_pivots(study(rows, ["batch_size", "optimizer.lr"]), ["batch_size"])
    assert (table.fixed, table.not_fixed) == ({}, ("optimizer.lr",))
    assert "Not held fixed: optimizer.lr." in pivot_notes(table)


def test_variants_of_a_part_are_told_apart_by_their_settings():
    rng = random.Random(0)
    rows = [row("a", 1.0, rng, norm="none")]
    rows += [row(f"g{n}", 1.0, rng, norm="group_norm", norm__num_groups=n) for n in (2, 4)]
    (table,) = make_pivots(study(rows, ["norm", "norm.num_groups"]), ["norm"])
    assert [line.label for line in table.lines] == [
        "none",
        "group_norm (num_groups 2)",
        "group_norm (num_groups 4)",
    ]
    assert table.not_fixed == ()


def test_tuned_arms_stand_in_a_table_of_their_own_whatever_was_chosen():
    rng = random.Random(0)
    rows = [
        row(
            f"norm={norm}{',tuned' * tuned}",
            1.0,
            rng,
            norm=norm,
            optimizer__lr=0.01 * (1 + tuned * i),
            tuned=["optimizer.lr"] * tuned,
        )
        for tuned in (False, True)
        for i, norm in enumerate(("none", "batch_norm"))
    ]
    compared = study(rows, ["norm", "optimizer.lr"], "norm=none", ["optimizer.lr"])
    given, tuned = make_pivots(compared, ["norm"])
    assert (given.fixed, tuned.fixed) == ({"tuned": "false"}, {"tuned": "true"})
    assert (given.baseline, tuned.baseline) == ("none", "none")
    assert [line.cells[0].arm for line in tuned.lines] == ["norm=none,tuned", "norm=batch_norm,tuned"]


def test_one_numeric_key_has_its_trend_below():
    rng = random.Random(0)
    rows = [row(f"b{n}", v, rng, batch_size=n) for n, v in zip(BATCH_SIZES, FALLING, strict=True)]
    (table,) = make_pivots(study(rows, ["batch_size"]), ["batch_size"])
    assert table.trend.verdict == "falls"
    assert pivot_notes(table)[0] == "test loss along batch_size: falls (tau -1.00, p 0.0078)."


def test_an_arm_that_is_not_there_is_an_empty_cell():
    compared = grid_study(none=FLAT, batch_norm=FALLING)
    (table,) = make_pivots(study(compared.rows[:-1], compared.differing), ["norm", "batch_size"])
    assert table.lines[1].cells[2] is None
    assert table.lines[1].change is None
    assert table.lines[1].trend.verdict == "falls"
    assert pivot_tables(table)[0].rows[1][-1] == "-"


def test_only_seeds_that_both_have_are_compared():
    rng = random.Random(0)
    rows = [row("b2", 4.0, rng, batch_size=2), row("b8", 1.0, rng, seeds=(1, 2, 3, 4, 5, 6, 7, 9), batch_size=8)]
    (table,) = make_pivots(study(rows, ["batch_size"]), ["batch_size"])
    assert table.trend.n == 7


def test_arms_that_nothing_tells_apart_are_refused():
    rng = random.Random(0)
    twins = study([row("a", 1.0, rng, norm="none"), row("b", 1.0, rng, norm="none")], [])
    with pytest.raises(ComparisonError) as error:
        make_pivots(twins, ["norm"])
    rule = "must tell the arms apart, got two arms in one cell. Write --by arm, or choose with --where."
    assert str(error.value) == f"made_up: --by: {rule}"
    (table,) = make_pivots(twins, ["arm"])
    assert [line.label for line in table.lines] == ["a", "b"]


def refusal(*by):
    with pytest.raises(ComparisonError) as error:
        make_pivots(grid_study(none=FLAT), by)
    return str(error.value)


def test_an_unknown_key_gets_those_that_differ():
    meant = "Did you mean 'norm'? Those that differ: norm, batch_size, tuned, arm."
    assert refusal("nrom") == f"made_up: --by nrom: must be a setting of the arms, got 'nrom'. {meant}"


@pytest.mark.parametrize("by", [("norm", "batch_size", "tuned"), ("norm", "norm")])
def test_a_table_has_two_sides(by):
    rule = "must be given at most 2 times, for rows and for columns, each another setting"
    assert refusal(*by) == f"--by: {rule}, got {', '.join(by)}. Narrow the rest with --where."


def test_a_signal_without_target_has_a_table_without_verdicts():
    rng = random.Random(0)
    rows = [row(f"b{n}", v, rng, metric="output_std_mean", batch_size=n) for n, v in ((2, 1.0), (8, 2.0))]
    (table,) = make_pivots(study(rows, ["batch_size"], "b2"), ["batch_size"])
    assert (table.trend, table.baseline) == (None, None)


def test_nothing_finished_makes_no_table():
    assert make_pivots(study([], []), ["norm"]) == []


def test_the_tables_as_they_are_read():
    rows = [
        Row(
            f"{norm},{n}",
            {"norm": norm, "b": n},
            SEEDS,
            int(norm == "none"),
            {"test_loss": SeedSummary.of(values, "test_loss")},
            1,
            1,
            name=norm,
        )
        for norm in ("none", "bn")
        for n, values in ((2, [1.0] * 8), (8, [2.0] * 8))
    ]
    (table,) = make_pivots(study(rows, ["norm", "b"], "none,2"), ["norm", "b"])
    assert pivot_title(table) == "made_up · test loss by norm and b: mean [95 % interval]"
    means, along, against = pivot_tables(make_pivots(study(rows, ["norm", "b"], "none"), ["norm", "b"])[0])
    assert [(column.group, column.title) for column in means.columns] == [("", "norm"), ("b", "2"), ("b", "8")]
    assert means.rows == [
        ("none", "1.00 [1.00, 1.00] (1 diverged)", "2.00 [2.00, 2.00] (1 diverged)"),
        ("bn", "1.00 [1.00, 1.00]", "2.00 [2.00, 2.00]"),
    ]
    assert written(along)[0] == ["none", "x 2.00 [2.00, 2.00]", "worse (p 0.016)", "rises (tau +1.00, p 0.016)"]
    assert written(against)[0] == ["bn", "2", "x 1.00 [1.00, 1.00]", "cannot tell (p 1)"]


def written(table):
    return [
        [value_text(value, column.what) for column, value in zip(table.columns, row, strict=True)] for row in table.rows
    ]
