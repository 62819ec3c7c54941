"""A study of masks from the folder to the verdict: own network, images and masks, Dice and IoU in every table."""

from pathlib import Path

import numpy as np
import pytest
from command_line import normbench
from finite_data.picture_folders import with_masks

from normbench.evidence.comparison.comparison import compare_runs
from normbench.storage.study_folder import read_study

NET = """
from torch import nn

def make(input_shape, output_shape):
    body = nn.Sequential(nn.Conv2d(input_shape[0], 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
    return nn.Sequential(body, nn.Conv2d(4, output_shape[0], 1))
"""
STUDY = """# Which norm?
model: {name: own, build: my_net:make}
dataset: {name: images, root: root, ignore: 9}
batch_size: 4
num_steps: 4
seeds: 2
grid: {norm: [kept, instance_norm]}
recording: {every_steps: 2, histograms: [], tensorboard: false, diagnostics: true}
"""
SPLITS = ("train", "validation", "test")
QUANTITIES = ("loss", "dice", "iou", "accuracy")


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    masks = [np.where(rng.random((8, 8)) < 0.1, 9, rng.random((8, 8)) < 0.3) for _ in range(12)]
    with_masks(tmp_path / "root", masks, (8, 8))
    (tmp_path / "my_net.py").write_text(NET)
    (tmp_path / "masks.yaml").write_text(STUDY)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_masks_are_trained_read_and_compared_by_dice():
    done = normbench("run", "masks.yaml")
    assert (done.code, done.err.count("error")) == (0, 0), done.err
    study = read_study(Path("runs/masks"))
    for arm in study.arms:
        last = arm.runs[0].table("metrics.csv").rows()[-1]
        columns = [f"{split}_{quantity}" for split in SPLITS for quantity in QUANTITIES]
        assert all(np.isfinite(float(last[column])) for column in columns)
        assert all(0 <= float(last[column]) <= 1 for column in columns if not column.endswith("loss"))
        constant = arm.runs[0].summary["constant_predictor"]
        assert set(constant) == set(columns)
        assert arm.runs[0].summary["finite"]["unit"] == "images"
    kept = next(arm for arm in study.arms if arm.settings["norm"] == "kept")
    last = kept.runs[0].table("metrics.csv").rows()[-1]
    assert all(last[f"{kind}_{quantity}"] for kind in ("adapted_test", "reestimated_train") for quantity in QUANTITIES)
    (comparison,) = compare_runs([Path("runs/masks")])
    assert next(iter(comparison.rows[0].figures)) == "test_dice"
    assert comparison.collapse_rule.limit_of(kept.runs[0]).metric == "train_accuracy"
    assert "test dice" in done.out
    assert "test dice" in normbench("show", kept.runs[0].folder).out
    assert max(map(len, done.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("collapse: {metric: train_dice, below: 0.3}", ""),
        ("collapse: {metric: train_dice, above: 0.3}", "collapse.above: must be below for train_dice"),
        ("sampling: by_class", "sampling: must be shuffled with images, which has no classes"),
    ],
)
def test_settings_of_a_study_of_masks(folder, said, line):
    (folder / "masks.yaml").write_text(STUDY + said + "\n")
    shown = normbench("run", "masks.yaml", "--dry-run")
    assert (shown.code == 0) is not bool(line)
    assert line in shown.err
