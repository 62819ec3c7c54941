"""What a study would cost: runs missing, measured or remembered, nothing written."""

from pathlib import Path

import pytest
import torch
from made_up_runs import ARMS, TINY, make_arm, make_run, make_study

from normbench.scheduling import timings as timings_module
from normbench.scheduling.cost import estimate_cost
from normbench.scheduling.executors.in_process import InProcess
from normbench.scheduling.run_timing import RunTiming
from normbench.scheduling.schedule import run_study
from normbench.scheduling.tuning import known_choices, tune_study, with_choices
from normbench.study.load import load_study


@pytest.fixture
def study():
    Path("tiny.yaml").write_text(TINY + ARMS, encoding="utf-8")
    return load_study(Path("tiny.yaml"), seeds=3)


def finish(study, arm, *seeds):
    folder = make_arm(make_study(name="tiny"), arm, identity=study.arms[arm].on("cpu").identity().sha256)
    for seed in seeds:
        make_run(folder, seed)


def test_all_runs_are_missing_at_first(study):
    cost = estimate_cost(study, Path("runs"))
    assert (cost.num_arms, cost.num_seeds, cost.num_runs, cost.num_finished, cost.num_missing) == (2, 3, 6, 0, 6)
    assert [(arm.arm, arm.num_missing) for arm in cost.arms] == [("plain", 3), ("decayed", 3)]


def test_an_arm_without_runs_is_measured(study):
    assert all(arm.cpu_s_per_run > 0 for arm in estimate_cost(study, Path("runs")).arms)


def test_a_finished_run_tells_what_the_next_one_costs(study):
    finish(study, "plain", 0, 1)
    plain = estimate_cost(study, Path("runs")).arms[0]
    assert (plain.num_missing, plain.cpu_s_per_run) == (1, 1.5)  # as the made-up environment.json says


def test_the_sum_is_over_missing_runs_alone(study):
    finish(study, "plain", 0, 1, 2)
    finish(study, "decayed", 0)
    cost = estimate_cost(study, Path("runs"))
    assert (cost.num_finished, cost.num_missing, cost.cpu_s) == (4, 2, 2 * 1.5)


def test_measuring_writes_nothing(study):
    estimate_cost(study, Path("runs"))
    assert sorted(path.name for path in Path().iterdir()) == ["tiny.yaml"]


def test_measuring_leaves_the_random_state_alone(study):
    before = torch.get_rng_state()
    estimate_cost(study, Path("runs"))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_study_without_steps_has_a_cost_too():
    text = "model: {name: mlp, hidden_features: [4]}\ndataset: {name: gaussian_noise, shape: [3]}\nnum_steps: 0\n"
    Path("noise.yaml").write_text(text, encoding="utf-8")
    assert estimate_cost(load_study(Path("noise.yaml")), Path("runs")).cpu_s > 0


def test_an_environment_without_times_is_measured_anew(study):
    finish(study, "plain", 0)
    for path in Path("runs/tiny").glob("plain-*/seed-0/environment.json"):
        path.write_text("{}", encoding="utf-8")
    assert estimate_cost(study, Path("runs")).arms[0].cpu_s_per_run > 0


def tuned(lists="optimizer.lr: [0.01, 0.02, 0.04]", more=""):
    Path("tiny.yaml").write_text(f"{TINY}{ARMS}tune: {{{lists}}}\n{more}", encoding="utf-8")
    return load_study(Path("tiny.yaml"), seeds=3)


def test_a_tuned_study_costs_its_tuning_and_both_readings():
    cost = estimate_cost(tuned("optimizer.lr: [0.01, 0.02, 0.04], dropout: [0, 0.5]"), Path("runs"))
    assert (cost.num_arms, cost.num_tuning_runs) == (2, 2 * 3 * 2 * 4)  # arms x values x tuning seeds
    assert (cost.num_runs, cost.num_missing) == (12, 12)  # arms x seeds, given and tuned
    assert [(arm.num_missing, arm.num_tuning_missing) for arm in cost.arms] == [(6, 24), (6, 24)]
    parts = [(6 * arm.cpu_s_per_run, 24 * arm.cpu_s_per_tuning_run) for arm in cost.arms]
    assert cost.cpu_s == pytest.approx(sum(map(sum, parts)))
    assert min(map(min, parts)) > 0


def test_without_the_given_readings_only_tuned_arms_cost():
    cost = estimate_cost(tuned(more="keep_given: false\n"), Path("runs"))
    assert (cost.num_runs, cost.num_missing, cost.num_tuning_runs) == (6, 6, 24)


def test_what_was_chosen_before_costs_nothing_again():
    study = tuned()
    tune_study(study, Path("runs"), InProcess())
    path = next(Path("runs/tiny/tuning").glob("decayed-*.json"))
    path.unlink()
    cost = estimate_cost(study, Path("runs"))
    assert (cost.num_tuning_runs, cost.num_missing) == (0, 12)  # all runs are there, one choice is to be made of them
    tune_study(study, Path("runs"), InProcess())
    run_study(with_choices(study, known_choices(study, Path("runs"))), Path("runs"))
    cost = estimate_cost(study, Path("runs"))
    assert (cost.num_missing, cost.cpu_s) == (0, 0)
    assert cost.num_runs == cost.num_finished


def test_runs_at_second_best_values_cost_as_much_as_others(monkeypatch):
    monkeypatch.setattr(timings_module, "time_run", lambda *_: RunTiming(0.0, 2.0, 0.0, 0.0, 0.0))
    without, with_them = (estimate_cost(tuned(), Path("runs"), with_runner_ups=also) for also in (False, True))
    assert (without.num_runner_up_runs, with_them.num_runner_up_runs) == (0, 6)  # arms x seeds
    assert with_them.cpu_s - without.cpu_s == pytest.approx(6 * 2.0)


def test_runs_of_a_stack_share_its_steps(monkeypatch):
    """A run takes 5 s beside its 3 steps that are not recorded, and one step of 8 slots takes 2 s."""
    timing = RunTiming(data_s=0.0, build_s=4.0, step_s=1.0, row_s=1.0, last_s=0.0)
    monkeypatch.setattr(timings_module, "time_run", lambda *_: timing)
    monkeypatch.setattr(timings_module, "time_stack_step", lambda _config, _seed, num_slots: num_slots / 4)
    Path("tiny.yaml").write_text(TINY.replace("recording: {", "recording: {every_steps: 4, ") + ARMS, encoding="utf-8")
    costs = {n: estimate_cost(load_study(Path("tiny.yaml"), seeds=n), Path("runs")).cpu_s for n in (3, 8, 12, 32)}
    assert costs == {3: 2 * 3 * 8, 8: 2 * (40 + 6), 12: 2 * (60 + 12), 32: 2 * (160 + 24)}
