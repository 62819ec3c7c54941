"""A schedule sets the learning rate of each step, is recorded, and leaves a run without one as it was."""

from pathlib import Path

import pytest
import torch
from command_line import normbench

from normbench.study.config import RunConfig
from normbench.study.contradictions import contradictions
from normbench.training.build import build_training
from normbench.training.experiment import metric_columns
from normbench.training.loop import train
from normbench.training.recorders.memory import MemoryRecorder

LINE = {
    "model": {"name": "mlp", "hidden_features": [4]},
    "dataset": {"name": "linear_regression", "num_samples": 12},
    "optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.0},
    "batch_size": 4,
    "num_steps": 4,
}
COSINE = {"schedule": {"name": "cosine", "warmup": 1, "final": 0.2}}
RATES = [0.05, 0.1, 0.08, 0.04]
"""Half of the peak, then 0.02 + 0.08 (1 + cos(pi p)) / 2 with p = 0, 1/3, 2/3."""
TEXT = "model: {name: mlp, hidden_features: [4]}\ndataset: linear_regression\nbatch_size: 5\n"


def config_of(**settings):
    return RunConfig.model_validate(LINE | settings)


def frames_of(config):
    training, dataset = build_training(config, seed=3)
    recorder = MemoryRecorder()
    train(training, config.total_steps, 1, recorder)
    return recorder.frames, metric_columns(training.model, dataset, config)


def test_each_step_is_made_with_the_rate_that_its_row_tells():
    frames, columns = frames_of(config_of(**COSINE))
    assert [frame.metrics["lr"] for frame in frames[:-1]] == pytest.approx(RATES)
    for frame, rate in zip(frames, RATES, strict=False):
        for name, update in frame.updates.items():
            torch.testing.assert_close(update, -rate * frame.grads[name], rtol=1e-4, atol=1e-7)
    assert "lr" in columns
    assert "lr" not in frames[-1].metrics  # no step follows the last row


def test_without_a_schedule_there_is_no_column():
    frames, columns = frames_of(config_of())
    assert "lr" not in columns
    assert all("lr" not in frame.metrics for frame in frames)


def test_a_warmup_alone_is_a_schedule_and_the_scaled_rate_is_its_peak():
    config = config_of(schedule={"warmup": 3}, lr_scaling="linear", reference_batch_size=2)
    assert [config.lr_of_step()(step) for step in range(4)] == pytest.approx([0.05, 0.1, 0.15, 0.2])


def test_no_schedule_is_the_same_run_said_or_not():
    said, not_said = (config_of(device="cpu", **more).identity() for more in ({"schedule": "none"}, {}))
    assert said == not_said
    assert said != config_of(device="cpu", **COSINE).identity()


def test_a_warmup_as_long_as_the_run_is_refused():
    (refusal,) = contradictions(config_of(schedule={"name": "step", "warmup": 4}))
    rule = "schedule.warmup: must be less than the 4 steps of the run, got 4. Use fewer, or more num_steps."
    assert str(refusal) == rule
    assert not contradictions(config_of(schedule={"warmup": 4}, num_steps=0))


def test_the_short_version_of_a_study_warms_up_as_much_more_shortly():
    text = f"{TEXT}num_steps: 40\nschedule: {{name: cosine, warmup: 20}}\nrecording: {{tensorboard: false}}\n"
    Path("a.yaml").write_text(text, encoding="utf-8")
    assert normbench("run", "a.yaml", "--quick", "--quiet").code == 0
    (metrics,) = Path("runs/a-quick").glob("*/seed-0/metrics.csv")
    rows = [line.split(",") for line in metrics.read_text(encoding="utf-8").splitlines()]
    rates = [row[rows[0].index("lr")] for row in rows[1:]]
    assert list(map(float, rates[:-1])) == pytest.approx([0.01 / 3, 0.02 / 3, 0.01, 0.005])
    assert rates[-1] == ""
