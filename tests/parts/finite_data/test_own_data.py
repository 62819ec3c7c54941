"""Own data: what a function of the user's returns is read once, or refused in one line."""

import sys
from pathlib import Path

import numpy as np
import pytest
from parts.finite_data.reading_files import refusals, spec_of

CODE = """
import numpy as np
import torch
from torch.utils.data import Dataset, TensorDataset

N = 24
X = torch.arange(N * 6.0).reshape(N, 2, 3)
Y = torch.arange(N) % 2


class Samples(Dataset):
    def __init__(self, x=X, y=Y, change=lambda x: x):
        self.x, self.y, self.change = x, y, change

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.change(self.x[i]), self.y[i]


class NoLength:
    def __getitem__(self, i):
        return X[i], Y[i]


def tensors(): return X, Y
def arrays(): return X.numpy(), Y.numpy()
def mapping(): return {"x": X, "y": Y}
def samples(): return Samples()
def tensor_dataset(): return TensorDataset(X, Y)
def scaled(factor=1): return X * factor, Y
def parts(): return {"train": Samples(), "test": Samples(X[:6] + 1, Y[:6])}
def words(): return Samples(y=["no", "yes"] * 12)
def drawn(): return torch.rand(N, 4), Y

def random(): return Samples(change=lambda x: x + torch.rand(()))
def uneven(): return Samples(change=lambda x: x[: 1 + int(x[0, 0] > 60)])
def pictures(): return Samples(change=lambda x: object())
def single(): return [1, 2, 3]
def nothing(): return None
def no_length(): return NoLength()
def empty(): return Samples(X[:0], Y[:0])
def broken(): return Samples(change=lambda x: 1 / 0)
def fails(): raise ValueError("no disk")
def exits(): raise SystemExit(3)
def alone(): return Samples(), Samples()
def one_tensor(): return torch.ones(6, 2)
def with_nan(): return torch.full((6, 2), float("nan")), torch.arange(6) % 2
def unnamed(): return {}
def sparse(): return torch.eye(6).to_sparse(), torch.arange(6) % 2
number = 3
"""


@pytest.fixture(autouse=True)
def module():
    Path("own_data_cases.py").write_text(CODE)
    sys.modules.pop("own_data_cases", None)
    yield
    sys.modules.pop("own_data_cases", None)


def own_spec(name, **settings):
    return spec_of("own", source=f"own_data_cases:{name}", **({"layout": "channels_first"} | settings))


@pytest.mark.parametrize("name", ["tensors", "arrays", "mapping", "samples", "tensor_dataset"])
def test_whatever_form_data_have_they_are_the_same(name):
    spec = own_spec(name)
    assert spec.mistakes() == []
    assert (spec.task, spec.input_shape, spec.num_samples) == ("classification", (2, 3), 24)
    assert spec.digests() == own_spec("tensors").digests()


def test_settings_are_the_callables_arguments_and_parts_may_be_named():
    assert own_spec("scaled", settings={"factor": 2}).digests() != own_spec("scaled").digests()
    assert [len(rows) for rows in own_spec("parts").split_of(0).values()] == [19, 5, 6]
    assert own_spec("words").rows.class_names == ("no", "yes")


def test_data_that_are_drawn_are_the_same_in_every_process():
    first, again = (own_spec("drawn", layout=None).read().x for _ in range(2))
    assert np.array_equal(first, again)


REFUSED = {
    "random": "must give the same sample each time, sample 0 read twice differs",
    "uneven": "must give samples of one shape and type, sample 11 has (2, 3) float32, sample 0 (1, 3) float32",
    "pictures": "must give samples of numbers, sample 0 is (object, Tensor)",
    "single": "must return arrays (x, y), a mapping of arrays, or a torch Dataset, it returned a list",
    "nothing": "it returned a NoneType",
    "no_length": "len() of what it returned ended with TypeError",
    "empty": "must return a dataset with samples, it has none",
    "broken": "reading sample 0 ended with own_data_cases.py line 44: ZeroDivisionError: division by zero",
    "fails": "calling it ended with own_data_cases.py line 45: ValueError: no disk",
    "exits": "calling it ended with own_data_cases.py line 46: SystemExit: 3",
    "alone": "it returned a tuple of (Samples, Samples)",
    "one_tensor": "it returned a Tensor",
    "with_nan": "x must hold finite numbers",
    "number": "must be a function or class that makes data, it is a int",
    "absent": "must name something in own_data_cases, which has no 'absent'",
}


def test_arrays_without_their_names_are_told_how_to_be_returned():
    lines = refusals("own", source="own_data_cases:unnamed")
    assert [line.partition(",")[0] for line in lines] == [f"source: must hold an array {key!r}" for key in "xy"]
    assert all(line.endswith(" Return it under that name.") for line in lines)


def test_sparse_tensors_are_read_as_they_are():
    assert np.array_equal(own_spec("sparse", layout=None).read().x, np.eye(6))


@pytest.mark.parametrize("name", list(REFUSED))
def test_what_is_no_data_is_one_line(name):
    (line,) = refusals("own", source=f"own_data_cases:{name}")
    assert line.startswith("source: ")
    assert REFUSED[name] in line
    assert "\n" not in line
