"""Where arms do not differ, verdicts are as rare as 5 % promises: from values to Holm's table."""

import math

import numpy as np
import pytest
from made_up_runs import make_arm, make_run, make_study

from normbench.evidence.comparison.comparison import StudyComparison, compare_study
from normbench.evidence.comparison.effects import with_effects
from normbench.evidence.comparison.rows import Row, SeedSummary
from normbench.storage.study_folder import read_study

NUM_STUDIES = 800
NUM_SEEDS = 8
SAMPLING_ERROR = 2.33 * math.sqrt(0.05 * 0.95 / NUM_STUDIES)  # one-sided 99 %
CHANCE_LOSS = 0.7


def log_normal_losses(rng, num_arms):
    """Each seed's own level and each run's noise; a tenth of the runs diverged and count as the constant predictor."""
    level = rng.normal(-1.0, 0.5, NUM_SEEDS)
    losses = np.exp(level + rng.normal(0.0, 0.2, (num_arms, NUM_SEEDS)))
    return np.where(rng.random(losses.shape) < 0.1, np.maximum(losses, CHANCE_LOSS), losses)


def accuracies_with_ties(rng, num_arms):
    """Hits among 20 samples: many seeds tie."""
    return rng.binomial(20, rng.uniform(0.7, 0.95, NUM_SEEDS), (num_arms, NUM_SEEDS)) / 20


def skewed_accuracies(rng, num_arms):
    """Near 100 %, with rare falls."""
    return 1 - rng.exponential(0.02, (num_arms, NUM_SEEDS))


def judged(metric, values):
    """The verdicts of a table in which the first arm is the baseline."""
    figures = [{metric: SeedSummary.of(of_arm, metric)} for of_arm in values.tolist()]
    rows = [
        Row(f"arm{i}", {}, tuple(range(NUM_SEEDS)), 0, figure, 1, None, name=f"arm{i}")
        for i, figure in enumerate(figures)
    ]
    compared = with_effects(StudyComparison("made_up", "", "", rows, [], False), "arm0")
    return [row.effect.verdict for row in compared.rows[1:]]


@pytest.mark.parametrize(
    ("metric", "draw", "num_arms"),
    [
        ("test_loss", log_normal_losses, 2),
        ("test_loss", log_normal_losses, 6),
        ("test_accuracy", accuracies_with_ties, 4),
        ("test_accuracy", skewed_accuracies, 4),
    ],
)
def test_a_table_of_equal_arms_holds_a_verdict_at_most_once_in_20(metric, draw, num_arms):
    rng = np.random.default_rng(4)
    wrong = sum(
        any(verdict in ("better", "worse") for verdict in judged(metric, draw(rng, num_arms)))
        for _ in range(NUM_STUDIES)
    )
    assert wrong / NUM_STUDIES <= 0.05 + SAMPLING_ERROR


def test_a_true_difference_is_found_about_every_second_time():
    rng = np.random.default_rng(5)
    factors = np.array([[1.0], [1.0], [0.6]])
    found = [judged("test_loss", log_normal_losses(rng, 3) * factors)[1] == "better" for _ in range(200)]
    assert sum(found) > 80


def test_verdicts_from_run_folders_are_those_of_the_values_in_them():
    values = log_normal_losses(np.random.default_rng(6), 3)
    folder = make_study(arms=["arm0", "arm1", "arm2"], baseline="arm0", named=["number"])
    for i, losses in enumerate(values.tolist()):
        made = make_arm(folder, f"arm{i}", number=i)
        for seed, loss in enumerate(losses):
            make_run(made, seed, [{"step": 0, "test_loss": 9.0}, {"step": 20, "test_loss": loss}])
    rows = with_effects(compare_study(read_study(folder), ["test_loss"])).rows
    assert [row.effect.verdict for row in rows[1:]] == judged("test_loss", values)
    assert [row.figures["test_loss"] for row in rows] == [
        SeedSummary.of(losses, "test_loss") for losses in values.tolist()
    ]
