"""On finite data folders say what arrays say, "better" alone is about new data, one split says nothing of others."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command_line import normbench
from finite_studies import CONSTANT, FIXED, FOLDS, RANDOM, SHARE, write_finite_study
from made_up_runs import make_arm, make_run, make_study

from normbench.errors import RunFolderError
from normbench.evidence.comparison.answer_cells import with_answer
from normbench.evidence.comparison.comparison import compare_study
from normbench.evidence.comparison.effects import with_effects, with_first_baseline
from normbench.evidence.comparison.gate import failing_rows, read_gate
from normbench.evidence.comparison.pivot import make_pivots
from normbench.evidence.statistics.best_on_new_data import best_on_new_data
from normbench.evidence.statistics.corrected_t import corrected_t
from normbench.evidence.statistics.corrections import holm
from normbench.evidence.statistics.verdict_words import SIDES
from normbench.evidence.statistics.verdicts.typical_seed import typical_seed
from normbench.storage.seed_history import SEED_HISTORY, Asked
from normbench.storage.study_folder import read_study

METRIC = "test_accuracy"
NUM_STUDIES, NUM_ARMS = 10, 10
LEVEL = [0.70, 0.72, 0.69, 0.71, 0.73, 0.70, 0.68, 0.72]


def shifted(by, wobble=0.0):
    return [value + by + wobble * (-1) ** i for i, value in enumerate(LEVEL)]


def judged(values, *, margin=None, compared=None, **options):
    """Return the comparison of a study on finite data, with effects and answer."""
    study = read_study(write_finite_study(values, **options))
    metric = compared or options.get("metric", METRIC)
    return with_answer(with_first_baseline(compare_study(study, [metric])), margin=margin)


def effect_of(comparison, norm):
    return next(row.effect for row in comparison.rows if row.settings["norm"] == norm)


def claim(arm, **more):
    expect = {"less": "norm=arm0", "than": f"norm={arm}", "by": 0.0}
    return {"id": arm, "says": "more", "metric": METRIC, "expect": expect} | more


def test_folders_say_what_arrays_say_on_a_hundred_draws():
    rng, names = np.random.default_rng(0), [f"arm{i}" for i in range(NUM_ARMS + 1)]
    drawn = []
    for number in range(NUM_STUDIES):
        gaps = rng.normal(0, 0.01, NUM_ARMS + 1)[:, None]
        values = 0.7 + gaps + rng.normal(0, 0.02, 8) + rng.normal(0, 0.01, (NUM_ARMS + 1, 8))
        drawn.append(values)
        write_finite_study(
            dict(zip(names, values, strict=True)),
            name=f"draw-{number}",
            baseline="norm=arm0",
            claims=[claim(name) for name in names[1:]],
        )
    studies = json.loads(normbench("compare", "runs", "--json").out)
    for study, values in zip(studies, drawn, strict=True):
        found = [corrected_t(row - values[0], SHARE) for row in values[1:]]
        corrected = holm([one.p for one in found])
        for row, one, p, told in zip(study["rows"][1:], found, corrected, study["claims"], strict=True):
            new = row["effect"]["new_data"]
            assert [new[key] for key in ("value", "low", "high", "p", "p_corrected")] == [
                one.value, one.low, one.high, one.p, p
            ]  # fmt: skip
            side = "cannot tell" if p > 0.05 else "better" if one.value > 0 else "worse"
            assert new["verdict"] == side
            holds = "cannot tell" if one.p > 0.05 else "holds" if one.value > 0 else "opposite"
            part = told["parts"][0]
            assert (told["verdict"], told["about"], told["data"]) == (holds, "new_data", "400 images")
            assert [part["effect"], part["low"], part["high"]] == [one.value, one.low, one.high]
        (cell,), best = study["answer"]["cells"], best_on_new_data(values, SHARE)
        assert list(cell["behind"].values()) == pytest.approx(best.behind, rel=1e-12)
        beaten = [f"norm={name}" for name, may in zip(names, best.may_be_best, strict=True) if not may]
        assert cell["beaten"] == [name for name in beaten if name != cell["taken"]]


def test_the_effect_on_these_rows_is_that_of_the_seeds_as_ever():
    values = {"kept": LEVEL, "group_norm": shifted(0.03, 0.005)}
    effect = effect_of(judged(values), "group_norm")
    found = typical_seed(np.array(values["group_norm"]) - np.array(LEVEL))
    assert (effect.value, effect.low, effect.high, effect.p) == (found.value, found.low, found.high, found.p)
    assert effect.verdict == "better on these rows"


@pytest.mark.parametrize("mark", [(), ("diverged",)])
def test_a_failed_run_counts_as_the_constant_predictor_on_new_data(mark):
    values = {"kept": [0.31, *LEVEL[1:]], "group_norm": shifted(0.03)}
    effect = effect_of(judged(values, failed={("kept", 0, *mark)}), "group_norm")
    differences = np.array(values["group_norm"]) - np.array([CONSTANT[METRIC], *LEVEL[1:]])
    assert effect.new_data.value == pytest.approx(differences.mean())
    assert effect.new_data.p == pytest.approx(corrected_t(differences, SHARE).p)


def test_losses_are_compared_by_ratio():
    values = {"kept": shifted(0.0), "group_norm": [0.9 * value + 0.002 * i for i, value in enumerate(LEVEL)]}
    new = effect_of(judged(values, metric="test_loss"), "group_norm").new_data
    found = corrected_t(np.log(values["group_norm"]) - np.log(LEVEL), SHARE)
    ends = [math.exp(end) for end in (found.value, found.low, found.high)]
    assert (new.is_ratio, new.value, new.low, new.high) == (True, *map(pytest.approx, ends))
    assert new.verdict == ("better" if found.p <= 0.05 else "cannot tell")


def test_the_answer_is_about_new_data():
    values = {"kept": LEVEL, "group_norm": shifted(0.05, 0.01), "instance_norm": shifted(0.045, -0.01)}
    (cell,) = judged(values).answer.cells
    found = best_on_new_data(list(values.values()), SHARE)
    assert cell.rule.kind == "new data"
    assert list(cell.behind.values()) == pytest.approx(found.behind)
    assert (cell.taken, cell.beaten) == ("norm=group_norm", ("norm=kept",))
    assert cell.not_told_apart == ("norm=instance_norm",)


def test_equal_within_a_margin_is_about_new_data_too():
    values = {"kept": LEVEL, "group_norm": shifted(0.001, 0.002)}
    (cell,) = judged(values, margin=0.01).answer.cells
    differences = np.array(values["group_norm"]) - np.array(LEVEL)
    inside = corrected_t(differences, SHARE, -0.01).p_above <= 0.05 >= corrected_t(differences, SHARE, 0.01).p_below
    assert bool(cell.equal_to) is inside is True


def bare_sides(content, path=()):
    """Return the paths of all words that name a side and do not say "on these rows"."""
    if isinstance(content, dict):
        return [found for key, value in content.items() for found in bare_sides(value, (*path, key))]
    if isinstance(content, list):
        return [found for value in content for found in bare_sides(value, path)]
    return [path] if content in SIDES else []


@pytest.mark.parametrize("finite", [FOLDS, RANDOM, FIXED])
@pytest.mark.parametrize("by", [(), ("--by", "norm"), ("--by", "norm", "--by", "batch_size")])
def test_better_alone_is_said_of_new_data_only(finite, by):
    folder = make_study(arms=["a", "b", "c", "d"], named=["norm", "batch_size"], baseline="norm=kept")
    for i, norm in enumerate(("kept", "kept", "group_norm", "group_norm")):
        made = make_arm(folder, "abcd"[i], norm=norm, batch_size=4 + i % 2)
        for seed, value in enumerate(shifted(0.05 * i)):
            sizes = {"num_train": 300, "num_validation": 50, "num_test": 50}
            make_run(made, seed, [{"step": 20, METRIC: value}], constant_predictor=CONSTANT, finite=finite, **sizes)
    content = json.loads(normbench("compare", folder, "--json", "--metric", METRIC, *by).out)
    for key in ("blocks", "settings"):
        content[0].pop(key, None)
    found = {path for path in bare_sides(content) if path[-1] == "verdict"}
    assert {path[-2] for path in found} <= {"new_data", "trend"}
    assert bool(found) is (finite is not FIXED)


@pytest.mark.parametrize("options", [{"finite": FIXED}, {"settings": {"fix": ["data"]}}])
def test_one_split_never_gives_a_verdict_on_new_data(options):
    values = {"kept": LEVEL, "group_norm": shifted(0.05)}
    found = judged(values, **options)
    effect = effect_of(found, "group_norm")
    assert (effect.verdict, effect.new_data.verdict) == ("better on these rows", "one split")
    assert (effect.new_data.low, effect.new_data.high, effect.new_data.p) == (-math.inf, math.inf, 1.0)
    (cell,) = found.answer.cells
    assert (cell.taken, cell.why_not_new, cell.rule.kind) == ("norm=group_norm", "one split", "fixed")
    assert failing_rows([found], read_gate("verdict==better")) == []


def test_steps_say_nothing_of_new_data():
    values = {"kept": [0.9] * 8, "gn": [0.4] * 8}
    effect = effect_of(judged(values, metric="test_loss", compared="steps_to 0.5 test_loss"), "gn")
    assert effect.new_data.verdict == "moves in steps"


@pytest.mark.parametrize("metric", ["train_loss", "last train_loss"])
def test_what_training_rows_decide_is_corrected_for_those_that_splits_share(metric):
    values = {"kept": LEVEL, "gn": shifted(0.05, 0.001)}
    new = effect_of(judged(values, metric="train_loss", compared=metric), "gn").new_data
    assert new.rule.overlap == pytest.approx(300 / (400 - 300))
    found = corrected_t(np.log(values["gn"]) - np.log(LEVEL), 3.0)
    assert (new.p, new.verdict) == (pytest.approx(found.p), "worse")


def test_validation_rows_have_their_own_share():
    values = {"kept": LEVEL, "gn": shifted(0.05, 0.02)}
    new = effect_of(judged(values, metric="validation_accuracy"), "gn").new_data
    assert new.rule.overlap == pytest.approx(50 / 300)


def test_arms_on_different_data_say_nothing_of_new_ones():
    folder = make_study(arms=["a", "b"], named=["dataset"], baseline="a")
    for arm, num_rows in (("a", 400), ("b", 500)):
        made = make_arm(folder, arm, dataset=arm)
        for seed, value in enumerate(shifted(num_rows / 10_000)):
            sizes = {"num_train": 300, "num_validation": 50, "num_test": 50, "finite": FOLDS | {"num_rows": num_rows}}
            make_run(made, seed, [{"step": 20, METRIC: value}], constant_predictor=CONSTANT, **sizes)
    found = with_answer(with_effects(compare_study(read_study(folder), [METRIC])))
    assert found.rows[1].effect.new_data.verdict == "different data"
    assert found.answer.cells[0].why_not_new == "different data"


def test_seeds_that_were_added_share_five_percent_and_missing_ones_are_waited_for():
    values = {"kept": [*LEVEL, *shifted(0.001)], "gn": [*shifted(0.03), *shifted(0.031)]}
    grown = [Asked(tuple(range(n)), (), ("aaaaaa",)).to_json() for n in (8, 16)]
    found = judged(values, **{SEED_HISTORY: grown})
    assert effect_of(found, "gn").new_data.rule.level == pytest.approx(0.025)
    assert found.answer.cells[0].rule.level == pytest.approx(0.025)
    few = {arm: of[:15] for arm, of in values.items()}
    new = effect_of(judged(few, name="few", **{SEED_HISTORY: grown[1:]}), "gn").new_data
    assert (new.verdict, new.seeds_needed) == ("incomplete", 16)


@pytest.mark.parametrize(("num_seeds", "verdict"), [(5, "too few seeds"), (6, "better")])
def test_six_splits_are_the_fewest(num_seeds, verdict):
    values = {"kept": LEVEL[:num_seeds], "gn": shifted(0.3)[:num_seeds]}
    found = judged(values)
    assert effect_of(found, "gn").new_data.verdict == verdict
    assert (found.answer.cells[0].seeds_needed is None) is (num_seeds == 6)


def test_a_gate_asks_for_the_verdict_on_new_data():
    drops = [0.001, 0.002, 0.06, 0.003, 0.07, 0.001, 0.05, 0.002]
    found = judged({"kept": LEVEL, "gn": [value - drop for value, drop in zip(LEVEL, drops, strict=True)]})
    effect = effect_of(found, "gn")
    assert (effect.verdict, effect.new_data.verdict) == ("worse on these rows", "cannot tell")
    assert failing_rows([found], read_gate("verdict==worse")) == []
    worse = judged({"kept": LEVEL, "gn": shifted(-0.05)}, name="worse")
    assert failing_rows([worse], read_gate("verdict==worse")) == [
        "worse: norm=gn: --fail-if verdict==worse: verdict is worse"
    ]


def test_a_task_that_was_not_learned_has_no_verdict_on_new_data_either():
    failed = {("kept", seed) for seed in range(8)} | {("gn", seed) for seed in range(8)}
    effect = effect_of(judged({"kept": LEVEL, "gn": shifted(0.05)}, failed=failed), "gn")
    assert (effect.verdict, effect.new_data.verdict) == ("no verdict", "no verdict")


def test_trends_are_about_new_data():
    folder = make_study(arms=["a", "b", "c"], named=["batch_size"], baseline="a")
    drawn = np.random.default_rng(5).normal(0, 0.02, (3, 8))
    for i, arm in enumerate("abc"):
        made = make_arm(folder, arm, batch_size=2**i)
        for seed in range(8):
            sizes = {"num_train": 300, "num_validation": 50, "num_test": 50, "finite": RANDOM}
            value = 0.7 + 0.03 * i + drawn[i, seed]
            make_run(made, seed, [{"step": 20, METRIC: value}], constant_predictor=CONSTANT, **sizes)
    found = with_effects(compare_study(read_study(folder), [METRIC]))
    (table,) = make_pivots(found, ["batch_size"])
    taus = list(table.trend.by_seed.values())
    told = corrected_t(taus, SHARE, least_spread=2 / 3 * math.sqrt(2 * 11 / (9 * 3 * 2)))
    assert (table.trend.tau, table.trend.p) == (told.value, told.p)
    alone = replace(found, rows=found.rows[:1])
    assert make_pivots(alone, ["batch_size"])[0].trend is None


@pytest.mark.parametrize(
    "damaged",
    [{"unit": "images"}, [400], FOLDS | {"splits": "leaves"}, FOLDS | {"num_rows": "many"}, FOLDS | {"num_folds": []}],
)
def test_a_summary_that_says_something_else_of_its_data_is_named(damaged):
    with pytest.raises(RunFolderError, match=r"seed-0/summary\.json: finite(\.\w+)?: must be "):
        judged({"kept": LEVEL, "gn": shifted(0.05)}, finite=damaged)


def test_data_that_seeds_draw_are_judged_as_ever():
    found = judged({"kept": LEVEL, "gn": shifted(0.05)}, finite=None)
    assert (effect_of(found, "gn").verdict, effect_of(found, "gn").new_data) == ("better", None)
    assert (found.answer.cells[0].rule.kind, found.answer.cells[0].data) == ("fixed", None)
    assert Path("runs/made_up").is_dir()
