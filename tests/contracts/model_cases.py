"""Builds any model with any norm on the first input shape that both take; draws batches of that shape."""

from functools import cache

import torch
from contracts.variants import variants

from normbench.errors import SettingError

INPUT_SHAPES = ((256,), (7, 4), (2, 8, 8), (3, 32, 32), (1,))  # (7, 4) is 7 steps of 3 features and the mask
NORMS = [norm() for norm in variants("norms")]
NUM_OUTPUTS = 3


def build(model, norm, input_shape, dropout=0.0):
    try:
        return model.build(input_shape, (NUM_OUTPUTS,), norm, dropout)
    except SettingError:
        return None


@cache
def first_shape(model, norm):
    """Return the first input shape that both take, or None."""
    return next((shape for shape in INPUT_SHAPES if build(model, norm, shape)), None)


def batch(size, shape):
    """Draw inputs; sequences get a mask and lengths from 2 to all steps."""
    x = torch.randn(size, *shape)
    if len(shape) == 2:
        lengths = torch.linspace(shape[0], 2, size).long()
        x[..., -1] = (torch.arange(shape[0]) < lengths.unsqueeze(1)).float()
    return x
