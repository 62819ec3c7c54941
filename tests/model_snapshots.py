"""Snapshots of a model and the random state as plain values; models that raise, or change themselves in forward."""

import copy

import torch
from torch import Tensor, nn

from normbench.any_module.random_states import random_states


class Stopping(nn.Module):
    """Raises after all that came before has been computed."""

    def forward(self, x):
        raise RuntimeError("stop here")


class Wayward(nn.Linear):
    """Changes itself in every way a forward can."""

    def __init__(self):
        super().__init__(3, 3)
        self.register_buffer("seen", torch.zeros(3))
        self.calls, self.history, self.cache = 0, [], torch.ones(2)
        self.stream, self.streams = torch.Generator(), {"more": torch.Generator()}

    def forward(self, x):
        self.calls += 1
        self.history.append(x.shape)
        self.seen = self.seen + x.detach().sum(0)
        self.register_buffer("late", torch.ones(1))
        self.cache.add_(1)
        self.eval()
        self.extra = "new"
        self.register_forward_hook(lambda *_: None)
        with torch.no_grad():
            self.weight.mul_(0.5)
        self.bias.requires_grad_(False)
        torch.rand(5)
        for generator in (self.stream, *self.streams.values()):
            torch.rand(5, generator=generator)
        self.stream = torch.Generator()
        self.weight.grad = torch.ones(3, 3)
        return super().forward(x)


def snapshot(model):
    """Everything that can be told about a model and the random state, as plain values."""
    modules = {name: (module, dict(vars(module))) for name, module in model.named_modules()}
    plain = {
        name: {key: repr(value) for key, value in fields.items() if not isinstance(value, Tensor | dict)}
        for name, (_, fields) in modules.items()
    }
    hooks = {
        name: [len(v) for k, v in fields.items() if "hook" in k and isinstance(v, dict)]
        for name, (_, fields) in modules.items()
    }
    tensors = {name: (id(tensor), tensor.detach().clone()) for name, tensor in tensors_of(model).items()}
    grads = {name: (id(p.grad), copy.deepcopy(p.grad), p.requires_grad) for name, p in model.named_parameters()}
    return plain, hooks, tensors, grads, random_states(model)


def tensors_of(model):
    attributes = {
        f"{name}:{key}": value
        for name, module in model.named_modules()
        for key, value in vars(module).items()
        if isinstance(value, Tensor)
    }
    return dict(model.named_parameters()) | dict(model.named_buffers()) | attributes


def assert_same(before, after):
    assert before[:2] == after[:2]
    for one, other in zip(before[2:4], after[2:4], strict=True):
        assert one.keys() == other.keys()
        for name in one:
            assert one[name][0] == other[name][0], name
            for a, b in zip(one[name][1:], other[name][1:], strict=True):
                assert torch.equal(a, b) if isinstance(a, Tensor) else a == b, name
    for (generator, state), (other, other_state) in zip(before[4], after[4], strict=True):
        assert generator is other
        assert torch.equal(state, other_state)


def in_mixed_modes(model):
    """Give every second module evaluation mode, and some parameters a gradient."""
    for i, module in enumerate(model.modules()):
        module.training = bool(i % 2 == 0)
    for i, parameter in enumerate(model.parameters()):
        parameter.grad = torch.full_like(parameter, 0.5) if i % 2 else None
    return model
