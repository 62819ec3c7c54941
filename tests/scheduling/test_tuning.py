"""Each arm's own settings: chosen on other seeds, by the median, frozen before the comparison begins."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_runs import ARMS, SUMMARY, TINY, write_csv

from normbench.errors import RunFailedError, RunFolderError
from normbench.evidence.comparison.comparison import compare_study
from normbench.evidence.comparison.effects import with_effects
from normbench.scheduling import one_job
from normbench.scheduling.candidates import with_settings
from normbench.scheduling.executors.in_process import InProcess
from normbench.scheduling.quick_study import quick_study
from normbench.scheduling.schedule import run_study
from normbench.scheduling.tuning import known_choices, tune_study, with_choices
from normbench.storage.digests import csv_digests
from normbench.storage.files.json_files import write_sealed_json
from normbench.storage.run_folder import METRICS_CSV, SUMMARY_JSON
from normbench.storage.study_folder import read_study
from normbench.study.load import load_study
from normbench.study.study import TUNING_SEEDS
from normbench.training.found_result import describe_recording

RUNS = Path("runs")
CONSTANT = 2.0


def identity(config):
    return config.on("cpu").identity().sha256


def study_of(tune, text=TINY, **options):
    Path("tiny.yaml").write_text(text + f"tune: {json.dumps(tune)}\n", encoding="utf-8")
    return load_study(Path("tiny.yaml"), **options)


@pytest.fixture
def losses(monkeypatch):
    """Final validation losses by dropout, else by learning rate; one or one per seed, None for a diverged run."""
    losses = {}

    def made_up(config, seed, folder, *, identity, **_):
        found = losses.get(config.dropout or config.optimizer.lr, 1.0)
        loss = found[TUNING_SEEDS.index(seed)] if isinstance(found, tuple) else found
        rows = [{"step": 0, "validation_loss": 1.5}, {"step": 4, "validation_loss": "nan" if loss is None else loss}]
        write_csv(folder / METRICS_CSV, rows)
        status = {"status": "diverged" if loss is None else "finished"}
        constant = {"constant_predictor": {"validation_loss": CONSTANT, "test_loss": CONSTANT}}
        summary = SUMMARY | status | constant | {"identity": identity.sha256, "recorded": describe_recording(config)}
        summary |= {"files": csv_digests(folder)}
        write_sealed_json(folder / SUMMARY_JSON, summary)
        return summary

    monkeypatch.setattr(one_job, "run_experiment", made_up)
    return losses


def choice_of(losses, found, tune=None, **options):
    losses |= found
    study = study_of(tune or {"optimizer.lr": list(found)}, **options)
    return tune_study(study, RUNS, InProcess())[next(iter(study.arms))]


def values_of(choice):
    return [one.values["optimizer.lr"] for one in choice.tried]


def test_the_smallest_median_over_the_tuning_seeds_is_chosen(losses):
    found = {0.01: (0.1, 0.8, 0.2, 0.9), 0.02: (0.9, 0.45, 0.35, 0.1), 0.04: (0.5, 0.6, 0.6, 0.5)}
    choice = choice_of(losses, found)
    assert choice.chosen == {"optimizer.lr": 0.02}
    assert [one.median for one in choice.tried] == pytest.approx([0.5, 0.4, 0.55])
    assert [list(one.scores) for one in choice.tried] == [list(pair) for pair in found.values()]
    assert (choice.widened, choice.at_edge, tuple(choice.seeds)) == (0, False, (1000, 1001, 1002, 1003))


@pytest.mark.parametrize("equal", [0.3, (0.9, 0.1, 0.2, 0.4)])
def test_of_equal_medians_the_smaller_number_is_chosen(losses, equal):
    assert choice_of(losses, {0.08: 0.9, 0.04: 0.3, 0.02: equal, 0.01: 0.9}).chosen == {"optimizer.lr": 0.02}


def test_a_diverged_run_counts_as_the_constant_predictor(losses):
    choice = choice_of(losses, {0.01: 3.0, 0.02: (None, 0.2, None, 0.2), 0.04: 0.5, 0.08: None})
    assert [one.median for one in choice.tried] == pytest.approx([3.0, (CONSTANT + 0.2) / 2, 0.5, CONSTANT])
    assert choice.chosen == {"optimizer.lr": 0.04}


def test_a_list_is_widened_where_the_best_lies_at_its_end(losses):
    losses[0.08] = 0.2
    choice = choice_of(losses, {0.02: 0.5, 0.04: 0.3})
    assert (values_of(choice), choice.chosen) == ([0.02, 0.04, 0.08, 0.16], {"optimizer.lr": 0.08})
    assert (choice.widened, choice.at_edge) == (2, False)


def test_after_two_steps_beyond_the_best_is_said_to_lie_at_the_edge(losses):
    losses |= {0.01: 0.2, 0.005: 0.1, 0.0025: 0.05}
    choice = choice_of(losses, {0.02: 0.3, 0.04: 0.5})
    assert (values_of(choice), choice.chosen) == ([0.02, 0.04, 0.01, 0.005], {"optimizer.lr": 0.005})
    assert (choice.widened, choice.at_edge) == (2, True)


@pytest.mark.parametrize("values", [[0.0, 0.5], [0.5, 0.99]])  # no ratio from 0; 1.96 is no probability
def test_an_end_that_cannot_be_passed_is_an_edge(losses, values):
    losses |= {0.5: 0.3, 0.99: 0.2}
    choice = choice_of(losses, {}, tune={"dropout": values})
    assert (choice.chosen, choice.widened, choice.at_edge) == ({"dropout": values[1]}, 0, True)


def test_nothing_lies_beyond_0(losses):
    choice = choice_of(losses, {0.5: 1.1}, tune={"dropout": [0.0, 0.5]})
    assert (choice.chosen, choice.widened, choice.at_edge) == ({"dropout": 0.0}, 0, False)


def test_parts_and_numbers_are_tuned_together_and_only_numbers_widened(losses):
    tune = {"norm": ["none", {"name": "group_norm", "num_groups": 2}], "optimizer.lr": [0.01, 0.02, 0.04]}
    choice = choice_of(losses, {0.01: 0.5, 0.02: 0.2, 0.04: 0.5}, tune=tune)
    assert len(choice.tried) == 6
    assert (choice.chosen, choice.at_edge) == ({"norm": "none", "optimizer.lr": 0.02}, False)


def test_combinations_that_do_not_fit_together_are_not_tried(losses):
    text = TINY.replace("[4]", "[6]") + "norm: {name: group_norm, num_groups: 1}\n"
    choice = choice_of(losses, {}, tune={"norm.num_groups": [1, 3], "model.hidden_features": [[6], [4]]}, text=text)
    tried = [(one.values["norm.num_groups"], one.values["model.hidden_features"][0]) for one in choice.tried]
    assert tried == [(1, 6), (1, 4), (3, 6)]  # 3 groups do not divide 4 features


def test_a_frozen_choice_is_taken_as_it_is(losses):
    study = study_of({"optimizer.lr": [0.01, 0.02, 0.04]})
    losses[0.02] = 0.1
    first = tune_study(study, RUNS, InProcess())
    (path,) = RUNS.glob("tiny/tuning/*.json")
    before = path.read_bytes()
    losses |= {0.02: 1.0, 0.04: 0.001}
    for folder in RUNS.glob("tiny/tuning/none-*/seed-*"):
        (folder / SUMMARY_JSON).unlink()
    ran = []
    again = tune_study(study, RUNS, InProcess(), ran.append)
    assert (ran, again["none"].chosen, path.read_bytes()) == ([], first["none"].chosen, before)


def test_other_lists_are_another_choice(losses):
    losses |= {0.02: 0.5, 0.03: 0.1}
    for values, best in (([0.01, 0.02, 0.04], 0.02), ([0.02, 0.03, 0.04], 0.03), ([0.01, 0.02, 0.04], 0.02)):
        found = tune_study(study_of({"optimizer.lr": values}), RUNS, InProcess())
        assert found["none"].chosen == {"optimizer.lr": best}
    assert len(list(RUNS.glob("tiny/tuning/*.json"))) == 2


def test_a_choice_on_fewer_seeds_is_made_again_and_its_runs_are_kept(losses):
    study = study_of({"optimizer.lr": [0.01, 0.02, 0.04]})
    losses |= {0.02: (0.2, 0.2, 0.9, 0.9), 0.04: (0.4, 0.4, 0.4, 0.4), 0.01: 0.8, 0.08: 0.8}
    before = replace(study, tuning_seeds=TUNING_SEEDS[:2])
    assert tune_study(before, RUNS, InProcess())["none"].chosen == {"optimizer.lr": 0.02}
    made = []
    found = tune_study(study, RUNS, InProcess(), made.append)["none"]
    assert (found.chosen, found.seeds) == ({"optimizer.lr": 0.04}, TUNING_SEEDS)
    assert {p.run.seed for p in made if p.status == "finished" and p.run.config.lr != 0.08} == {1002, 1003}
    assert len(list(RUNS.glob("tiny/tuning/*.json"))) == 2


def test_the_frozen_file_says_what_was_asked_and_everything_tried(losses):
    study = study_of({"optimizer.lr": [0.01, 0.02, 0.04]})
    losses |= {0.02: (0.1, 0.3, 0.1, 0.3)}
    tune_study(study, RUNS, InProcess())
    said = json.loads(next(RUNS.glob("tiny/tuning/none-*.json")).read_text())
    assert (said["arm"], said["given"], said["seeds"]) == ("none", identity(study.arms["none"]), list(TUNING_SEEDS))
    assert (said["tune"], said["chosen"]) == ({"optimizer.lr": [0.01, 0.02, 0.04]}, {"optimizer.lr": 0.02})
    assert said["tried"][1] == {"values": {"optimizer.lr": 0.02}, "scores": [0.1, 0.3, 0.1, 0.3], "median": 0.2}
    assert said["frozen_at"].endswith("Z")


@pytest.mark.usefixtures("losses")
def test_a_damaged_choice_is_a_mistake_with_a_way_out():
    study = study_of({"optimizer.lr": [0.01, 0.02, 0.04]})
    tune_study(study, RUNS, InProcess())
    path = next(RUNS.glob("tiny/tuning/none-*.json"))
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(
        RunFolderError, match=rf"^{path}: arm: must be given, got nothing\. Delete it, and what was run"
    ):
        tune_study(study, RUNS, InProcess())


def test_tuning_runs_that_finished_are_not_made_again(losses):
    study = study_of({"optimizer.lr": [0.01, 0.02, 0.04]})
    losses |= {0.02: 0.1}
    tune_study(study, RUNS, InProcess())
    next(RUNS.glob("tiny/tuning/none-*.json")).unlink()
    statuses = []
    tune_study(study, RUNS, InProcess(), lambda progress: statuses.append(progress.status))
    assert statuses == ["skipped"] * 12


def test_an_arm_whose_tuning_run_fails_cannot_be_tuned(monkeypatch):
    monkeypatch.setattr(one_job, "run_experiment", lambda *_, **__: 1 / 0)
    with pytest.raises(RunFailedError, match=r"must finish before its arms can be tuned, got 8 failed runs of none\."):
        tune_study(study_of({"optimizer.lr": [0.01, 0.02]}), RUNS, InProcess())
    assert not list(RUNS.glob("tiny/tuning/*.json"))


def test_all_is_frozen_before_the_comparison_and_none_of_its_runs_is_in_it():
    tuned, study = tuned_study()
    assert not list(RUNS.glob("tiny/*/seed-*"))  # nothing but tuning/ up to here
    assert len(list(RUNS.glob("tiny/tuning/*.json"))) == 2
    run_study(tuned, RUNS)
    found = compare_study(read_study(RUNS / "tiny"))
    assert [row.arm for row in found.rows] == ["plain", "decayed", "plain,tuned", "decayed,tuned"]
    assert {row.seeds for row in found.rows} == {(0, 1)}
    assert (list(found.missing), list(found.left_out)) == ([], [])
    chosen = found.rows[2].settings["optimizer.lr"], found.rows[0].settings["optimizer.lr"]
    assert chosen == (0.02, study.arms["plain"].optimizer.lr)


def test_a_tuned_arm_is_judged_against_the_tuned_baseline():
    tuned, _ = tuned_study("baseline: plain\ncollapse: false\n")  # a few steps learn nothing
    run_study(tuned, RUNS)
    effects = {row.arm: row.effect for row in with_effects(compare_study(read_study(RUNS / "tiny"))).rows}
    assert {arm for arm, effect in effects.items() if effect} == {"decayed", "decayed,tuned"}
    assert effects["decayed"].value != effects["decayed,tuned"].value


def tuned_study(more="", tune=(0.005, 0.02, 0.0201)):
    """Choose for real: of the largest rates, so close together that no third is tried."""
    study = study_of({"optimizer.lr": list(tune)}, text=TINY + ARMS + more, seeds=2)
    return with_choices(study, fixed(tune_study(study, RUNS, InProcess()), 0.02)), study


def fixed(choices, lr):
    return {arm: replace(choice, chosen={"optimizer.lr": lr}) for arm, choice in choices.items()}


@pytest.mark.usefixtures("losses")
def test_a_stored_choice_of_a_value_that_is_not_allowed_is_refused_with_its_file():
    study = study_of({"optimizer.lr": [0.01, 0.02]}, text=TINY + ARMS)
    tune_study(study, RUNS, InProcess())
    path = min((RUNS / "tiny" / "tuning").glob("*.json"))
    content = json.loads(path.read_text())
    content["chosen"]["optimizer.lr"] = "fast"
    write_sealed_json(path, {key: value for key, value in content.items() if key != "sha256"})
    with pytest.raises(RunFolderError, match="chosen: must be values that its settings may have, got"):
        known_choices(study, RUNS)


def test_a_choice_like_the_given_settings_shares_their_runs(losses):
    text = TINY + "optimizer: {lr: 0.02}\narms: {plain: {}, decayed: {weight_decay: 0.1}}\n"
    losses[0.02] = 0.1
    study = study_of({"optimizer.lr": [0.01, 0.02, 0.04]}, text=text)
    results = run_study(with_choices(study, tune_study(study, RUNS, InProcess())), RUNS)
    assert [(p.run.arm, p.status) for p in results] == [("plain", "finished"), ("decayed", "finished")]
    arms = json.loads((RUNS / "tiny/study.json").read_text())["arms"]
    found_identities = [identity(study.arms[arm]) for arm in ("plain", "decayed")]
    assert arms == [
        {"arm": label, "name": arm, "sets": {}, "tuned": keys, "identity": found, "folder": f"{arm}-{found[:12]}"}
        for keys in ([], ["optimizer.lr"])
        for arm, found in zip(("plain", "decayed"), found_identities, strict=True)
        for label in [f"{arm}{',tuned' * bool(keys)}"]
    ]


def test_without_keep_given_only_tuned_arms_run(losses):
    study = study_of({"optimizer.lr": [0.01, 0.02, 0.04]}, text=TINY + "keep_given: false\n")
    losses[0.02] = 0.1
    tuned = with_choices(study, tune_study(study, RUNS, InProcess()))
    assert [(arm, config.lr) for arm, config in tuned.arms.items()] == [("none,tuned", 0.02)]


def test_a_changed_config_keeps_everything_else():
    config = study_of({"l1": [0.0, 0.1]}, text=TINY + "optimizer: {momentum: 0.9}\n").arms["none"]
    changed = with_settings(config, {"optimizer.lr": 0.5, "norm": "group_norm"})
    assert (changed.optimizer.lr, changed.optimizer.momentum, changed.norm.name) == (0.5, 0.9, "group_norm")
    assert with_settings(changed, {"optimizer.lr": config.lr, "norm": "none"}) == config


def test_quick_is_a_look_under_another_name():
    text = TINY.replace("num_steps: 4", "num_steps: 400")
    look = quick_study(study_of({"optimizer.lr": [0.01, 0.02]}, text=text))
    assert (look.name, look.seeds, dict(look.tune), list(look.arms)) == ("tiny-quick", (0, 1), {}, ["none"])
    assert look.arms["none"].total_steps == 40
    assert look.options == {"--quick": True}


def test_quick_trains_at_least_one_epoch():
    text = TINY.replace("num_steps: 4", "num_epochs: 9")
    assert quick_study(study_of({"optimizer.lr": [0.01, 0.02]}, text=text, seeds=5)).arms["none"].num_epochs == 1
