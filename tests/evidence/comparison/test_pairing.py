"""Two arms are paired if they differ only in what is compared: found over all settings that are called alike."""

import random
from itertools import combinations, product
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from contracts.variants import PARTS, variants
from made_up_runs import make_run
from pydantic import ValidationError

from normbench.errors import ComparisonError, ConfigError
from normbench.evidence.comparison.comparison import compare_runs
from normbench.evidence.comparison.effects import with_effects
from normbench.scheduling.plan import make_plan, write_study_files
from normbench.scheduling.tuning import with_choices
from normbench.storage.choices import Choice
from normbench.study.load import load_study

RUNS = Path("runs")
SEEDS = 6
TRIED = (0.1, 0.2, 0.5, 0.9, 1, 2, 4, 8, 16, True, False)
KEY_OF = {"norms": "norm", "models": "model", "datasets": "dataset", "optimizers": "optimizer"} | {
    "weight_parametrizations": "weight_parametrization",
    "schedules": "schedule",
}
BASE = {"model": "mlp", "dataset": "gaussian_clusters", "norm": "none", "optimizer": "sgd"}
SMALL = {"mlp": "{name: mlp, hidden_features: [8]}"}


def values_of(variant, field):
    """Return values that a setting may have, its default aside."""
    found = []
    for value in TRIED:
        try:
            variant(**{field: value})
        except (ValidationError, ValueError):
            continue
        if all(value != other or type(value) is not type(other) for other in found):
            found.append(value)
    return found


def load(text, grid, baseline, more=""):
    Path("alike.yaml").write_text(f"{text}grid: {grid}\nseeds: {SEEDS}\nbaseline: {baseline}\n{more}", encoding="utf-8")
    return load_study(Path("alike.yaml"))


def parts_text(**chosen):
    parts = BASE | chosen
    return "".join(f"{key}: {SMALL.get(name, name)}\n" for key, name in parts.items()) + "num_steps: 4\nbatch_size: 8\n"


def grids():
    """Return a pair of settings whose keys end alike, of each pair of parts that has one, and values of both."""
    found = {}
    for one, other in combinations(sorted(PARTS & set(KEY_OF)), 2):
        for first, second in product(variants(one), variants(other)):
            for field in set(first.model_fields) & set(second.model_fields) - {"name"}:
                lists = values_of(first, field), values_of(second, field)
                keys = f"{KEY_OF[one]}.{field}", f"{KEY_OF[other]}.{field}"
                chosen = {KEY_OF[one]: first().name, KEY_OF[other]: second().name}
                is_new = keys not in found and all(len(values) > 1 for values in lists)
                if is_new and fits(chosen, keys, lists):
                    found[keys] = pytest.param(chosen, keys, lists, id="-".join(keys))
    return list(found.values())


def fits(chosen, keys, lists):
    settings = "\n".join(f"  {key}: [{yaml_text(values[0])}]" for key, values in zip(keys, lists, strict=True))
    with TemporaryDirectory() as folder:
        path = Path(folder, "alike.yaml")
        path.write_text(f"{parts_text(**chosen)}grid:\n{settings}\n", encoding="utf-8")
        try:
            return bool(load_study(path).arms)
        except ConfigError:
            return False


def yaml_text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def fill(study, rng):
    """Write the study's folder with made-up runs, no two arms alike."""
    plan = make_plan(study, RUNS)
    write_study_files(plan)
    for run in plan.runs:
        if not run.folder.exists():
            run.folder.parent.mkdir(parents=True, exist_ok=True)
            make_run(run.folder.parent, run.seed, [{"step": 0, "test_loss": rng.lognormvariate(0, 1)}])


def effects(comparison):
    """Return what each arm is judged to be, before the correction that counts a table's comparisons."""
    judged = with_effects(comparison).rows
    return {row.arm: row.effect and (row.effect.value, row.effect.low, row.effect.high, row.effect.p) for row in judged}


PAIRS = grids()


def test_settings_that_end_alike_are_found():
    assert len(PAIRS) >= 3
    assert any("norm.momentum" in pair.id and "optimizer.momentum" in pair.id for pair in PAIRS)


@pytest.mark.parametrize(("chosen", "keys", "lists"), PAIRS)
def test_a_grid_over_keys_that_end_alike_judges_as_where_on_the_other_key_does(chosen, keys, lists):
    rng = random.Random("-".join(keys))
    picked = [rng.sample(values, min(len(values), rng.choice([2, 3]))) for values in lists]
    if rng.random() < 0.5 and set(map(repr, lists[0])) == set(map(repr, lists[1])):
        picked[1] = list(picked[0])
    grid = "{" + ", ".join(f"{k}: [{', '.join(map(yaml_text, v))}]" for k, v in zip(keys, picked, strict=True)) + "}"
    for key, other, values, fixed in ((*keys, picked[1], picked[0][0]), (*keys[::-1], picked[0], picked[1][0])):
        study = load(parts_text(**chosen), grid, f"{{{key}: {yaml_text(fixed)}}}")
        fill(study, rng)
        (whole,) = compare_runs([RUNS / "alike"], metrics=["test_loss"])
        found = effects(whole)
        assert sum(effect is None for effect in found.values()) == len(values)
        for value in values:
            (part,) = compare_runs([RUNS / "alike"], metrics=["test_loss"], where=[f"{other}={yaml_text(value)}"])
            alone = effects(part)
            assert {arm: found[arm] for arm in alone} == alone


MOMENTA = parts_text(norm="batch_norm")


@pytest.mark.parametrize("second", ["[0.2, 0.9]", "[0.1, 0.9]"])
def test_two_momenta_have_two_baselines_and_two_comparisons(second):
    study = load(MOMENTA, f"{{norm.momentum: [0.1, 0.9], optimizer.momentum: {second}}}", "{norm.momentum: 0.1}")
    assert next(iter(study.arms)).startswith("norm.momentum=0.1,optimizer.momentum=")
    fill(study, random.Random(0))
    (whole,) = compare_runs([RUNS / "alike"], metrics=["test_loss"])
    assert [effect is None for effect in effects(whole).values()] == [True, True, False, False]


@pytest.mark.parametrize("seed", range(4))
def test_arms_at_their_own_settings_are_never_paired_with_given_ones(seed):
    rng = random.Random(seed)
    tune = "tune: {optimizer.lr: [0.01, 0.1, 0.5]}\n"
    study = load(MOMENTA, "{norm.momentum: [0.1, 0.5], batch_size: [4, 8]}", "{norm.momentum: 0.1}", tune)
    choices = {arm: Choice(arm, {"optimizer.lr": rng.choice([0.02, 0.1, 0.5])}, [], 0, False, ()) for arm in study.arms}
    fill(with_choices(study, choices), rng)
    (whole,) = compare_runs([RUNS / "alike"], metrics=["test_loss"])
    together = effects(whole)
    for tuned in ("true", "false"):
        (family,) = compare_runs([RUNS / "alike"], metrics=["test_loss"], where=[f"tuned={tuned}"])
        alone = effects(family)
        assert [effect is None for effect in alone.values()] == [True, True, False, False]
        assert {arm: together[arm] for arm in alone} == alone


def test_a_baseline_at_its_own_settings_is_one_for_all():
    tune = "tune: {optimizer.lr: [0.02, 0.1]}\n"
    study = load(MOMENTA, "{norm.momentum: [0.1, 0.5]}", "{norm.momentum: 0.1}", tune)
    lrs = {arm: Choice(arm, {"optimizer.lr": 0.02 * (i + 1)}, [], 0, False, ()) for i, arm in enumerate(study.arms)}
    fill(with_choices(study, lrs), random.Random(0))
    (whole,) = compare_runs([RUNS / "alike"], metrics=["test_loss"])
    judged = with_effects(whole, "momentum=0.1,tuned").rows
    assert [row.arm for row in judged if row.effect is None] == ["momentum=0.1,tuned"]


def claim(expect):
    return f"claims: [{{says: so, metric: test_loss, expect: {expect}}}]\n"


def refusal(baseline, grid, more=""):
    with pytest.raises(ConfigError) as error:
        load(MOMENTA, grid, baseline, more)
    return str(error.value)


TWO = "{norm.momentum: [0.1, 0.5], optimizer.momentum: [0.1, 0.9]}"
VARIANTS = "{norm: [none, {name: group_norm, num_groups: 2}, {name: group_norm, num_groups: 4}]}"


def test_a_short_key_that_could_mean_two_is_refused_with_both():
    said = "must be a key that can only mean one setting, got 'momentum'. Write norm.momentum or optimizer.momentum."
    assert said in refusal("{momentum: 0.1}", TWO)
    assert said in refusal("momentum=0.1", TWO)
    expect = "{trend: batch_size, of: momentum=0.1, rising: true}"
    assert said in refusal(
        "{norm.momentum: 0.1}", TWO, f"claims: [{{says: so, metric: test_loss, expect: {expect}}}]\n"
    )
    fill(load(MOMENTA, TWO, "{norm.momentum: 0.1}"), random.Random(0))
    (whole,) = compare_runs([RUNS / "alike"], metrics=["test_loss"])
    with pytest.raises(ComparisonError) as error:
        with_effects(whole, "momentum=0.1")
    assert said in str(error.value)


def test_a_selector_that_could_mean_two_arms_is_refused_with_both():
    both = "could mean norm=group_norm,num_groups=2 or norm=group_norm,num_groups=4, got 'norm=group_norm'"
    assert both in refusal("{norm: group_norm}", VARIANTS)
    assert both in refusal("{norm: none}", VARIANTS, claim("{range: [0, 1], of: norm=group_norm}"))


@pytest.mark.parametrize("said", ["{norm: {name: group_norm, num_groups: 4}}", "{num_groups: 4}", "norm.num_groups=4"])
def test_a_variant_of_a_part_can_be_the_baseline(said):
    study = load(MOMENTA, VARIANTS, said)
    fill(study, random.Random(0))
    (whole,) = compare_runs([RUNS / "alike"], metrics=["test_loss"])
    assert [arm for arm, effect in effects(whole).items() if effect is None][-1] == "norm=group_norm,num_groups=4"


@pytest.mark.parametrize("said", ["a", "{arm: a}"])
def test_a_name_is_compared_within_the_rest_of_the_grid(said):
    arms = "arms: {a: {}, b: {norm.momentum: 0.5, weight_decay: 0.1}}\n"
    study = load(MOMENTA, "{optimizer.lr: [0.1, 0.2]}", said, arms)
    fill(study, random.Random(0))
    (whole,) = compare_runs([RUNS / "alike"], metrics=["test_loss"])
    assert [arm for arm, effect in effects(whole).items() if effect is None] == ["a,lr=0.1", "a,lr=0.2"]
    for lr in (0.1, 0.2):
        (part,) = compare_runs([RUNS / "alike"], metrics=["test_loss"], where=[f"optimizer.lr={lr}"])
        assert effects(part).items() <= effects(whole).items()


def test_the_label_of_one_arm_makes_it_the_baseline_of_all_others_of_its_family():
    tune = "tune: {optimizer.lr: [0.02, 0.1]}\n"
    study = load(MOMENTA, "{norm.momentum: [0.1, 0.5], batch_size: [4, 8]}", '"momentum=0.1,batch_size=4"', tune)
    choices = {arm: Choice(arm, {"optimizer.lr": 0.02}, [], 0, False, ()) for arm in study.arms}
    fill(with_choices(study, choices), random.Random(0))
    (whole,) = compare_runs([RUNS / "alike"], metrics=["test_loss"])
    together = effects(whole)
    one = "momentum=0.1,batch_size=4"
    assert [arm for arm, effect in together.items() if effect is None] == [one, f"{one},tuned"]
    (tuned,) = compare_runs([RUNS / "alike"], metrics=["test_loss"], where=["tuned=true"])
    assert effects(tuned).items() <= together.items()


def test_a_setting_below_what_is_compared_stays_equal_where_it_is_an_axis_itself():
    study = load(MOMENTA, "{norm: [batch_norm, ghost_batch_norm], norm.momentum: [0.1, 0.5]}", "{norm: batch_norm}")
    fill(study, random.Random(0))
    (whole,) = compare_runs([RUNS / "alike"], metrics=["test_loss"])
    for momentum in (0.1, 0.5):
        where = [f"norm.momentum={momentum}"]
        (part,) = compare_runs([RUNS / "alike"], metrics=["test_loss"], where=where)
        assert [effect is None for effect in effects(part).values()] == [True, False]
        assert effects(part).items() <= effects(whole).items()
