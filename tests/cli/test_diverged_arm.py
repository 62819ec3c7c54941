"""An arm whose runs all diverge, trained for real: by no metric is it better, and no claim holds through it."""

import json
from pathlib import Path

import pytest
from command_line import normbench

from normbench.evidence.comparison.comparison import compare_study
from normbench.evidence.comparison.effects import with_effects
from normbench.evidence.metrics.directions import better_way
from normbench.evidence.metrics.metric_words import usages
from normbench.storage.study_folder import read_study

BLOWS_UP = """\
# Does a huge learning rate surge less?
model: {name: mlp, hidden_features: [8]}
dataset: {name: gaussian_clusters, num_samples: 60}
batch_size: 20
num_steps: 8
seeds: 8
recording: {tensorboard: false}
baseline: fine
arms:
  fine: {optimizer.lr: 0.1}
  huge: {optimizer.lr: 1e6}
claims:
"""
COLUMNS = ("test_loss", "test_accuracy", "batch_loss_max", "weight.std@hidden1")
WORDS = {"STEP": "4", "VALUE": "0.5"}
REDUCERS = [" ".join(WORDS.get(word, word) for word in usage.split()) for usage in usages() if usage != "depth_slope"]
METRICS = [*COLUMNS, *(f"{words} {column}" for words in REDUCERS for column in COLUMNS)]
CLAIM = "  - {{says: it is better, metric: {metric}, expect: {{less: {less}, than: {than}, by: 0.0}}}}\n"


@pytest.mark.usefixtures("small_test_sets")
def test_an_arm_that_diverged_in_every_seed_is_never_better_and_supports_no_claim():
    pairs = [(metric, "huge", "fine") for metric in METRICS if "accuracy" not in metric or "steps_to" in metric]
    pairs += [(metric, "fine", "huge") for metric in METRICS if "accuracy" in metric and "steps_to" not in metric]
    claims = [CLAIM.format(metric=metric, less=less, than=than) for metric, less, than in pairs]
    Path("a.yaml").write_text(BLOWS_UP + "".join(claims), encoding="utf-8")
    assert normbench("run", "a.yaml", "--quiet").code == 0

    judged = json.loads(normbench("claims", "a.yaml", "--json").out)
    assert len(judged) == len(METRICS)
    assert [one["says"] for one in judged if one["verdict"] == "holds"] == []
    ran = read_study(Path("runs/a"))
    for metric in METRICS:
        fine, huge = with_effects(compare_study(ran, [metric])).rows
        assert (fine.num_diverged, huge.num_diverged, huge.num_collapsed) == (0, 8, 8)
        assert huge.effect.verdict not in ("better", better_way(metric)), metric
