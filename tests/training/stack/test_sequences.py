"""Stacks of networks on sequences: members whose sequences are of other lengths train as each of them does alone."""

import pytest
import torch
from sequence_batches import sequences

from normbench.datasets.base import Split
from normbench.datasets.sequences import SequencesSpec
from normbench.models.rnn import RNNSpec
from normbench.models.transformer import TransformerSpec
from normbench.norms.batch_norm import BatchNormSpec
from normbench.norms.layer_norm import LayerNormSpec
from normbench.optimizers.adam import AdamSpec
from normbench.optimizers.sgd import SGDSpec
from normbench.study.config import RunConfig
from normbench.training.build import build_training
from normbench.training.loop import train
from normbench.training.stack.stack import Stack
from normbench.training.stack.stackable import obstacle

NUM_STEPS, NUM_SAMPLES, BATCH_SIZE, LONGEST = 20, 9, 4, 5
LENGTHS = {"short": (1, 2, 3, 2), "long": (5, 4, 5, 3), "mixed": (2, 5, 1, 4)}
DATA = SequencesSpec(num_classes=3, num_samples=NUM_SAMPLES, min_length=3, max_length=LONGEST, longer_by=1)
MODELS = [
    *(RNNSpec(cell=cell, hidden_features=8) for cell in ("plain", "gru", "lstm")),
    *(TransformerSpec(norm_position=position, num_layers=1, width=8) for position in ("pre", "post")),
]
# A bias before batch norm has no gradient but rounding, which Adam would make steps of with its own small eps.
ADAM = AdamSpec(lr=0.01, eps=1e-4)
NORMS = [(BatchNormSpec(), ADAM), (LayerNormSpec(), SGDSpec(lr=0.05, momentum=0.9)), (LayerNormSpec(), ADAM)]
SMALL = {"num_layers": 1, "width": 8}
CASES = [
    *((model, norm, optimizer) for model in MODELS for norm, optimizer in NORMS),
    (TransformerSpec(norm_position="peri", **SMALL), BatchNormSpec(), ADAM),
    (TransformerSpec(qk_norm=BatchNormSpec(), **SMALL), LayerNormSpec(), ADAM),
    (TransformerSpec(norm_position="peri", qk_norm=LayerNormSpec(), **SMALL), LayerNormSpec(), ADAM),
]


def config_of(model, norm, optimizer):
    return RunConfig(
        model=model, norm=norm, dataset=DATA, optimizer=optimizer, dropout=0.3, batch_size=BATCH_SIZE, device="cpu"
    )


def member(config, seed, lengths, dtype=torch.float64):
    """Return the objects of a run whose sequences have these lengths, over and over."""
    training, _ = build_training(config, seed)
    training.model.to(dtype)
    of_samples = [LENGTHS[lengths][i % 4] for i in range(NUM_SAMPLES)]
    x = sequences(of_samples, DATA.num_classes, LONGEST, seed).to(dtype)
    training.batches.split = Split(x, training.batches.split.y)
    return training


def trained_stack(config, members):
    stack = Stack(members, [config] * len(members))
    for step in range(NUM_STEPS):
        stack.step(step)


def kept(training):
    return dict(training.model.state_dict())


def name_of(part):
    if part.name == "rnn":
        return part.cell
    return "-".join(map(str, part.changed().values())) if part.name == "transformer" else part.name


@pytest.mark.parametrize(("model", "norm", "optimizer"), CASES, ids=name_of)
def test_each_member_trains_as_it_does_alone(model, norm, optimizer):
    config = config_of(model, norm, optimizer)
    assert not obstacle(config)
    alone, together = ([member(config, seed, name) for seed, name in enumerate(LENGTHS)] for _ in range(2))
    trained_stack(config, together)
    for one, other in zip(alone, together, strict=True):
        train(one, NUM_STEPS, NUM_STEPS, None)
        torch.testing.assert_close(kept(other), kept(one), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("model", [MODELS[1], MODELS[3]], ids=lambda one: one.name)
def test_no_bit_of_a_member_depends_on_how_long_the_sequences_of_others_are(model):
    config, found = config_of(model, BatchNormSpec(), ADAM), []
    for others in ("short", "long"):
        first = member(config, 0, "mixed", torch.float32)
        trained_stack(config, [first, member(config, 1, others, torch.float32)])
        found.append(kept(first))
    assert all(torch.equal(one, found[1][name]) for name, one in found[0].items())
