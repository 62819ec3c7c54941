"""Where torch wraps its optimizers in another way, its own class is used; what a step cannot hurry torch makes."""

import subprocess
import sys
from functools import wraps
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.optim import SGD

from normbench.optimizers import _without_compiler
from normbench.optimizers._fused_steps import adam_step, sgd_step
from normbench.optimizers._without_compiler import WRAPPED, without_compiler

ROOT = Path(__file__).parents[3]
UNUSED = ("torch._dynamo", "sympy", "matplotlib", "scipy.stats", "pandas", "sklearn", "torchvision")
ONE_STEP = f"""
import sys
from normbench.cli import main
sys.argv = ["normbench", "run", "one.yaml", "--quiet"]
try:
    main()
finally:
    print([name for name in {UNUSED} if name in sys.modules], file=sys.stderr)
"""


def wrapped(function):
    @wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


def a_class(leave_out=""):
    """Return a class whose methods are wrapped as torch's are, but for one."""
    names = (*WRAPPED, "step")
    methods = {name: (lambda self: self) for name in names}
    return type("Fake", (), {name: one if name == leave_out else wrapped(one) for name, one in methods.items()})


@pytest.mark.parametrize("name", [*WRAPPED, "step"])
def test_a_method_that_is_not_wrapped_leaves_the_class_as_it_is(name):
    fake = a_class(leave_out=name)
    assert without_compiler(fake) is fake
    assert without_compiler(type("Fake", (), {})) is not None, "a class without any of them stays as well"


def test_all_wrappers_are_taken_off():
    fake = a_class()
    lean = without_compiler(fake)
    assert issubclass(lean, fake)
    assert lean.__name__ == "Fake"
    assert [getattr(lean, name) for name in WRAPPED] == [getattr(fake, name).__wrapped__ for name in WRAPPED]


def test_a_kernel_with_other_arguments_is_not_called(monkeypatch):
    assert sgd_step() is not None
    assert adam_step("_fused_adam_") is not None
    monkeypatch.setattr("normbench.optimizers._fused_steps._OF_SGD", ("self", "grads"))
    monkeypatch.setattr("normbench.optimizers._fused_steps._OF_ADAM", ("self", "grads"))
    assert (sgd_step(), adam_step("_fused_adam_"), adam_step("_no_such_kernel_")) == (None, None, None)


def steps_seen(monkeypatch, make_gradients):
    """Return for each of three steps whether it was made by the fused kernel alone."""
    seen, find = [], _without_compiler._fused_calls

    def watched(*args):
        calls = find(*args)
        seen.append(calls is not None)
        return calls

    monkeypatch.setattr(_without_compiler, "_fused_calls", watched)
    weights = [nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(2))]
    optimizer = without_compiler(SGD, sgd_step())(weights, lr=0.1, momentum=0.5, fused=True)
    for step in range(3):
        make_gradients(weights, step)
        optimizer.step()
    return seen


def gradients_of_all(weights, _step):
    for weight in weights:
        weight.grad = torch.ones_like(weight)


def one_without(weights, step):
    gradients_of_all(weights, step)
    weights[0].grad = None if step == 1 else weights[0].grad


def test_torch_makes_the_first_step_and_those_in_which_a_gradient_is_missing(monkeypatch):
    assert steps_seen(monkeypatch, gradients_of_all) == [False, True, True]
    assert steps_seen(monkeypatch, one_without) == [False, False, True]


def test_a_closure_is_called_with_gradients():
    weight = nn.Parameter(torch.ones(3))
    optimizer = without_compiler(SGD, sgd_step())([weight], lr=0.1, fused=True)

    def closure():
        weight.grad = None
        loss = (weight**2).sum()
        loss.backward()
        return loss

    assert [optimizer.step(closure).item() for _ in range(2)] == pytest.approx([3.0, 3 * 0.8**2])
    assert torch.is_grad_enabled()


def test_a_run_loads_neither_the_compiler_nor_anything_else_that_it_does_not_use():
    Path("one.yaml").write_text("model: mlp\ndataset: gaussian_clusters\nnorm: batch_norm\nnum_steps: 1\n")
    done = subprocess.run(
        [sys.executable, "-c", ONE_STEP], env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1] == "[]"
    assert "saved" in done.stdout
