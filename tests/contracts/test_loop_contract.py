"""The loop makes the steps of a loop that a user would write by hand, to the last bit: each norm, each optimizer."""

from inspect import signature

import pytest
import torch
from contracts.variants import variants
from torch.nn.functional import cross_entropy

from normbench.random_streams import seeded_globally
from normbench.study.config import RunConfig
from normbench.training.build import build_training
from normbench.training.loop import train
from normbench.training.numerics import numerics
from normbench.training.training_objects import TrainingProgress

NUM_STEPS = 5
L1 = 0.001
COMMON = {
    "dataset": {"name": "gratings", "num_samples": 24},
    "model": {"name": "lenet", "norm_after": ["conv1", "conv2"]},  # some norms want positions
    "norm": "batch_norm",
    "batch_size": 8,  # the fourth step begins the second epoch
    "num_steps": NUM_STEPS,
    "dropout": 0.3,
    "weight_decay": 0.01,
    "l1": L1,
    "schedule": {"name": "cosine", "warmup": 2},
}
FOUND = [("norm", norm().name) for norm in variants("norms")]
FOUND += [("optimizer", optimizer().name) for optimizer in variants("optimizers")]


def torchs_optimizer(optimizer):
    """Return an optimizer of torch's own class with the same settings of the same parameters."""
    kind = next(one for one in type(optimizer).__mro__ if one.__module__.startswith("torch.optim."))
    settings = {key: value for key, value in optimizer.defaults.items() if key in signature(kind).parameters}
    groups = [{key: group[key] for key in ("params", "weight_decay")} for group in optimizer.param_groups]
    return kind(groups, **settings)


def bare_losses(training):
    """Train as users do by hand; return the loss of each step."""
    optimizer, losses = torchs_optimizer(training.optimizer), []
    for step in range(NUM_STEPS):
        for group in optimizer.param_groups:
            group["lr"] = training.lr_of_step(step)
        batch = training.batches.next()
        optimizer.zero_grad()
        loss = cross_entropy(training.model(batch.x), batch.y)
        loss.backward()
        for weight in training.penalty.parameters:
            weight.grad += L1 * weight.detach().sign()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.usefixtures("small_test_sets")
@pytest.mark.parametrize(("key", "name"), FOUND)
def test_weights_and_losses_are_those_of_a_bare_loop(key, name):
    config = RunConfig.model_validate(COMMON | {key: name})
    progress = TrainingProgress()
    with numerics():
        (ours, _), (bare, _) = (build_training(config, 0) for _ in range(2))
        with seeded_globally(0):  # some norms draw from the global generator
            train(ours, NUM_STEPS, NUM_STEPS + 1, None, progress=progress)
        with seeded_globally(0):
            assert progress.losses == bare_losses(bare)
    for name_in_model, tensor in bare.model.state_dict().items():
        assert torch.equal(ours.model.state_dict()[name_in_model], tensor), name_in_model
