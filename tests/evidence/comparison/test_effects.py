"""Which arm is judged against which, and what a table then says."""

from dataclasses import replace

import pytest

from normbench.errors import ComparisonError
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.effects import resolve_baseline_option, with_effects, with_first_baseline
from normbench.evidence.comparison.rows import Row, SeedSummary
from normbench.report.blocks.comparison import footnote
from normbench.report.blocks.effect_text import effect_text, verdict_text

SEEDS = tuple(range(8))


def row(arm, values, metric="test_loss", seeds=SEEDS, **settings):
    name = "" if "=" in arm else arm
    return Row(arm, settings, seeds, 0, {metric: SeedSummary.of(values, metric)}, 10, None, name=name)


def study(*rows, baseline=None, differing=()):
    made = StudyComparison("made_up", "", "made_up.yaml", rows, differing, False)
    return replace(made, baseline=baseline, against=baseline and resolve_baseline_option(made, baseline))


def losses(factor):
    return [factor * (1 + 0.01 * seed) for seed in SEEDS]


def effects_of(comparison):
    return {row.arm: row.effect for row in comparison.rows}


def test_a_named_baseline_is_compared_with_every_other_arm():
    found = effects_of(with_effects(study(row("a", losses(1)), row("b", losses(0.5)), baseline="a")))
    assert found["a"] is None
    assert (found["b"].value, found["b"].verdict) == (pytest.approx(0.5), "better")


def test_a_grids_baseline_is_compared_within_each_combination_of_the_rest():
    rows = [
        row("norm=none,batch_size=2", losses(1), norm="none", batch_size=2),
        row("norm=none,batch_size=8", losses(10), norm="none", batch_size=8),
        row("norm=bn,batch_size=2", losses(3), norm="bn", batch_size=2),
        row("norm=bn,batch_size=8", losses(20), norm="bn", batch_size=8),
    ]
    found = effects_of(with_effects(study(*rows, baseline="norm=none", differing=["norm", "batch_size"])))
    values = {arm: effect and round(effect.value, 6) for arm, effect in found.items()}
    assert values == {
        "norm=none,batch_size=2": None,
        "norm=none,batch_size=8": None,
        "norm=bn,batch_size=2": 3,
        "norm=bn,batch_size=8": 2,
    }


def test_settings_of_a_varied_part_do_not_hide_its_baseline():
    rows = [
        row("norm=none", losses(1), norm="none"),
        row("norm=group_norm,num_groups=4", losses(2), norm="group_norm", **{"norm.num_groups": 4}),
    ]
    found = effects_of(with_effects(study(*rows, baseline="norm=none", differing=["norm", "norm.num_groups"])))
    assert found["norm=group_norm,num_groups=4"].value == pytest.approx(2)


def test_without_a_baseline_nothing_is_judged():
    comparison = study(row("a", losses(1)), row("b", losses(2)))
    assert with_effects(comparison) is comparison


def test_a_signal_without_target_is_neither_better_nor_worse():
    rows = (row("a", losses(1), "output_std_lowest"), row("b", losses(2), "output_std_lowest"))
    assert effects_of(with_effects(study(*rows, baseline="a"))) == {"a": None, "b": None}


def test_another_baseline_can_be_asked_for():
    found = effects_of(with_effects(study(row("a", losses(1)), row("b", losses(2)), baseline="a"), "b"))
    assert (found["a"].value, found["b"]) == (pytest.approx(0.5), None)


def test_an_unknown_baseline_gets_the_near_one():
    message = "made_up: --baseline: must be an arm, got 'plan'. Did you mean 'plain'? Arms: plain, decayed."
    with pytest.raises(ComparisonError) as caught:
        with_effects(study(row("plain", losses(1)), row("decayed", losses(2))), "plan")
    assert str(caught.value) == message


def test_the_more_arms_the_stricter_the_test():
    lucky = [1, 1, 1, 1, 1, 1, 1, -0.2]
    arms = [row("a", [0] * 8, "test_accuracy"), row("b", lucky, "test_accuracy")]
    others = [row(f"c{i}", [(-1) ** seed for seed in SEEDS], "test_accuracy") for i in range(5)]
    alone = effects_of(with_effects(study(*arms, baseline="a")))["b"]
    among = effects_of(with_effects(study(*arms, *others, baseline="a")))["b"]
    assert (alone.verdict, among.verdict) == ("better", "cannot tell")


@pytest.mark.parametrize(
    ("metric", "values", "text"),
    [
        ("test_loss", losses(0.5), "x 0.500 [0.500, 0.500]"),
        ("test_accuracy", [0.5 + 0.02 * (seed % 2) for seed in SEEDS], "-49.0 points [-50.0, -48.0]"),
    ],
)
def test_an_effect_is_written_as_its_metric_is_read(metric, values, text):
    start = losses(1) if metric == "test_loss" else [1.0] * 8
    compared = with_effects(study(row("a", start, metric), row("b", values, metric), baseline="a"))
    assert effect_text(effects_of(compared)["b"]) == text


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [("test_accuracy", 0.991, "+49.1 points"), ("test_loss", 0.25, "x 0.500"), ("weight.mean@fc1", 0.75, "+0.25")],
)
def test_an_effect_of_one_seed_is_scaled_as_one_of_many(metric, value, text):
    rows = row("a", [0.5], metric, seeds=(0,)), row("b", [value], metric, seeds=(0,))
    assert effect_text(effects_of(with_effects(study(*rows, baseline="a")))["b"]) == text


def test_verdicts_say_p_or_how_many_seeds_they_need():
    few = with_effects(study(row("a", [1, 2], seeds=(0, 1)), row("b", [2, 3], seeds=(0, 1)), baseline="a"))
    assert verdict_text(effects_of(few)["b"]) == "too few seeds, 6 needed"
    found = effects_of(with_effects(study(row("a", losses(1)), row("b", losses(2)), baseline="a")))["b"]
    unclear = replace(found, verdict="cannot tell", p_corrected=0.31)
    assert verdict_text(unclear) == "cannot tell (p 0.31)"
    lost = replace(unclear, is_lost_to_correction=True)
    assert verdict_text(lost) == "cannot tell (p 0.31), not after correction"
    assert verdict_text(found) == "worse (p 0.0078)"


def test_the_footnote_tells_the_method():
    rows = (row("a", losses(1)), row("b", losses(2)), row("c", losses(3)))
    how = "Effects: typical seed, paired, 95 % intervals, Holm over 2."
    assert footnote(with_effects(study(*rows, baseline="a"))) == [f"Mean ± std (n - 1). {how}"]


def test_the_first_arm_serves_where_no_baseline_is_named():
    rows = (row("a", losses(1)), row("b", losses(2)))
    found = with_first_baseline(study(*rows))
    assert (found.baseline, found.is_first_baseline, effects_of(found)["b"].verdict) == ("a", True, "worse")
    assert not with_first_baseline(study(*rows, baseline="b")).is_first_baseline
    assert with_first_baseline(study(*rows[:1])).baseline is None
