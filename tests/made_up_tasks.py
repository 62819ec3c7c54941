"""Studies of several tasks that no training wrote: norms on datasets, each with the effect that a test gives it."""

import math
import random
from pathlib import Path

from made_up_runs import make_arm, make_run, make_study

from normbench.evidence.comparison.comparison import compare_studies
from normbench.evidence.comparison.effects import with_effects
from normbench.evidence.comparison.pool import pool_studies
from normbench.storage.study_search import read_studies

TASKS = ("banknotes", "gratings", "contrast", "sequences", "gaussian_clusters", "style_removal", "linear_regression")
RUNS = Path("runs")
SPREAD = 0.1
"""Standard deviation of the logarithm of a run's loss; a seed's own level, the same in all arms, comes on top."""


def make_tasks(
    effects, *, name="norms", seeds=range(8), baseline="norm=none", diverged=(), settings=None, runs_dir=RUNS, **content
):
    """Write one study with datasets and norms as its axes.

    Args:
        effects: For each dataset the logarithm of the loss that each norm adds.
        name: The study's name, which also decides the noise.
        seeds: Seeds of every arm.
        baseline: The study's baseline.
        diverged: (dataset, norm, seed) of runs that diverged.
        settings: Further settings of every arm, by dataset.
        runs_dir: The folder of the study's folder.
        content: More of study.json.
    """
    rng = random.Random(name)
    arms = {f"dataset={dataset},norm={norm}": (dataset, norm) for dataset, norms in effects.items() for norm in norms}
    axes = {"axes": ["dataset", "norm"], "question": "Which norm?"} | content
    folder = make_study(runs_dir, name, arms=arms, baseline=baseline, seeds=list(seeds), **axes)
    levels = {(dataset, seed): rng.gauss(-1.5, 0.3) for dataset in effects for seed in seeds}
    for arm, (dataset, norm) in arms.items():
        made = make_arm(folder, arm, dataset=dataset, norm=norm, **(settings or {}).get(dataset, {}))
        for seed in seeds:
            loss = math.exp(levels[dataset, seed] + effects[dataset][norm] + rng.gauss(0, SPREAD))
            lost = {"status": "diverged"} if (dataset, norm, seed) in diverged else {}
            make_run(made, seed, [{"step": 0, "test_loss": 2.0}, {"step": 20, "test_loss": loss}], **lost)
    return folder


def alike(num_tasks, **norms):
    """Return the same effects on each of some tasks."""
    return {dataset: {"none": 0.0, **norms} for dataset in TASKS[:num_tasks]}


def pooled(*folders, baseline=None, metrics=("test_loss",), where=()):
    """Return the tasks in some study folders, judged together."""
    read = compare_studies(read_studies(folders), metrics, where)
    return pool_studies([(study, with_effects(comparison, baseline)) for study, comparison in read])
