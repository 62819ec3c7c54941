"""What tests of `normbench probe --model` share: my_models.py in the current folder, answers and refusals."""

import sys
from contextlib import contextmanager
from pathlib import Path

from command_line import normbench

MODELS = """
import torch
from torch import nn

ready, number = nn.Linear(2, 2), 3


def good():
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))


def words():
    return nn.Sequential(nn.Embedding(20, 8), nn.Linear(8, 2))


def exploding():
    model = good()
    nn.init.normal_(model[3].weight, std=50)
    return model


def takes_a_width(width):
    return nn.Linear(width, 2)


def returns_a_number():
    return 3


def without_layers():
    return nn.Tanh()


def lazy():
    return nn.LazyLinear(3)


def from_a_neighbour():
    from neighbour import make

    print("a line that is no answer")
    return make()


class Inner:
    model = staticmethod(good)
"""


@contextmanager
def own_models(monkeypatch, more=""):
    """Write my_models.py into the current folder, imported anew by each test, on a terminal that breaks no line."""
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr(sys, "path", list(sys.path))
    write("my_models.py", MODELS + more)
    yield
    for name in ("my_models", "neighbour", "broken"):
        sys.modules.pop(name, None)


def write(name, text):
    Path(name).write_text(text, encoding="utf-8")
    return name


def answer(*words):
    code, out, err = normbench("probe", *words)
    assert (code, err) == (0, "")
    return out


def refusal(*words):
    code, out, err = normbench("probe", *words)
    assert (code, out, err.count("\n")) == (2, "", 1), err
    return err.rstrip("\n")


def of_model(name, inputs="4,6"):
    return ("--model", f"my_models:{name}", "--input", inputs)
