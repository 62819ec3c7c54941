"""The user's own augmentation: the same in all arms, of training batches alone, refused in a line where it is none."""

from pathlib import Path

import pytest
import torch
from command_line import normbench

from normbench.errors import ConfigError
from normbench.study.config import RunConfig
from normbench.study.load import load_study
from normbench.training.build import build_training

CLASSES = {
    "model": {"name": "mlp", "hidden_features": [4]},
    "dataset": {"name": "gaussian_clusters", "num_samples": 40},
    "batch_size": 8,
    "num_steps": 4,
}
TEXT = """\
model: {name: mlp, hidden_features: [4]}
dataset: {name: gaussian_clusters, num_samples: 40}
batch_size: 8
num_steps: 4
recording: {every_steps: 4, histograms: [], tensorboard: false}
"""
CODE = """
import math, time, torch
import numpy as np

own = np.random.default_rng(0)

def good(x, y, generator): return x, y
def many_defaults(x, generator, strength=0.1, mode="a"): return x + strength
def all_defaults(x, y=None, generator=None): return x, y

def no_generator(x): return x
def only_target(x, y): return x, y
def anything(*args): return args[0]
def alone(x, y, generator): return x
def cropped(x, generator): return x[:, 1:]
def doubled(x, generator): return x.double()
def soft(x, y, generator): return x, torch.nn.functional.one_hot(y, 10).float()
def array(x, generator): return x.numpy()
def nothing(x, generator): x.add_(1)
def raises(x, generator): raise ValueError("no\\nidea")
def exits(x, generator): raise SystemExit(3)
def infinite(x, generator): return x / 0
def other_draws(x, generator): return x + own.standard_normal()
class Flip: pass
number = 3
"""
FORMS = "must be a function of (x, y, generator) or (x, generator), "
REFUSED = {
    "missing": "must name something in my_data, which has no 'missing'",
    "no_generator": FORMS + "it takes (x)",
    "only_target": FORMS + "it takes (x, y)",
    "anything": FORMS + "it takes ()",
    "Flip": FORMS + "it is the class Flip",
    "number": FORMS + "it is a int",
    "alone": "must return (x, y), it returned a tensor of shape (8, 16)",
    "cropped": "must return x as it came, (8, 16) float32 on cpu, it returned (8, 15) float32 on cpu",
    "doubled": "must return x as it came, (8, 16) float32 on cpu, it returned (8, 16) float64 on cpu",
    "soft": "must return y as it came, (8,) int64 on cpu, it returned (8, 10) float32 on cpu",
    "array": "must return x as a tensor, it returned a ndarray",
    "nothing": "must return x as a tensor, it returned None",
    "raises": "must take a batch of shape (8, 16), it ended with my_data.py line 20: ValueError: no idea",
    "exits": "must take a batch of shape (8, 16), it ended with my_data.py line 21: SystemExit: 3",
    "infinite": "must be finite, some x are nan or infinite",
    "other_draws": "must return the same for the same generator, it returned two batches",
}

pytestmark = pytest.mark.usefixtures("small_test_sets")


def complaints(name):
    Path("my_data.py").write_text(CODE, encoding="utf-8")
    Path("a.yaml").write_text(f"{TEXT}augment: my_data:{name}\n", encoding="utf-8")
    try:
        load_study(Path("a.yaml"))
    except ConfigError as error:
        return error.complaints
    return []


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_augmentation_is_one_line_with_its_place(name):
    (line,) = complaints(name)
    assert line.startswith(f"a.yaml:6: augment: {REFUSED[name]}")
    assert f", got 'my_data:{name}'. " in line
    assert line.endswith((".", "else x"))  # what to do


@pytest.mark.parametrize("name", ["good", "many_defaults", "all_defaults"])
def test_arguments_may_have_defaults(name):
    assert complaints(name) == []


def training_of(name=None, seed=3, **settings):
    own = {"augment": f"augmentations:{name}"} if name else {}
    return build_training(RunConfig.model_validate(CLASSES | own | settings), seed)


def batches_of(name, disturbed=False, **settings):
    training, _ = training_of(name, **settings)
    found = []
    for _ in range(7):  # of 40 samples: more than an epoch
        if disturbed:
            training.model(torch.randn(8, 16))
        found.append(training.batches.next())
    return found


def test_all_arms_get_the_same_batches_whatever_else_they_draw():
    plain = batches_of("shifted")
    for other in (batches_of("shifted", norm="noisy_batch_norm", dropout=0.5, disturbed=True), batches_of("shifted")):
        assert all(one.x.equal(two.x) and one.y.equal(two.y) for one, two in zip(plain, other, strict=True))


def test_seeds_and_steps_and_replicas_get_others():
    first, second = _shifts()
    assert not first.equal(second)
    for other in ({"seed": 4, "fix": ["data"]}, {"replica": 1}):
        assert not _shifts(**other)[0].equal(first)


def _shifts(**settings):
    """What was added in the first two steps; the samples themselves are drawn from another stream."""
    pairs = zip(batches_of("shifted", **settings), batches_of(None, **settings), strict=True)
    return [augmented.x - clean.x for augmented, clean in pairs][:2]


def test_order_and_targets_are_those_of_a_run_without_it():
    for one, other in zip(batches_of("shifted"), batches_of(None), strict=True):
        assert one.y.equal(other.y)
        assert 0 < (one.x - other.x).abs().max() < 3


def test_only_training_batches_are_augmented_and_the_data_stay_as_they_are():
    (training, dataset), (plain, _) = training_of("zeroed", batch_size=40), training_of(batch_size=40)
    assert not training.batches.next().x.any()
    assert dataset.train.x.all()  # a batch of all samples is the set itself
    assert training.batches.epoch().x.all()
    assert training.read(training.model) == plain.read(plain.model)
    assert training.final_read(training.model) == plain.final_read(plain.model)


def test_global_random_states_stay_where_they_are():
    training, _ = training_of("shifted")
    before = torch.get_rng_state()
    training.batches.next()
    assert torch.get_rng_state().equal(before)


def test_a_run_tells_its_augmentation_and_without_one_its_identity_is_as_before():
    Path("my_data.py").write_text(CODE, encoding="utf-8")
    Path("a.yaml").write_text(f"{TEXT}augment: my_data:many_defaults\n", encoding="utf-8")
    code, out, err = normbench("run", "a.yaml", "--quiet")
    assert code == 0, err
    assert "augment my_data:many_defaults" in out
    said, not_said = (RunConfig.model_validate(CLASSES | {"device": "cpu"} | more) for more in ({"augment": None}, {}))
    assert said.identity() == not_said.identity()
    assert "augment" not in not_said.identity().settings
