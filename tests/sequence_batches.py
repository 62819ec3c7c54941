"""Padded sequences for tests, and the norms that a sequence model takes."""

import torch
from contracts.variants import variants

from normbench.errors import SettingError

NUM_OUTPUTS = 3
LENGTHS = (4, 9, 1, 6, 9, 2)


def sequences(lengths, num_features=3, num_steps=None, seed=0):
    """Return (N, T, num_features + 1) with the mask last; the steps do not depend on how far they are padded."""
    num_steps = num_steps or max(lengths)
    generator = torch.Generator().manual_seed(seed)
    x = torch.zeros(len(lengths), num_steps, num_features + 1)
    for sample, length in zip(x, lengths, strict=True):
        sample[:length, :-1] = torch.randn(length, num_features, generator=generator)
        sample[:length, -1] = 1
    return x


def padded(x, further, value):
    """Return the same sequences with more padding, whose features are ``value``."""
    padding = torch.full((len(x), further, x.shape[2]), value)
    padding[..., -1] = 0
    longer = torch.cat([x, padding], 1)
    return torch.where(longer[..., -1:] > 0, longer, padding[:1, :1])


def seeded(spec, norm, num_features=3, num_steps=9, dropout=0.0):
    """Build the same network each time; None where the norm refuses it."""
    torch.default_generator.manual_seed(0)
    try:
        return spec.build((num_steps, num_features + 1), (NUM_OUTPUTS,), norm, dropout)
    except SettingError:
        return None


def taken_norms(spec):
    """Return the norms, at their defaults, that the model takes."""
    return [norm() for norm in variants("norms") if seeded(spec, norm())]


def assert_same_state(left, right, atol=1e-6):
    """Compare parameters and buffers by name."""
    theirs = right.state_dict()
    for name, tensor in left.state_dict().items():
        torch.testing.assert_close(tensor, theirs[name], rtol=0, atol=atol, msg=name)


def assert_padding_changes_nothing(spec, norm, value):
    """Pad a batch further with ``value``: outputs, gradients, statistics and evaluation stay, to 1e-6."""
    x = sequences(LENGTHS)
    model, outputs, grads = trained_pass(spec, norm, x)
    padded_model, padded_outputs, padded_grads = trained_pass(spec, norm, padded(x, 5, value))
    torch.testing.assert_close(padded_outputs, outputs, rtol=0, atol=1e-6)
    torch.testing.assert_close(padded_grads, grads, rtol=0, atol=1e-6)
    assert_same_state(model, padded_model)
    torch.testing.assert_close(model.eval()(x), padded_model.eval()(padded(x, 5, value)), rtol=0, atol=1e-6)


def trained_pass(spec, norm, x):
    """Return the network after a pass forward and backward, its outputs and gradients."""
    model = seeded(spec, norm)
    outputs = model(x)
    outputs.square().sum().backward()
    return model, outputs, {name: parameter.grad for name, parameter in model.named_parameters()}
