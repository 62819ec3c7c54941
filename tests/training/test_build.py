"""From a config and a seed to objects: what arms share, what weight decay acts on, the step size in use."""

import pytest
import torch

from normbench.datasets._batches import Batches
from normbench.inspection.watch.parameter_groups import split_parameters
from normbench.random_streams import stream
from normbench.study.config import RunConfig
from normbench.training.build import build_model, build_training

BASE = {
    "model": {"name": "mlp", "hidden_features": [6, 5]},
    "dataset": {"name": "linear_regression", "num_samples": 12},
    "batch_size": 4,
}
ARMS = {
    "plain": {},
    "normed": {"norm": "batch_norm"},
    "dropped": {"dropout": 0.5},
    "decayed": {"weight_decay": 0.1, "l1": 0.01},
    "adam": {"optimizer": "adam"},
    "wide": {"model": {"name": "mlp", "hidden_features": [50]}},
}


def build(seed=0, **settings):
    return build_training(RunConfig.model_validate(BASE | settings), seed)


def splits(dataset):
    return [tensor for split in dataset.splits().values() for tensor in (split.x, split.y)]


def same_tensors(left, right):
    return all(torch.equal(a, b) for a, b in zip(left, right, strict=True))


def batches_of(training, count=7):
    return [training.batches.next().x for _ in range(count)]


def weights_of(training):
    return list(training.model.parameters())


def names_of(training, parameters):
    chosen = {id(parameter) for parameter in parameters}
    return {name for name, parameter in training.model.named_parameters() if id(parameter) in chosen}


@pytest.mark.parametrize("arm", ARMS)
def test_a_seed_means_the_same_data_and_order_in_every_arm(arm):
    (plain, plain_data), (training, dataset) = build(seed=2), build(seed=2, **ARMS[arm])
    assert same_tensors(splits(plain_data), splits(dataset))
    assert same_tensors(batches_of(plain), batches_of(training))


@pytest.mark.parametrize("arm", ["normed", "dropped", "decayed", "adam"])
def test_a_seed_means_the_same_start_in_every_arm_whose_shapes_agree(arm):
    (plain, _), (training, _) = build(seed=2), build(seed=2, **ARMS[arm])
    for name, parameter in plain.model.named_parameters():
        assert torch.equal(parameter, training.model.get_parameter(name)), name


def test_other_seeds_mean_other_data_order_and_start():
    (first, first_data), (second, second_data) = build(seed=0), build(seed=1)
    assert not torch.equal(first_data.train.y, second_data.train.y)
    assert not same_tensors(batches_of(first), batches_of(second))
    assert not torch.equal(first.model.hidden2.weight, second.model.hidden2.weight)


@pytest.mark.parametrize(("fix", "same_data", "same_init"), [(["data"], True, False), (["init"], False, True)])
def test_what_is_fixed_is_that_of_seed_0_under_every_seed(fix, same_data, same_init):
    (zero, zero_data), (third, third_data) = build(seed=0), build(seed=3, fix=fix)
    assert same_tensors(splits(zero_data), splits(third_data)) is same_data
    assert same_tensors(weights_of(zero), weights_of(third)) is same_init
    assert not same_tensors(batches_of(zero), batches_of(third))  # the order stays the seed's


def test_with_data_and_start_fixed_the_order_alone_differs():
    (zero, zero_data), (third, third_data) = build(seed=0), build(seed=3, fix=["data", "init"])
    assert same_tensors(splits(zero_data), splits(third_data))
    assert same_tensors(weights_of(zero), weights_of(third))
    assert not same_tensors(batches_of(zero), batches_of(third))


@pytest.mark.parametrize(
    ("decay_on", "spared"),
    [
        ("all", set()),
        (
            "weights",
            {f"{layer}.{part}" for layer in ("hidden1", "hidden2") for part in ("bias", "norm.weight", "norm.bias")}
            | {"output.bias"},
        ),
    ],
)
def test_weight_decay_and_l1_act_on_all_parameters_or_on_weights_alone(decay_on, spared):
    training, _ = build(norm="batch_norm", weight_decay=0.1, l1=0.01, decay_on=decay_on)
    decayed, others = split_parameters(training.model, decay_on)
    everything = {name for name, _ in training.model.named_parameters()}
    assert names_of(training, others) == spared
    assert names_of(training, decayed) == names_of(training, training.penalty.parameters) == everything - spared
    groups = {group["weight_decay"]: names_of(training, group["params"]) for group in training.optimizer.param_groups}
    assert groups == ({0.1: everything - spared} | ({0.0: spared} if spared else {}))
    assert training.penalty.strength == 0.01


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_every_parameter_is_the_optimizers_exactly_once(optimizer):
    training, _ = build(norm="layer_norm", optimizer=optimizer, decay_on="weights")
    held = [parameter for group in training.optimizer.param_groups for parameter in group["params"]]
    assert sorted(map(id, held)) == sorted(map(id, training.model.parameters()))


@pytest.mark.parametrize(
    ("scaling", "expected"),
    [
        ({}, 0.02),
        ({"lr_scaling": "linear", "reference_batch_size": 16}, 0.005),
        ({"lr_scaling": "sqrt", "reference_batch_size": 16}, 0.01),
        ({"lr_scaling": "linear", "reference_batch_size": 2}, 0.04),
    ],
)
def test_the_step_size_is_scaled_with_the_batch_size(scaling, expected):
    training, _ = build(optimizer={"name": "sgd", "lr": 0.02}, **scaling)
    assert [group["lr"] for group in training.optimizer.param_groups] == [pytest.approx(expected)]


def test_arms_of_one_seed_share_their_data_in_memory():
    assert build(seed=4)[1] is build(seed=4, norm="batch_norm")[1]


def test_losses_are_read_on_every_split_in_the_order_of_the_columns():
    training, dataset = build()
    read = training.read(training.model)
    assert list(read) == [f"{name}_loss" for name in dataset.splits()]
    assert read["test_loss"] == pytest.approx(
        (training.model(dataset.test.x) - dataset.test.y).square().mean().item(), rel=1e-6
    )


def test_classification_is_read_with_its_accuracies():
    training, _ = build(dataset={"name": "banknotes", "num_samples": 4}, model="lenet", batch_size=2)
    names = ("train", "validation", "test")
    assert list(training.read(training.model)) == [f"{n}_loss" for n in names] + [f"{n}_accuracy" for n in names]


def test_the_fitted_curve_is_the_network_on_the_grid():
    training, dataset = build(norm="batch_norm")
    x, prediction = training.curve(training.model)
    assert torch.equal(x, dataset.noise_free.x[:, 0])
    assert torch.equal(prediction, training.model.eval()(dataset.noise_free.x)[:, 0])


def test_there_is_no_curve_without_one_dimensional_regression():
    noise = {"name": "gaussian_noise", "shape": [3], "num_samples": 8}
    assert build(dataset=noise, num_steps=0)[0].curve is None


def test_what_building_draws_from_the_global_random_state_does_not_depend_on_the_seed():
    states = []
    for seed in (0, 1):
        torch.default_generator.manual_seed(0)
        build(seed=seed, dropout=0.5)
        states.append(torch.random.get_rng_state())
    assert torch.equal(*states)


def test_another_replica_has_other_weights_and_another_order_on_the_same_data():
    (first, first_data), (second, second_data) = build(seed=2), build(seed=2, replica=1)
    assert same_tensors(splits(first_data), splits(second_data))
    assert not same_tensors(batches_of(first), batches_of(second))
    assert not torch.equal(first.model.hidden2.weight, second.model.hidden2.weight)
    other_seed = build(seed=3, replica=1)[0]
    assert not torch.equal(second.model.hidden2.weight, other_seed.model.hidden2.weight)


def test_a_replica_means_the_same_in_every_arm():
    plain, normed = (build(seed=2, replica=4, **settings)[0] for settings in ({}, {"norm": "batch_norm"}))
    assert torch.equal(plain.model.hidden2.weight, normed.model.hidden2.weight)
    assert same_tensors(batches_of(plain), batches_of(normed))


def test_the_first_replica_is_the_run_without_one():
    """Weights, order and data drawn by the streams of the seed alone; a replica of 0 is none."""
    training, dataset = build(seed=2)
    by_hand = build_model(RunConfig.model_validate(BASE), seed=2)
    assert same_tensors(by_hand.parameters(), weights_of(training))
    order = Batches(dataset.train, 4, stream(2, "order"))
    assert same_tensors([order.next().x for _ in range(7)], batches_of(training))
    plain, first, second = (RunConfig.model_validate(BASE | more) for more in ({}, {"replica": 0}, {"replica": 1}))
    assert plain.settings() == first.settings()
    assert plain == first != second


def test_with_the_start_fixed_replicas_still_draw_their_own():
    zero, third = build(seed=0, replica=1)[0], build(seed=3, replica=1, fix=["init"])[0]
    assert same_tensors(weights_of(zero), weights_of(third))
