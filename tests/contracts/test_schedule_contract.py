"""Every schedule: shares of the peak that depend on the step alone; warmup is a straight line before any of them.

Each variant is compared with torch's own scheduler, ``torchs_<name>(spec, optimizer, num_steps)``.
"""

import pytest
import torch
from contracts.variants import all_settings, each
from torch import nn
from torch.optim import lr_scheduler

SPECS = all_settings("schedules", tried_floats=(0.0, 0.25))
EVERY_SCHEDULE = pytest.mark.parametrize("spec", each(SPECS))
NUM_STEPS = 40
PEAK = 0.3


def torchs_none(_, optimizer, _num_steps):
    return lr_scheduler.ConstantLR(optimizer, factor=1.0)


def torchs_cosine(spec, optimizer, num_steps):
    return lr_scheduler.CosineAnnealingLR(optimizer, num_steps - spec.warmup, eta_min=spec.final * PEAK)


def torchs_step(spec, optimizer, num_steps):
    milestones = [round(share * num_steps) - spec.warmup for share in spec.milestones]
    return lr_scheduler.MultiStepLR(optimizer, milestones, spec.factor)


def shares(spec, num_steps=NUM_STEPS):
    share = spec.build(num_steps)
    return [share(step) for step in range(num_steps)]


@EVERY_SCHEDULE
def test_after_the_warmup_it_is_torchs(spec):
    torchs = globals().get(f"torchs_{spec.name}")
    assert torchs, f"{spec.name} needs torchs_{spec.name}, torch's own scheduler of it, in {__file__}"
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=PEAK)
    scheduler = torchs(spec, optimizer, NUM_STEPS)
    for share in shares(spec)[spec.warmup :]:
        assert PEAK * share == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9)
        optimizer.step()
        scheduler.step()


@EVERY_SCHEDULE
@pytest.mark.parametrize("warmup", [1, 3, NUM_STEPS - 1])
def test_the_warmup_is_a_straight_line_whose_next_point_is_the_peak(spec, warmup):
    warm = spec.model_copy(update={"warmup": warmup})
    line = [*shares(warm)[:warmup], 1.0]
    assert line == pytest.approx([(step + 1) / (warmup + 1) for step in range(warmup + 1)])


@EVERY_SCHEDULE
def test_it_never_rises_after_the_warmup_begins_at_the_peak_and_stays_between_0_and_1(spec):
    after = shares(spec)[spec.warmup :]
    assert after[0] == 1.0
    assert after == sorted(after, reverse=True)
    assert all(0 < share <= 1 for share in shares(spec))


@EVERY_SCHEDULE
def test_a_step_has_the_same_share_whichever_were_asked_for_before(spec):
    backwards = spec.build(NUM_STEPS)
    assert [backwards(step) for step in reversed(range(NUM_STEPS))][::-1] == shares(spec)
