"""Whatever says that it stacks: runs trained as one agree with the same runs in the loop, in float64.

Norms, optimizers, models and datasets are found by themselves, and meet the settings and each other in pairs.
"""

import pytest
import torch
from contracts.stack_cases import DIVERGING_SLOT, IDLE_SLOT, NUM_SLOTS, cases, configs_of
from in_float64 import compute_in_float64

from normbench.storage.run_status import RunStatus
from normbench.training.build import build_training
from normbench.training.loop import train
from normbench.training.numerics import numerics
from normbench.training.recorders.memory import MemoryRecorder
from normbench.training.stack.loop import StackedRun, train_stack
from normbench.training.stack.stack import Stack
from normbench.training.training_objects import TrainingProgress

NUM_STEPS, EVERY_STEPS = 20, 20
LARGEST_DIFFERENCE = 1e-9
"""Relative to the largest number of the kind: a gradient that is 0 but for rounding is compared with all gradients."""
MOST_AMPLIFIED = 1e-4
"""No rounding excuses a larger difference: what a stack computes wrongly moves numbers by more."""
CASES = [pytest.param(row, settings, id=" ".join(row.values())) for row, settings in cases()]


@pytest.fixture(autouse=True)
def _float64(monkeypatch, small_test_sets):  # noqa: ARG001 - a fixture may not be marked to use another
    compute_in_float64(monkeypatch)
    with numerics():
        yield


class Trained:
    """The objects of one run, its frames, and how it ended."""

    def __init__(self, config, seed, change=lambda _: None):
        self.config, self.recorder, self.how = config, MemoryRecorder(), None
        self.training, _ = build_training(config, seed)
        self.training.read, self.training.final_read, self.training.curve = lambda _: {}, None, None
        change(self.training)

    def alone(self):
        """Train it in the loop."""
        self.how = train(self.training, NUM_STEPS, EVERY_STEPS, self.recorder)
        return self

    def figures(self):
        """Return tensors by kind, over all of it."""
        kinds = [
            {f"step {frame.step} {kind}": list(tensors.values()) for kind, tensors in frame.tensors().items()}
            | {f"step {frame.step} metrics": [torch.tensor(list(frame.metrics.values()), dtype=torch.float64)]}
            | {f"step {frame.step} probes": [torch.tensor([v for own in frame.probes.values() for v in own.values()])]}
            for frame in self.recorder.frames
        ]
        model, states = self.training.model, [self.training.optimizer.state[p] for p in self.training.parameters]
        kept = {name: [own[name] for own in states] for name in states[0]}
        ends = {"parameters": list(model.parameters()), "buffers": list(model.buffers())}
        return {name: tensors for kind in [*kinds, ends, kept] for name, tensors in kind.items() if tensors}


def as_one(trained):
    """Train runs as one; None for a slot that is not trained."""
    configs = [(one or trained[0]).config for one in trained]
    live = {slot: one for slot, one in enumerate(trained) if one}
    runs = {slot: StackedRun(one.training, TrainingProgress(), one.recorder) for slot, one in live.items()}

    def ended(slot, how):
        assert not isinstance(how, Exception), how
        live[slot].how = how

    train_stack(Stack([one and one.training for one in trained], configs), runs, NUM_STEPS, EVERY_STEPS, ended=ended)
    return trained


def largest_difference(alone, stacked):
    """Return the largest difference of two runs' numbers, each relative to the largest of its kind."""
    these, those = alone.figures(), stacked.figures()
    assert these.keys() == those.keys()
    return max(_difference(those[name], tensors) for name, tensors in these.items())


def _difference(found, wanted):
    assert [tensor.shape for tensor in found] == [tensor.shape for tensor in wanted]
    found, wanted = (
        torch.cat([tensor.detach().double().flatten() for tensor in tensors]) for tensors in (found, wanted)
    )
    finite = wanted.isfinite()
    assert torch.equal(found.isfinite(), finite)
    scale = wanted[finite].abs().max().item() if finite.any() else 0.0
    return ((found - wanted)[finite].abs().max().item() / scale) if scale else found[finite].abs().sum().item()


def spoil(training):
    """Let one sample be no number, so that the run diverges when it is drawn."""
    split = training.batches.split
    split.x[5] = torch.nan


def move_each_number(training):
    """Move every input and parameter by one unit in the last place, up or down: a stack rounds otherwise everywhere."""
    directions = torch.Generator().manual_seed(0)
    for numbers in (training.batches.split.x, *training.parameters):
        towards = torch.randint(0, 2, numbers.shape, generator=directions) * 2.0
        with torch.no_grad():
            numbers.copy_(torch.nextafter(numbers, towards * numbers))


@pytest.mark.parametrize(("row", "settings"), CASES)
def test_runs_trained_as_one_agree_with_the_loop(row, settings):
    configs = configs_of(row, settings, NUM_STEPS)
    changes = {DIVERGING_SLOT: spoil} if row["slots"] == "diverging" else {}
    live = [slot for slot in range(NUM_SLOTS) if row["slots"] != "idle slot" or slot != IDLE_SLOT]
    made = {slot: (configs[slot], slot, changes.get(slot, lambda _: None)) for slot in live}
    stacked = as_one([Trained(*made[slot]) if slot in made else None for slot in range(NUM_SLOTS)])
    for slot in live:
        alone = Trained(*made[slot]).alone()
        assert (stacked[slot].how.status, stacked[slot].how.step) == (alone.how.status, alone.how.step)
        if alone.how.status == RunStatus.FINISHED:
            difference = largest_difference(alone, stacked[slot])
            assert difference <= LARGEST_DIFFERENCE or difference <= _amplified(configs[slot], slot, alone)


def _amplified(config, slot, alone):
    """Return ten times what one last place of each number moves: more than 1e-9 where training amplifies rounding.

    So it is in tiny batches, and where a norm is over few values, or over many that are 0, as behind a ReLU.
    """
    moved = largest_difference(alone, Trained(config, slot, move_each_number).alone())
    return min(10 * moved, MOST_AMPLIFIED)
