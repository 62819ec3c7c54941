"""The numbers of layer_stats.csv, against numpy in float64."""

import math

import numpy as np
import pytest
import torch

from normbench.inspection.watch import layer_stats
from normbench.inspection.watch.layer_stats import MANY, STATISTICS, describe, layer_of


def draw(*shape, seed=0, dtype=torch.float32):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


TENSORS = {
    "weight": draw(20, 30),
    "images": 3 + draw(4, 3, 5, 5, seed=1),
    "float64": draw(100, dtype=torch.float64),
    "after relu": draw(50, 4).relu(),
    "far from zero": 1e4 + draw(500),
    "tiny": 1e-30 * draw(200),
    "huge": 1e30 * draw(200),
    "not contiguous": draw(8, 6).t(),
    "one element": torch.tensor([-2.0]),
    "no dimension": torch.tensor(0.5),
    "zeros": torch.zeros(3, 3),
}


def by_numpy(tensor):
    values = tensor.detach().double().numpy().ravel()
    size = np.abs(values)
    l2_norm = math.sqrt(math.fsum(values**2))
    median = np.sort(size)[(len(size) - 1) // 2]
    found = [values.mean(), values.std(), l2_norm, size.max(), (values == 0).mean(), median]
    return dict(zip(STATISTICS, found, strict=True))


@pytest.mark.parametrize("name", TENSORS)
def test_statistics_are_numpys_in_float64(name):
    found = describe({name: TENSORS[name]})[name]
    expected = by_numpy(TENSORS[name])
    scale = expected["max_abs"]  # a mean of 1e-32 beside values of 1e-30 is rounding
    assert found == {key: pytest.approx(value, rel=1e-12, abs=1e-14 * scale) for key, value in expected.items()}


@pytest.mark.parametrize("scale", [1e-20, 1e-30, 1e-37])
def test_the_std_of_a_vanishing_signal_does_not_underflow(scale):
    signal = scale * torch.tensor([-1.0, 1.0, -1.0, 1.0])
    found = describe({"output": signal})["output"]
    assert signal.square().sum().item() == 0  # in float32 it would
    assert (found["std"], found["l2_norm"]) == pytest.approx((scale, 2 * scale), rel=1e-6)


def test_the_norm_of_an_exploding_signal_does_not_overflow():
    found = describe({"output": torch.full((4,), 1e38).mul(torch.tensor([1, -1, 1, -1]))})["output"]
    assert (found["mean"], found["std"], found["l2_norm"]) == pytest.approx((0.0, 1e38, 2e38), rel=1e-6)


def test_the_std_is_of_the_population():
    assert describe({"x": torch.tensor([1.0, 3.0])})["x"]["std"] == 1.0


def test_the_zero_share_counts_exact_zeros():
    assert describe({"x": torch.tensor([0.0, -0.0, 1e-30, 2.0])})["x"]["zero_share"] == 0.5


@pytest.mark.parametrize(("values", "expected"), [([-3.0, 1.0, -2.0], 2.0), ([4.0, -1.0, 3.0, -2.0], 2.0)])
def test_the_median_size_is_the_middle_one_or_the_lower_of_two(values, expected):
    assert describe({"x": torch.tensor(values)})["x"]["median_abs"] == expected


@pytest.mark.parametrize("size", [MANY - 1, MANY, MANY + 1, 3 * MANY])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_median_size_is_torch_s_however_it_is_found(size, dtype):
    values = draw(size, seed=size, dtype=dtype).mul(3).round()
    assert describe({"x": values})["x"]["median_abs"] == values.abs().median().item()
    for bad in (float("inf"), float("nan")):
        values[size // 3] = bad
        found = describe({"x": values})["x"]["median_abs"]
        assert found == pytest.approx(values.abs().median().item(), abs=0, nan_ok=True)


def test_no_number_found_keeps_the_values_it_was_found_in(monkeypatch):
    found, real = [], layer_stats._statistics
    monkeypatch.setattr(layer_stats, "_statistics", lambda values: found.append(real(values)) or found[-1])
    describe({"x": draw(3 * MANY)})
    assert max(number.untyped_storage().nbytes() for number in found[0]) == 8


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_value_that_is_not_finite_shows_in_its_own_tensor_alone(bad):
    found = describe({"broken": torch.tensor([1.0, bad]), "whole": torch.tensor([1.0, 2.0])})
    assert not any(math.isfinite(found["broken"][key]) for key in ("mean", "std", "l2_norm", "max_abs"))
    assert all(map(math.isfinite, found["whole"].values()))


def test_rows_stand_in_the_order_of_the_tensors():
    assert list(describe({"b": torch.ones(2), "a": torch.ones(3), "c": torch.ones(1)})) == ["b", "a", "c"]


def test_nothing_gives_no_rows():
    assert describe({}) == {}


def test_describing_neither_needs_nor_touches_gradients():
    weight = torch.tensor([1.0, -1.0], requires_grad=True)
    describe({"w": weight})
    assert weight.grad is None
    assert weight.tolist() == [1.0, -1.0]


@pytest.mark.parametrize(
    ("parameter", "layer"),
    [
        ("hidden1.weight", "hidden1"),
        ("hidden1.bias", "hidden1.bias"),
        ("conv1.norm.weight", "conv1.norm"),
        ("conv1.norm.bias", "conv1.norm.bias"),
        ("hidden1", "hidden1"),  # an activation bears its layer's name already
    ],
)
def test_a_weight_is_filed_under_its_layers_name(parameter, layer):
    assert layer_of(parameter) == layer


def test_no_two_parameters_are_filed_under_one_name():
    names = ["conv1.weight", "conv1.bias", "conv1.norm.weight", "conv1.norm.bias"]
    assert len({layer_of(name) for name in names}) == len(names)
