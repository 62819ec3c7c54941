"""Numbers beyond float32 in one arm end neither run nor compare; the other arms' table is printed."""

from pathlib import Path

import pytest
from command_line import normbench

STUDY = """\
model: {{name: mlp, hidden_features: [4]}}
dataset: linear_regression
batch_size: 5
num_steps: 4
seeds: 2
baseline: plain
recording: {{tensorboard: false}}
arms: {{plain: {{}}, huge: {{{setting}}}}}
"""


@pytest.mark.parametrize(
    "setting", ["dataset.train_noise_std: 1.0e+20", "dataset.slope: 1.0e+38", "init_scale: 1.0e+30"]
)
def test_an_arm_beyond_all_bounds_leaves_the_others_their_table(setting):
    Path("huge.yaml").write_text(STUDY.format(setting=setting), encoding="utf-8")
    for words in (
        ["run", "huge.yaml", "--quiet"],
        ["compare"],
        ["compare", "--metric", "train_loss", "--plot", "a.png"],
    ):
        code, out, err = normbench(*words)
        assert code == 0, err
        assert "Traceback" not in out + err
        assert "plain" in out
    if not setting.startswith("init"):
        assert "huge: not compared by train_loss: not a finite number in some of its runs." in out
