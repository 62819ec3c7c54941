"""Measures a layer's numbers: precision, derivatives, half precision, batches with little to average."""

from collections.abc import Callable, Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.func import functional_call

from normbench.inspection.norm_contract.measured_norm import seed_all, seeded

HALVES = (torch.float16, torch.bfloat16)


def rms(values: Tensor) -> float:
    """Return the root mean square."""
    return values.double().square().mean().sqrt().item()


def pure(layer: nn.Module) -> Callable[..., Tensor]:
    """Return the layer as a function of its input and its parameters, which leaves its buffers as they are."""
    names = [name for name, _ in layer.named_parameters()]
    buffers = dict(layer.named_buffers())

    def outputs(x: Tensor, *values: Tensor) -> Tensor:
        seed_all(1, layer)
        state = dict(zip(names, values, strict=True)) | {name: buffer.clone() for name, buffer in buffers.items()}
        result: Tensor = functional_call(layer, state, (x.clone(),))
        return result

    return outputs


def precision_error(layer: nn.Module, x: Tensor, modes: Sequence[bool] = (True, False)) -> float:
    """Return how far a layer of float32 is from the same one of float64, as a share of the output, in its worst mode.

    Both are root mean squares. The layer stays as it is.
    """
    single, double, worst = deepcopy(layer), deepcopy(layer).double(), 0.0
    for training in modes:
        exact = seeded(double.train(training), x.double()).detach()
        error = seeded(single.train(training), x.clone()).detach().double() - exact
        worst = max(worst, rms(error) / (rms(exact) or 1.0))
    return worst


def rounding_error(layer: nn.Module, x: Tensor) -> float:
    """Return how far the output for a half-precision x is from that in float64, in units of the dtype's eps.

    Rounding once makes 0.2 to 0.3 of it. An output of another dtype, or one that is not finite, is infinitely far.
    """
    exact = seeded(deepcopy(layer).double(), x.double()).detach()
    y = seeded(deepcopy(layer), x.clone()).detach()
    if y.dtype != x.dtype or not bool(y.isfinite().all()):
        return float("inf")
    return rms(y.double() - exact) / ((rms(exact) or 1.0) * torch.finfo(x.dtype).eps)


def has_right_gradients(layer: nn.Module, x: Tensor) -> bool:
    """Return whether the gradients for input and parameters are those of finite differences, in float64."""
    leaves = (x.clone().requires_grad_(), *layer.parameters())
    return bool(torch.autograd.gradcheck(pure(layer), leaves, fast_mode=True, raise_exception=False))


def has_right_second_derivatives(layer: nn.Module, x: Tensor) -> bool:
    """Return whether second derivatives are those of finite differences of the first, in float64."""
    leaves = (x.clone().requires_grad_(), *layer.parameters())
    if not pure(layer)(*leaves).requires_grad:
        return False
    return bool(torch.autograd.gradgradcheck(pure(layer), leaves, fast_mode=True, raise_exception=False))


def is_finite_throughout(layer: nn.Module, x: Tensor) -> bool:
    """Return whether output and gradients for x are finite."""
    x = x.clone().requires_grad_()
    leaves = (x, *layer.parameters())
    y = seeded(layer, x.clone())
    if not y.requires_grad:
        return bool(y.isfinite().all())
    gradients = torch.autograd.grad(y, leaves, torch.randn_like(y), materialize_grads=True)
    return all(bool(tensor.isfinite().all()) for tensor in (y, *gradients))


def takes_no_samples(layer: nn.Module, x: Tensor) -> bool:
    """Return whether a batch of no samples comes out as it went in, has a gradient, and moves no buffer."""
    before = deepcopy(layer.state_dict())
    empty = x[:0].clone().requires_grad_()
    y = layer(empty.clone())
    if y.requires_grad:
        y.sum().backward()
    same = all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())
    return same and (y.shape, y.dtype) == (empty.shape, empty.dtype)
