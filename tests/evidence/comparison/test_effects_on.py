"""The effect on any metric is that of a comparison in which this metric decides, without its verdict."""

import random
from dataclasses import replace

from made_up_runs import make_arm, make_run, make_study

from normbench.evidence.comparison.comparison import compare_study
from normbench.evidence.comparison.effects import effects_on, with_effects
from normbench.evidence.statistics.verdict_words import NO_VERDICT
from normbench.storage.study_folder import read_study


def test_the_effect_on_another_metric():
    rng, folder = random.Random(0), make_study(arms=["none", "batch_norm"], baseline="none", named=["norm"])
    for norm in ("none", "batch_norm"):
        arm = make_arm(folder, norm, norm=norm)
        for seed in range(8):
            make_run(arm, seed, [{"step": 0, "test_loss": rng.uniform(1, 2), "train_loss": rng.uniform(1, 2)}])
    study = read_study(folder)
    by_loss = with_effects(compare_study(study, ["test_loss", "train_loss"]))
    by_train = with_effects(compare_study(study, ["train_loss"]))
    assert effects_on(by_loss, "test_loss") == [row.effect for row in by_loss.rows]
    baseline, found = effects_on(by_loss, "train_loss")
    assert baseline is None
    assert found.verdict == NO_VERDICT
    assert replace(found, verdict="") == replace(
        by_train.rows[1].effect, verdict="", mean_word=found.mean_word, failed=""
    )
