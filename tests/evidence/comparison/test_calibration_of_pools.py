"""How often verdicts on several tasks err, from runs to the word: equal arms, runs that diverged, one arm too many."""

import math
from pathlib import Path

import numpy as np
import pytest
from runs_in_memory import RunInMemory, arm_in_memory

from normbench.evidence.comparison.comparison import compare_study
from normbench.evidence.comparison.effects import with_effects
from normbench.evidence.comparison.pool import pool_studies
from normbench.storage.study_folder import StudyFolder

NUM_STUDIES, NUM_TASKS, NUM_SEEDS = 150, 3, 6
NORMS = ("none", "batch_norm", "layer_norm")
AT_MOST = 0.05 + 2.33 * math.sqrt(0.05 * 0.95 / NUM_STUDIES)  # one-sided 99 %
FOUND = {"better", "worse", "depends on the task"}


def normal(rng):
    return rng.normal(0, 1, size=(len(NORMS), NUM_SEEDS))


def skewed(rng):
    """The first arm hardly scatters; the others have its median, and a long tail on one side."""
    logs = rng.lognormal(0, 1, size=(len(NORMS), NUM_SEEDS)) - 1
    return logs * np.array([[0.01], [1.0], [1.0]])


def verdicts(rng, draw, effects):
    """Return the verdict on each arm that is judged; ``effects`` by norm, added to the logarithm of its losses.

    A tenth of the runs diverged. Each task has a scale of its own, and a level of each seed in all arms.
    """
    arms = []
    for task in range(NUM_TASKS):
        logs = rng.normal(0, 1, NUM_SEEDS) + draw(rng) * 10.0**-task
        lost = rng.random(logs.shape) < 0.1
        for norm, row, is_lost in zip(NORMS, logs, lost, strict=True):
            losses = np.exp(row + effects.get(norm, 0.0))
            rows = [[{"step": 100, "test_loss": float(loss)}] for loss in losses]
            states = ["diverged" if one else "finished" for one in is_lost]
            runs = [RunInMemory(seed, *run, constant={}) for seed, run in enumerate(zip(rows, states, strict=True))]
            arms.append(arm_in_memory(f"dataset=task{task},norm={norm}", runs))
    content = {"baseline": {"said": "norm=none", "settings": {"norm": "none"}}, "axes": ["dataset", "norm"]}
    study = StudyFolder(Path("memory"), content, arms)
    pool = pool_studies([(study, with_effects(compare_study(study, ["test_loss"])))])
    return [arm.verdict for arm in pool.judged]


@pytest.mark.parametrize("draw", [normal, skewed])
def test_equal_arms_are_told_apart_on_all_tasks_at_most_once_in_20(draw):
    rng = np.random.default_rng(1)
    wrong = sum(bool(FOUND.intersection(verdicts(rng, draw, {}))) for _ in range(NUM_STUDIES))
    assert wrong / NUM_STUDIES <= AT_MOST


def test_an_arm_that_is_better_everywhere_is_found_more_often_than_not():
    rng = np.random.default_rng(2)
    found = [verdicts(rng, normal, {"batch_norm": -2.0})[0] for _ in range(30)]
    assert found.count("better") > 15
    assert "worse" not in found
