"""Which arms of several tasks are the same: matched by the settings in question, and refused where they are not."""

from pathlib import Path

import pytest
from made_up_runs import make_arm, make_run, make_study
from made_up_tasks import TASKS, alike, make_tasks, pooled

from normbench.errors import ComparisonError
from normbench.storage.files.json_files import read_json, write_json
from normbench.storage.run_folder import STUDY_JSON


def refusal(*folders, **options):
    with pytest.raises(ComparisonError) as refused:
        pooled(*folders, **options)
    said = str(refused.value)
    assert "\n" not in said
    return said


def by_name(pool):
    return {arm.arm: arm for arm in pool.arms}


def make_single(dataset, effects, name, **options):
    return make_tasks({dataset: effects}, name=name, **options)


def test_several_studies_are_tasks_under_their_own_names():
    effects = {"none": 0.0, "batch_norm": -0.4}
    pool = pooled(*(make_single(dataset, effects, f"on_{dataset}") for dataset in TASKS[:3]))
    assert pool.tasks == ["on_banknotes", "on_gratings", "on_contrast"]
    assert (pool.arms[1].arm, pool.arms[1].verdict) == ("batch_norm", "better")


def test_a_study_of_two_datasets_beside_one_of_a_third():
    both = make_tasks(alike(2, batch_norm=-0.4), name="both")
    third = make_single(TASKS[2], {"none": 0.0, "batch_norm": -0.4}, "third")
    assert pooled(both, third).tasks == ["both banknotes", "both gratings", "third"]


def test_one_dataset_with_several_settings_is_several_tasks():
    folder = make_study(arms=["a", "b", "c", "d"], baseline="norm=none", axes=["dataset.noise", "norm"])
    for arm, (noise, norm) in zip("abcd", ((n, m) for n in (0.1, 0.5) for m in ("none", "batch_norm")), strict=True):
        made = make_arm(folder, arm, dataset="gratings", dataset__noise=noise, norm=norm)
        for seed in range(8):
            make_run(made, seed, [{"step": 20, "test_loss": 1.0 + seed / 10 - 0.3 * (norm == "batch_norm")}])
    assert pooled(folder).tasks == ["gratings (noise 0.1)", "gratings (noise 0.5)"]


def test_what_differs_between_tasks_only_belongs_to_the_task():
    """A model, a learning rate per dataset: the arms are the same if they agree in what is in question."""
    settings = {TASKS[0]: {"model": "mlp", "optimizer__lr": 0.1}, TASKS[1]: {"model": "lenet", "optimizer__lr": 0.01}}
    pool = pooled(make_tasks(alike(2, batch_norm=-0.4), settings=settings))
    assert [(arm.arm, arm.verdict) for arm in pool.arms] == [("none", ""), ("batch_norm", "better")]


def test_arms_are_matched_by_settings_whatever_they_are_called():
    """One study names its arms, another sets them by a grid, and each has its own order."""
    grid = make_single(TASKS[0], {"batch_norm": -0.4, "none": 0.0}, "grid")
    named = make_study(name="named", arms=["mine", "plain"], baseline="plain", named=["norm"])
    for arm, norm, level in (("mine", "batch_norm", 0.5), ("plain", "none", 1.0)):
        made = make_arm(named, arm, dataset=TASKS[1], norm=norm)
        for seed in range(8):
            make_run(made, seed, [{"step": 20, "test_loss": level * (1 + seed / 10)}])
    found = by_name(pooled(grid, named))
    assert {name: arm.verdict for name, arm in found.items()} == {"batch_norm": "better", "none": ""}
    assert [effect.value for effect in found["batch_norm"].by_task][1] == pytest.approx(0.5)


def test_names_that_differ_between_tasks_are_no_labels():
    """One study whose arms hold their dataset: the names say more than the arm."""
    arms = {f"{norm}_{dataset}": (norm, dataset) for dataset in TASKS[:2] for norm in ("none", "bn")}
    folder = make_study(arms=arms, baseline="norm=none", named=["norm", "dataset"])
    for arm, (norm, dataset) in arms.items():
        made = make_arm(folder, arm, dataset=dataset, norm=norm)
        for seed in range(8):
            make_run(made, seed, [{"step": 20, "test_loss": (1 + seed / 10) * (0.5 if norm == "bn" else 1.0)}])
    assert {name: arm.verdict for name, arm in by_name(pooled(folder)).items()} == {"none": "", "bn": "better"}


def test_names_that_tasks_share_are_the_labels():
    arms = {f"{name},dataset={dataset}": (name, dataset) for dataset in TASKS[:2] for name in ("plain", "mine")}
    folder = make_study(arms=arms, baseline="plain", axes=["dataset"], named=["norm"])
    content = read_json(folder / STUDY_JSON)
    for entry, (name, dataset) in zip(content["arms"], arms.values(), strict=True):
        entry |= {"name": name, "sets": {"dataset": dataset}}
    write_json(folder / STUDY_JSON, content | {"baseline": {"said": "plain", "name": "plain"}})
    for arm, (name, dataset) in arms.items():
        make_run(make_arm(folder, arm, dataset=dataset, norm={"plain": "none", "mine": "bn"}[name]))
    pool = pooled(folder)
    assert ([arm.arm for arm in pool.arms], pool.key, pool.baseline) == (["plain", "mine"], "", "plain")


def test_studies_of_one_name_are_called_by_their_folders():
    effects = {"none": 0.0, "batch_norm": -0.4}
    first = make_tasks({TASKS[0]: effects}, name="norms", runs_dir=Path("runs"))
    second = make_tasks({TASKS[1]: effects}, name="norms", runs_dir=Path("older"))
    assert pooled(first, second).tasks == ["runs/norms", "older/norms"]


@pytest.fixture
def two_settings():
    """Two norms times two batch sizes on two datasets: batch norm is worse where batches are small."""
    arms = [f"dataset={d},norm={n},batch_size={b}" for d in TASKS[:2] for n in ("none", "batch_norm") for b in (2, 8)]
    folder = make_study(arms=arms, baseline="norm=none", axes=["dataset", "norm", "batch_size"])
    for arm in arms:
        said = dict(word.split("=") for word in arm.split(","))
        size = int(said["batch_size"])
        made = make_arm(folder, arm, dataset=said["dataset"], norm=said["norm"], batch_size=size)
        level = size * (1.0 if said["norm"] == "none" else {2: 2.0, 8: 0.5}[size])
        for seed in range(8):
            make_run(made, seed, [{"step": 20, "test_loss": level * (1 + seed / 10)}])
    return folder


def test_arms_of_two_settings_are_judged_against_the_baseline_with_the_same_other_setting(two_settings):
    pool = pooled(two_settings)
    assert (pool.key, pool.baseline) == ("", "norm=none")
    assert {name: (arm.baseline, arm.verdict) for name, arm in by_name(pool).items()} == {
        "norm=none,batch_size=2": ("", ""),
        "norm=none,batch_size=8": ("", ""),
        "norm=batch_norm,batch_size=2": ("norm=none,batch_size=2", "worse"),
        "norm=batch_norm,batch_size=8": ("norm=none,batch_size=8", "better"),
    }


def test_where_chooses_among_the_arms(two_settings):
    pool = pooled(two_settings, where=["batch_size=8"])
    assert (pool.key, pool.baseline, [arm.verdict for arm in pool.arms]) == ("norm", "none", ["", "better"])


def tuned_study(name, dataset, given_lr):
    """Two norms at a given learning rate and at a tuned one."""
    arms = {f"norm={norm}{',tuned' * is_tuned}": (norm, is_tuned) for is_tuned in (0, 1) for norm in ("none", "bn")}
    folder = make_study(name=name, arms=arms, baseline="norm=none", axes=["norm"], tune={"optimizer.lr": [0.1, 0.3]})
    content = read_json(folder / STUDY_JSON)
    for entry, (norm, is_tuned) in zip(content["arms"], arms.values(), strict=True):
        entry |= {"sets": {"norm": norm}, "tuned": ["optimizer.lr"] * is_tuned}
    write_json(folder / STUDY_JSON, content)
    for arm, (norm, is_tuned) in arms.items():
        made = make_arm(folder, arm, dataset=dataset, norm=norm, optimizer__lr=0.3 if is_tuned else given_lr)
        for seed in range(8):
            loss = (1.0 - 0.4 * (norm == "bn") - 0.1 * is_tuned) * (1 + seed / 10)
            make_run(made, seed, [{"step": 20, "test_loss": loss}])
    return folder


def test_tuned_arms_are_pooled_with_tuned_arms_whatever_was_chosen_or_given():
    pool = pooled(tuned_study("one", TASKS[0], 0.1), tuned_study("two", TASKS[1], 0.01))
    assert {name: (arm.baseline, arm.verdict) for name, arm in by_name(pool).items()} == {
        "none": ("", ""),
        "bn": ("none", "better"),
        "none, tuned": ("", ""),
        "bn, tuned": ("none, tuned", "better"),
    }


def test_without_a_baseline_the_first_arm_is_it():
    pool = pooled(make_tasks(alike(2, batch_norm=-0.4), baseline=None))
    assert (pool.is_first_baseline, pool.arms[0].effect, pool.arms[1].baseline) == (True, None, "none")


def test_a_baseline_of_the_command_turns_the_effect_round():
    folder = make_tasks(alike(3, batch_norm=-0.4))
    there, back = (pooled(folder, baseline=said) for said in ("norm=none", "norm=batch_norm"))
    effects = by_name(there)["batch_norm"].effect, by_name(back)["none"].effect
    assert effects[0].value == pytest.approx(1 / effects[1].value)
    assert [effects[0].low, effects[0].high] == pytest.approx([1 / effects[1].high, 1 / effects[1].low])


def test_effects_are_ratios_in_all_tasks_or_in_none():
    folder = make_tasks(alike(2, batch_norm=-0.4))
    zero = make_single(TASKS[2], {"none": 0.0, "batch_norm": -0.4}, "zero")
    for norm, loss in (("none", 1.0), ("batch_norm", 0.0)):
        make_run(next(zero.glob(f"*{norm}*")), 8, [{"step": 20, "test_loss": loss}])
    arm = pooled(folder, zero).arms[1]
    assert [effect.is_ratio for effect in (arm.effect, *arm.by_task)] == [False] * 4


def test_one_task_is_none_of_several():
    said = refusal(make_single(TASKS[0], {"none": 0.0, "batch_norm": -0.4}, "one"))
    rule = "must be over 2 tasks or more, got banknotes"
    assert said == f"--pool: {rule}. Name several studies, or run one with several datasets under grid:."


def test_a_study_that_nothing_was_run_of_is_named():
    folder = make_tasks(alike(2, batch_norm=-0.4))
    make_study(name="empty", arms=["norm=none"])
    rule = "every study must have a finished run, got none in empty"
    assert refusal(folder, folder.parent / "empty") == f"--pool: {rule}. Run it: normbench run empty"


def test_the_same_data_twice_are_no_two_tasks():
    folders = [make_single(TASKS[0], {"none": 0.0, "batch_norm": -0.4}, name) for name in ("one", "two")]
    rule = "every task must have a dataset of its own, got the same in one and two"
    assert refusal(*folders) == f"--pool: {rule}. Their seeds draw the same data: name one of the two."


def test_an_arm_that_one_task_lacks_is_named():
    effects = alike(2, batch_norm=-0.4) | {TASKS[1]: {"none": 0.0}}
    assert refusal(make_tasks(effects)) == (
        "--pool: every task must have the same arms, got dataset=banknotes,norm=batch_norm in banknotes and in "
        "gratings only dataset=gratings,norm=none. Run it in both, or choose arms with --where."
    )


def named_study(name, dataset, **settings):
    folder = make_study(name=name, arms=["plain", "mine"], baseline="plain", named=["norm", *settings])
    for arm, own in (("plain", {"norm": "none"}), ("mine", {"norm": "group_norm"} | settings)):
        make_run(make_arm(folder, arm, dataset=dataset, **own))
    return folder


def test_namesakes_that_differ_in_what_is_in_question_are_no_same_arm():
    folders = [named_study(f"n{n}", dataset, norm__num_groups=n) for n, dataset in zip((2, 4), TASKS, strict=False)]
    assert refusal(*folders) == (
        "--pool: every task must have the same arms, got mine in n2 and in n4 with norm.num_groups 2 and 4. "
        "Run it in both, or choose arms with --where."
    )


def test_an_accuracy_is_not_pooled_with_a_loss():
    loss = make_single(TASKS[0], {"none": 0.0, "batch_norm": -0.4}, "loss")
    other = make_study(name="other", arms=["norm=none", "norm=batch_norm"], baseline="norm=none", axes=["norm"])
    for norm in ("none", "batch_norm"):
        made = make_arm(other, f"norm={norm}", dataset=TASKS[1], norm=norm)
        row = {"step": 20, "test_accuracy": 0.5}
        make_run(made, 0, [row], constant_predictor={"test_accuracy": 0.5})
    rule = "every task must be judged by one metric, got test_loss in loss, test_accuracy in other"
    assert refusal(loss, other, metrics=()) == f"--pool: {rule}. Add --metric test_loss."


def test_a_task_without_the_metric_is_named():
    arms = {f"dataset={dataset},norm={norm}": (dataset, norm) for dataset in TASKS[:2] for norm in ("none", "bn")}
    folder = make_study(arms=arms, baseline="norm=none", axes=["dataset", "norm"])
    for arm, (dataset, norm) in arms.items():
        row = {"step": 20, "test_loss": 1.0} | ({"test_accuracy": 0.5} if dataset == TASKS[1] else {})
        make_run(make_arm(folder, arm, dataset=dataset, norm=norm), metrics=[row])
    rule = "every task must have the metric, got no test_accuracy of dataset=banknotes,norm=none in banknotes"
    assert refusal(folder, metrics=["test_accuracy"]) == f"--pool: {rule}. Add --metric test_loss."


def test_two_baselines_are_named():
    folders = [
        make_single(dataset, {"none": 0.0, "batch_norm": -0.4}, dataset, baseline=f"norm={norm}")
        for dataset, norm in zip(TASKS, ("none", "batch_norm"), strict=False)
    ]
    rule = "every task must have the same baseline, got norm=none in banknotes and norm=batch_norm in gratings"
    assert refusal(*folders) == f"--pool: {rule}. Add --baseline ARM."
    assert pooled(*folders, baseline="norm=none").arms[1].verdict == "better"


def test_a_baseline_on_one_dataset_only_is_none_of_all_tasks():
    said = refusal(make_tasks(alike(2, batch_norm=-0.4)), baseline="norm=none,dataset=banknotes")
    assert said == (
        "--pool: every task must have the baseline and an arm beside it, got none for 'norm=none,dataset=banknotes' in "
        "gratings. Write --baseline without a dataset, or name other studies."
    )


def test_arms_without_a_seed_in_common_are_named():
    folder = make_tasks(alike(2, batch_norm=-0.4), seeds=range(3))
    made = make_study(name="apart", arms=["norm=none", "norm=batch_norm"], baseline="norm=none", axes=["norm"])
    for seed, norm in enumerate(("none", "batch_norm")):
        make_run(make_arm(made, f"norm={norm}", dataset=TASKS[2], norm=norm), seed)
    rule = "every task must have seeds that an arm and its baseline share, got none of norm=batch_norm and norm=none"
    assert refusal(folder, made) == f"--pool: {rule} in apart. Run both on the same seeds."


def test_a_plain_file_with_two_settings_needs_a_baseline():
    folder = make_study(is_plain=True)
    for i, (dataset, norm, size) in enumerate((d, n, b) for d in TASKS[:2] for n, b in (("none", 2), ("bn", 8))):
        make_run(make_arm(folder, f"arm{i}", dataset=dataset, norm=norm, batch_size=size))
    assert refusal(folder) == "--pool: must have a baseline and an arm beside it, got none. Add --baseline ARM."


def test_a_plain_file_run_with_other_settings_is_pooled():
    folder = make_study(is_plain=True)
    for i, (dataset, norm) in enumerate((dataset, norm) for dataset in TASKS[:2] for norm in ("none", "bn")):
        made = make_arm(folder, f"arm{i}", dataset=dataset, norm=norm)
        for seed in range(8):
            make_run(made, seed, [{"step": 20, "test_loss": (1 + seed / 10) * (0.5 if norm == "bn" else 1.0)}])
    assert {name: arm.verdict for name, arm in by_name(pooled(folder)).items()} == {"none": "", "bn": "better"}
