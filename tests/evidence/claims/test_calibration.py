"""How often verdicts err through the whole path: tuning on seeds of its own, divergence, ties, margins, claims."""

import numpy as np
from runs_in_memory import RunInMemory, arm_in_memory, arms_called

from normbench.evidence.claims.claim import read_claims
from normbench.evidence.claims.verdict import judge_claim
from normbench.evidence.metrics.run_metrics import read_metrics
from normbench.scheduling.tuning import Trial, choose_best
from normbench.study.study import TUNING_SEEDS

NUM_STUDIES, NUM_SEEDS = 800, 8
LRS = (0.01, 0.03, 0.1)
DIVERGES = 0.05


def made_up_run(rng, seed, log_loss):
    """Return a run that may diverge, and whose loss is rounded, so that ties happen."""
    loss = round(float(np.exp(log_loss)), 2)
    row = {"step": 100, "test_loss": loss, "validation_loss": loss}
    return RunInMemory(seed, [row], "diverged" if rng.random() < DIVERGES else "finished")


def tuned_arm(rng, name, shift, common):
    """Tune among learning rates that are equally good, then run the seeds of the comparison."""
    tried = []
    for lr in LRS:
        scores = [
            read_metrics(made_up_run(rng, seed, rng.normal(-1, 0.3)), ["validation_loss"])["validation_loss"]
            for seed in TUNING_SEEDS
        ]
        tried.append(Trial({"optimizer.lr": lr}, scores, float(np.median(scores))))
    choice = choose_best(name, tried, 0, {"optimizer.lr": LRS})
    logs = common + shift + rng.normal(0, 0.3, NUM_SEEDS)
    runs = [made_up_run(rng, seed, log) for seed, log in enumerate(logs)]
    return arm_in_memory(f"{name},tuned", runs, optimizer__lr=choice.chosen["optimizer.lr"])


def share_decided(expect, shift, seed):
    """Return how many of many studies hold, and of how many the opposite does."""
    rng, arms = np.random.default_rng(seed), arms_called("a,tuned", "b,tuned")
    (claim,), _ = read_claims([{"says": "so", "metric": "test_loss", "expect": expect}], arms)
    verdicts = []
    for _ in range(NUM_STUDIES):
        common = rng.normal(-1, 0.3, NUM_SEEDS)
        arms = [tuned_arm(rng, "a", 0.0, common), tuned_arm(rng, "b", shift, common)]
        verdicts.append(judge_claim(claim, arms, range(NUM_SEEDS), "made_up", "").verdict)
    return [verdicts.count(word) / NUM_STUDIES for word in ("holds", "opposite")]


AT_MOST = 0.05 + 2.33 * (0.05 * 0.95 / NUM_STUDIES) ** 0.5


def test_tuned_arms_that_do_not_differ_are_told_apart_at_most_once_in_twenty():
    assert sum(share_decided({"less": "a,tuned", "than": "b,tuned", "by": 0}, 0.0, seed=1)) <= AT_MOST


def test_an_effect_of_just_the_margin_is_decided_at_most_once_in_twenty():
    by = float(np.expm1(0.2 * (1 - DIVERGES)))  # a diverged run of either arm counts as the constant predictor
    assert sum(share_decided({"less": "a,tuned", "than": "b,tuned", "by": by}, 0.2, seed=2)) <= AT_MOST


def test_arms_as_different_as_the_margin_are_called_equal_at_most_once_in_twenty():
    assert share_decided({"equal": ["a,tuned", "b,tuned"], "within": 0.1}, 0.3, seed=3)[0] <= AT_MOST
