"""Studies on finite data that no training wrote: arms with a value for each seed, which is a split of the same rows."""

from pathlib import Path

from made_up_runs import make_arm, make_run, make_study, std_rows

FOLDS = {"num_rows": 400, "unit": "images", "splits": "folds", "num_folds": 8}
RANDOM = {"num_rows": 500, "unit": "rows", "splits": "random", "num_folds": None}
FIXED = {"num_rows": 400, "unit": "images", "splits": "fixed", "num_folds": None}
SIZES = {"num_train": 300, "num_validation": 50, "num_test": 50}
SHARE = 50 / 300
CONSTANT = {"test_accuracy": 0.5, "train_accuracy": 0.5, "test_loss": 0.7, "train_loss": 0.7}


def write_finite_study(
    values,
    *,
    name="made_up",
    runs_dir=Path("runs"),
    metric="test_accuracy",
    finite=FOLDS,
    failed=(),
    layers=(),
    **content,
):
    """Write a study whose arms are norms, with these values of a metric, one per seed.

    Args:
        values: The values by arm.
        name: The study's name.
        runs_dir: The folder of the study's folder.
        metric: What the values are of.
        finite: What summary.json says of the data.
        failed: (arm, seed) of runs that collapsed; with "diverged" behind it of those that diverged.
        layers: Names of layers, all of std 1, for reports that show them.
        content: More of study.json; ``settings`` are those of every arm.
    """
    settings = {"model": "lenet", "dataset": "images", "optimizer.lr": 0.01, **content.pop("settings", {})}
    first = {"baseline": "norm=kept", "axes": ["norm"], "seeds": list(range(len(next(iter(values.values())))))}
    folder = make_study(runs_dir, name, arms=[f"norm={norm}" for norm in values], **first | content)
    described = [{"name": layer, "shape": [3, 2], "has_norm": False} for layer in layers]
    stats = [row for kind in ("weight", "grad", "activation") for row in std_rows(kind, dict.fromkeys(layers, 1.0))]
    for norm, of_arm in values.items():
        arm = make_arm(folder, f"norm={norm}", norm=norm, changed=["norm"], **settings)
        for seed, value in enumerate(of_arm):
            lost = {"status": "diverged"} if (norm, seed, "diverged") in failed else {}
            trained = {"train_accuracy": 0.5 if (norm, seed) in failed else 0.99, "train_loss": 0.1}
            rows = [{"step": 20, **trained, metric: float(value)}]
            made = {"constant_predictor": CONSTANT, "finite": finite, "layers": described} | SIZES | lost
            make_run(arm, seed, rows, stats, **made)
    return folder
