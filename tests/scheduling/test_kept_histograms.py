"""Of a study with many runs the first seed of each arm alone has histograms; no finished run is lost by that."""

from pathlib import Path

import pytest
from command_line import normbench
from made_up_runs import ARMS, TINY

from normbench.scheduling.kept_histograms import (
    MOST_WITH_HISTOGRAMS,
    leaves_out_histograms,
    seeds_with_curves,
)
from normbench.scheduling.plan import make_plan
from normbench.scheduling.schedule import run_study
from normbench.scheduling.tuning import with_choices
from normbench.storage.choices import Choice
from normbench.storage.digests import sealed_digests
from normbench.storage.files.json_files import read_json, write_sealed_json
from normbench.storage.histogram_table import read_histograms
from normbench.storage.run_folder import ARM_JSON, CONFIG_YAML, HISTOGRAMS_NPZ, SUMMARY_JSON, Run
from normbench.study.load import load_study
from normbench.study.study import TUNING_SEEDS

RUNS = Path("runs")
STUDY = TINY.replace("num_steps: 4", "num_steps: 1").replace("tensorboard: false, ", "") + ARMS
HALF = MOST_WITH_HISTOGRAMS // 2
LINE = "tiny: histograms of first seeds alone; for all: recording: {tensorboard: all}.\n"


def study_of(text=STUDY, **options):
    Path("tiny.yaml").write_text(text, encoding="utf-8")
    return load_study(Path("tiny.yaml"), **options)


def recorded(text=STUDY, **options):
    """Which planned runs will have histograms, by arm and seed."""
    runs = make_plan(study_of(text, **options), RUNS).runs
    return {(run.arm, run.seed): bool(run.config.recording.histograms) for run in runs}


@pytest.mark.parametrize(
    ("num_seeds", "recording", "drawn"),
    [(HALF, "", HALF), (HALF + 1, "", 1), (HALF + 1, "recording: {tensorboard: all}\n", HALF + 1)],
)
def test_fitted_curves_are_drawn_as_histograms_are_kept(num_seeds, recording, drawn):
    text = "model: mlp\ndataset: linear_regression\nnum_steps: 1\nbatch_size: 5\n" + recording + ARMS
    study = study_of(text, seeds=num_seeds)
    assert list(seeds_with_curves(study)) == list(study.seeds)[:drawn]


@pytest.fixture
def few(monkeypatch):
    """Let four runs be as many as keep histograms."""
    monkeypatch.setattr("normbench.scheduling.kept_histograms.MOST_WITH_HISTOGRAMS", 4)


def run(text=STUDY, **options):
    """Run a study; return each run's status, and whether it now has histograms, by arm and seed."""
    done = run_study(study_of(text, **options), RUNS)
    found = {(one.run.arm, one.run.seed): read_histograms(Run(one.run.folder, one.run.seed)) for one in done}
    states = {(one.run.arm, one.run.seed): one.status for one in done}
    return states, {key for key, table in found.items() if table is not None}


def both(*seeds):
    return {(arm, seed) for arm in ("plain", "decayed") for seed in seeds}


def made(states):
    return {key for key, status in states.items() if status != "skipped"}


def test_up_to_sixty_four_runs_all_have_histograms():
    assert all(recorded(seeds=HALF).values())
    assert not leaves_out_histograms(study_of(seeds=HALF))


def test_beyond_the_first_seed_of_each_arm_alone_has_them():
    found = recorded(seeds=HALF + 1)
    assert {key for key, is_kept in found.items() if is_kept} == both(0)
    assert leaves_out_histograms(study_of(seeds=HALF + 1))


def test_the_first_seed_is_the_one_that_the_file_names_first():
    found = recorded(STUDY + f"seeds: {list(range(70, 0, -1))}\n")
    assert {key for key, is_kept in found.items() if is_kept} == both(70)


def test_a_study_made_check_by_check_counts_the_seeds_up_to_its_last_check():
    checked = study_of(STUDY + "baseline: plain\n", check_after=[8, HALF + 1])
    assert leaves_out_histograms(checked)
    found = make_plan(checked.__class__(**{**vars(checked), "seeds": checked.seeds[:8]}), RUNS).runs
    assert {(run.arm, run.seed) for run in found if run.config.recording.histograms} == both(0)


@pytest.mark.parametrize("recording", ["tensorboard: all", "tensorboard: false", "histograms: []"])
def test_nothing_is_left_out_where_all_or_none_are_asked_for(recording):
    text = STUDY.replace("figures: false", f"figures: false, {recording}")
    assert len(set(recorded(text, seeds=HALF + 1).values())) == 1
    assert not leaves_out_histograms(study_of(text, seeds=HALF + 1))


@pytest.mark.parametrize("keep_given", ["true", "false"])
@pytest.mark.parametrize("num_seeds", [HALF // 2, HALF // 2 + 1, HALF, HALF + 1])
def test_what_is_told_before_tuning_is_what_is_planned_after_it(keep_given, num_seeds):
    study = study_of(STUDY + f"tune: {{optimizer.lr: [0.01, 0.1]}}\nkeep_given: {keep_given}\n", seeds=num_seeds)
    choices = {arm: Choice(arm, {"optimizer.lr": 0.1}, [], 0, False, TUNING_SEEDS) for arm in study.arms}
    planned = make_plan(with_choices(study, choices), RUNS).runs
    assert leaves_out_histograms(study) == any(not run.config.recording.histograms for run in planned)


@pytest.mark.usefixtures("few")
def test_more_seeds_and_fewer_make_nothing_again():
    assert run(seeds=2) == (dict.fromkeys(both(0, 1), "finished"), both(0, 1))
    states, kept = run(seeds=3)
    assert (made(states), kept) == (both(2), both(0, 1))
    states, kept = run(seeds=2)
    assert (made(states), kept) == (set(), both(0, 1))
    states, kept = run(STUDY + "seeds: [0, 2]\n")
    assert (made(states), kept) == (set(), both(0))


@pytest.mark.usefixtures("few")
def test_all_makes_again_what_lacks_histograms_with_the_same_numbers():
    run(seeds=3)
    metrics = {path: path.read_bytes() for path in RUNS.glob("*/*/seed-*/metrics.csv")}
    states, kept = run(STUDY.replace("figures: false", "figures: false, tensorboard: all"), seeds=3)
    assert (made(states), kept) == (both(1, 2), both(0, 1, 2))
    assert {path: path.read_bytes() for path in RUNS.glob("*/*/seed-?/metrics.csv")} == metrics
    assert made(run(seeds=3)[0]) == set()


@pytest.mark.usefixtures("few")
def test_a_run_without_histograms_is_no_first_seed():
    run(seeds=3)
    states, kept = run(STUDY + "seeds: [2, 1]\n")
    assert (made(states), kept) == (both(2), both(2))


@pytest.mark.usefixtures("few")
def test_other_histograms_than_are_asked_for_do_not_count():
    run(STUDY.replace("figures: false", "figures: false, histograms: [grad]"), seeds=2)
    assert made(run(seeds=2)[0]) == both(0, 1)


@pytest.mark.usefixtures("few")
def test_scalars_are_recorded_of_every_seed_and_the_arm_keeps_its_settings():
    run(seeds=3)
    for folder in RUNS.glob("tiny/*-*"):
        assert read_json(folder / ARM_JSON)["settings"]["recording.histograms"] == "weight grad"
        sizes = [next(folder.glob(f"seed-{seed}/events.*")).stat().st_size for seed in range(3)]
        assert sizes[1] < sizes[0]
        assert b"loss/test" in next(folder.glob("seed-1/events.*")).read_bytes()
        again = normbench("run", next(folder.glob("seed-1")) / CONFIG_YAML)
        assert again.code == 0
    assert not list(RUNS.rglob("*.old-*"))  # what a run's own config asks for, it has


def test_a_run_of_a_version_that_kept_histograms_in_tensorboard_alone_counts():
    run(seeds=1)
    for folder in RUNS.glob("tiny/*/seed-0"):
        (folder / HISTOGRAMS_NPZ).unlink()
        said = {key: value for key, value in read_json(folder / SUMMARY_JSON).items() if key != "sha256"}
        write_sealed_json(folder / SUMMARY_JSON, said | {"files": sealed_digests(folder)})
    assert run(seeds=1) == (dict.fromkeys(both(0), "skipped"), set())


@pytest.mark.usefixtures("few")
def test_the_command_says_in_a_line_what_is_left_out():
    study_of()
    assert normbench("run", "tiny.yaml", "--seeds", 3, "--quiet").err == LINE
    assert LINE not in normbench("run", "tiny.yaml", "--seeds", 2).err
    assert LINE not in normbench("run", "tiny.yaml", "--seeds", 3, "--set", "recording.tensorboard=all").err
