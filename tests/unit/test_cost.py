"""What a study would cost: runs missing, measured or remembered, nothing written."""

from pathlib import Path

import pytest
import torch
from made_up_runs import ARMS, TINY, make_arm, make_run, make_study

from normbench.arms import load_study
from normbench.cost import estimate_cost


@pytest.fixture
def study():
    Path("tiny.yaml").write_text(TINY + ARMS, encoding="utf-8")
    return load_study(Path("tiny.yaml"), seeds=3)


def finish(study, arm, *seeds):
    folder = make_arm(make_study(name="tiny"), arm, arm_hash=study.arms[arm].hash())
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
