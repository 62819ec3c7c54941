"""Histograms: nothing is lost, nothing invented, whatever the values."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from normbench.storage.histogram_table import NUM_BINS, array_names
from normbench.training.recorders.histograms import NUM_AT_ONCE, NUM_TOGETHER, histograms_of

F32, F64 = torch.float32, torch.float64


def spread(low, high, dtype=F32, count=1000):
    return torch.linspace(low, high, count, dtype=F64).to(dtype)


def row(table, i=0):
    """Return one histogram of a table's only step, its bins as lists; a single bin alone."""
    found = {name: getattr(table, name)[0, i] for name in array_names()[3:]}
    num_bins = 1 if found["counts"][0] == found["num"] else NUM_BINS
    assert not found.pop("counts")[num_bins:].any()
    counts, limits = table.counts[0, i, :num_bins].tolist(), table.right_edges[0, i, :num_bins].tolist()
    return SimpleNamespace(**found, bucket_counts=counts, bucket_limits=limits)


def histogram(tensor):
    return row(histograms_of({("weight", "a"): tensor}, 0))


TENSORS = {
    "normal": torch.randn(50, 40, generator=torch.Generator().manual_seed(1)),
    "float64": torch.randn(700, generator=torch.Generator().manual_seed(2), dtype=F64),
    "not contiguous": torch.arange(60.0).view(6, 10).t(),
    "wants a gradient": torch.linspace(-1, 1, 90).requires_grad_(),
    "two values": torch.tensor([-2.0, 5.0]),
    "no dimension": torch.tensor(1.5),
    "one element": torch.tensor([[3.0]]),
    "constant": torch.full((7, 3), -0.25),
    "zeros": torch.zeros(11),
    "far from zero": 1e6 + torch.arange(64.0),
    "neighbours": torch.tensor([1.0, 1.0 + 2**-23, 1.0]),
    "small": spread(-1e-36, 1e-36),
    "large": spread(-1e38, 1e38),
    "many values": torch.randn(NUM_AT_ONCE + 7, generator=torch.Generator().manual_seed(4)),
    "half precision": torch.linspace(-1, 1, 300, dtype=torch.float16),
    "range beyond float32": spread(-3e38, 3e38),
    "small float64": spread(-1e-300, 1e-300, F64),
    "range beyond float64": torch.tensor([-1.7e308, 0.0, 1.7e308], dtype=F64),
    "denormal": torch.tensor([1e-40, -1e-40, 3e-40]),
    "denormal beside normal": torch.tensor([1e-40, -1e-40, 1.0]),
}
EACH = pytest.mark.parametrize("tensor", TENSORS.values(), ids=TENSORS)


@EACH
def test_counts_sum_to_the_number_of_elements(tensor):
    found = histogram(tensor)
    assert (found.num, sum(found.bucket_counts), found.num_nonfinite) == (tensor.numel(), tensor.numel(), 0)
    assert len(found.bucket_counts) == len(found.bucket_limits) <= NUM_BINS


@EACH
def test_min_and_max_are_those_of_the_tensor(tensor):
    found = histogram(tensor)
    assert (found.min, found.max) == (tensor.min().item(), tensor.max().item())
    assert found.bucket_limits[-1] == found.max


@EACH
def test_edges_increase_from_the_smallest_value(tensor):
    found = histogram(tensor)
    if found.min == found.max:
        assert found.bucket_limits == [found.max]
    else:
        edges = [found.min, *found.bucket_limits]
        assert all(left < right for left, right in pairwise(edges))


@pytest.mark.parametrize("name", ["normal", "float64", "two values", "far from zero", "small float64", "large"])
def test_sums_are_those_of_the_values(name):
    found, values = histogram(TENSORS[name]), TENSORS[name].double()
    assert found.sum == pytest.approx(values.sum().item(), abs=1e-12 * values.abs().sum().item())
    if name != "large":  # whose squares are beyond float32
        assert found.sum_squares == pytest.approx(values.square().sum().item(), rel=1e-4)


@pytest.mark.parametrize(
    ("low", "step"), [(0.0, 1.0), (-8.0, 0.25), (2.0**100, 2.0**80)], ids=["whole", "quarters", "large"]
)
def test_counts_are_numpys_where_edges_are_exact(low, step):
    cells = torch.randint(0, NUM_BINS, (3000,), generator=torch.Generator().manual_seed(3))
    values = torch.cat([low + step * cells, torch.tensor([low, low + NUM_BINS * step])])
    found = histogram(values)
    expected, _ = np.histogram(values.double().numpy(), np.array([found.min, *found.bucket_limits]))
    assert found.bucket_counts == expected.tolist()


@pytest.mark.parametrize("name", ["normal", "float64", "small", "neighbours", "small float64"])
def test_counts_are_numpys_but_for_values_that_lie_on_an_edge(name):
    tensor, found = TENSORS[name], histogram(TENSORS[name])
    values, edges = tensor.flatten().double().numpy(), np.array([found.min, *found.bucket_limits])
    expected, _ = np.histogram(values, edges)
    rounding = 8 * torch.finfo(tensor.dtype).eps * (found.max - found.min)
    on_an_edge = (np.abs(values[:, None] - edges[None, 1:-1]) <= rounding).sum(0)
    moved = np.abs(np.cumsum(np.array(found.bucket_counts) - expected))[:-1]
    assert (moved <= on_an_edge).all()


@pytest.mark.parametrize("dtype", [F32, F64])
def test_values_that_are_not_finite_are_counted_apart(dtype):
    values = torch.tensor([1.0, float("nan"), -2.0, float("inf"), 0.5, float("-inf"), float("nan")], dtype=dtype)
    found = histogram(values)
    assert (found.num, found.num_nonfinite, sum(found.bucket_counts)) == (3, 4, 3)
    assert (found.min, found.max, found.sum, found.sum_squares) == (-2.0, 1.0, -0.5, 5.25)


@pytest.mark.parametrize("bad", [float("inf"), float("-inf"), float("nan")])
def test_one_value_that_is_not_finite_hides_no_other(bad):
    found = histogram(torch.cat([torch.arange(65.0), torch.tensor([bad])]))
    assert (found.min, found.max, found.num, found.num_nonfinite) == (0.0, 64.0, 65, 1)
    assert found.bucket_counts == [1.0] * 63 + [2.0]


@pytest.mark.parametrize("bad", [[float("nan")], [float("inf"), float("-inf")], [float("nan"), float("inf")]])
def test_of_nothing_finite_only_the_number_is_told(bad):
    found = histogram(torch.tensor(bad))
    assert (found.num, found.num_nonfinite, sum(found.bucket_counts)) == (0, len(bad), 0)
    assert np.isnan([found.min, found.max]).all()


def test_a_tensor_without_values_has_neither_kind():
    found = histogram(torch.empty(0, 3))
    assert (found.num, found.num_nonfinite) == (0, 0)


def test_values_up_to_the_largest_float_are_counted_evenly():
    found = histogram(spread(-1.7e38, 1.7e38, count=6400))
    assert 99 <= min(found.bucket_counts) <= max(found.bucket_counts) <= 101


def test_a_tensor_counted_among_others_is_counted_as_alone():
    others = {("grad", str(i)): torch.randn(i % 7 + 1) for i in range(20)}
    bad = {("grad", "bad"): torch.tensor([torch.nan, 1.0, 2.0]), ("grad", "none"): torch.tensor([torch.inf])}
    whole = others | {("weight", name): tensor for name, tensor in TENSORS.items()} | bad
    table = histograms_of(whole, 5)
    assert table.steps.tolist() == [5]
    for i, (key, tensor) in enumerate(whole.items()):
        alone = histograms_of({key: tensor}, 5)
        assert (str(table.kinds[i]), str(table.names[i])) == key
        for name in array_names()[3:]:
            exactly = name not in ("sum", "sum_squares")  # which are added in another order
            found, expected = getattr(table, name)[0, i], getattr(alone, name)[0, 0]
            np.testing.assert_allclose(found, expected, rtol=0 if exactly else 1e-12, atol=0 if exactly else 1e-9)


@pytest.mark.parametrize("size", [NUM_TOGETHER - 1, NUM_TOGETHER, NUM_TOGETHER + 1, NUM_AT_ONCE, 3 * NUM_AT_ONCE + 1])
def test_no_value_is_lost_where_large_tensors_are_counted_in_pieces(size):
    values = torch.arange(size, dtype=F64)
    found = histogram(values)
    assert (sum(found.bucket_counts), found.sum) == (size, size * (size - 1) / 2)
    assert max(found.bucket_counts) - min(found.bucket_counts) <= 2


def test_counting_leaves_the_tensor_alone():
    values = torch.tensor([1.0, float("nan"), 3.0], requires_grad=True)
    histogram(values)
    assert values[0].item() == 1.0
    assert torch.isnan(values[1])
    assert values.requires_grad
    assert values.grad is None


def test_denormals_are_counted_where_they_are_not_flushed():
    torch.set_flush_denormal(False)  # the next test's fixture flushes again
    values = torch.tensor([-1e-40, 0.0, 3e-40])
    found = histogram(values)
    assert (found.min, found.max) == (values.min().item(), values.max().item())
    assert found.min < 0 < found.max
    assert sum(found.bucket_counts) == 3
