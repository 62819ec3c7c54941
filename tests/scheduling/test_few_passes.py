"""Passes that are told from others: they count as long, put out what others did, and the network is as before."""

import pytest
import torch
from torch import nn

from normbench.scheduling import few_passes as module
from normbench.scheduling.few_passes import few_passes
from normbench.scheduling.run_timing import time_run
from normbench.study.config import RunConfig
from normbench.training.build import build_training
from normbench.training.loop import train
from normbench.training.recorders.memory import MemoryRecorder

SETTINGS = {"model": {"name": "mlp", "hidden_features": [4]}, "norm": "batch_norm", "dataset": "gaussian_clusters"}


class Counted(nn.Linear):
    """Counts its passes, each of which takes as many seconds as the clock is told."""

    num_passes = 0

    def forward(self, x):
        self.num_passes += 1
        return super().forward(x)


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still but for three milliseconds at each look."""
    looks = iter(range(10**6))
    monkeypatch.setattr(module.time, "process_time", lambda: 0.003 * next(looks))


@pytest.mark.usefixtures("clock")
def test_passes_that_are_not_made_count_as_long_as_those_that_were():
    model, x = Counted(3, 2), torch.randn(5, 3)
    with few_passes(model) as passes, torch.no_grad():
        outputs = [model(x) for _ in range(10)]
    assert model.num_passes == 2  # the first, which is slower, and one to tell others from
    assert passes.told_s == pytest.approx(8 * 0.003)
    assert all(torch.equal(output, outputs[0]) for output in outputs)


@pytest.mark.usefixtures("clock")
def test_another_shape_or_mode_is_another_pass():
    model = Counted(3, 2)
    with few_passes(model), torch.no_grad():
        for size in (5, 6, 5, 6):
            for _ in range(3):
                assert len(model(torch.randn(size, 3))) == size
        model.eval()
        model(torch.randn(5, 3))
    assert model.num_passes == 5


def test_passes_with_a_gradient_are_all_made():
    model = Counted(3, 2)
    with few_passes(model) as passes:
        for _ in range(100):
            model(torch.randn(5, 3)).sum().backward()
    assert (model.num_passes, passes.told_s) == (100, 0)


@pytest.mark.parametrize("has_own", [False, True])
@pytest.mark.parametrize("fails", [False, True])
def test_forward_is_as_it_was(has_own, fails):
    model = nn.Linear(3, 2)
    if has_own:
        model.forward = lambda x: x
    before = dict(vars(model))
    with pytest.raises(ZeroDivisionError) if fails else few_passes(model), few_passes(model):
        assert 1 / (not fails)
    assert vars(model) == before


def test_a_recording_goes_through_and_most_of_its_passes_are_told():
    config = RunConfig.model_validate(SETTINGS | {"batch_size": 2, "num_steps": 1}).on("cpu")
    training, _ = build_training(config, 0)
    with few_passes(training.model) as passes:
        train(training, 1, 1, MemoryRecorder())
    assert passes.told_s > 0


def test_measuring_takes_no_part_for_another():
    config = RunConfig.model_validate(SETTINGS | {"num_steps": 10**6, "recording": {"tensorboard": False}}).on("cpu")
    timing = time_run(config, 0)
    assert timing.last_s > timing.row_s > timing.step_s > 0  # it reads running statistics; it evaluates; neither
