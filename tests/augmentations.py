"""Augmentations as users write them, for tests that train with one: tests name them as augmentations:NAME."""

import random

import numpy as np
import torch


def shifted(x, y, generator):
    """Draw from the generator it is given, and from the global ones of torch, numpy and Python besides."""
    of_others = torch.rand(()) + np.random.rand() + random.random()  # noqa: NPY002
    return x + 0.1 * of_others * torch.randn(x.shape, generator=generator), y


def mirrored(x, generator):
    return x.flip(-1) if torch.rand((), generator=generator) < 0.5 else x


def zeroed(x, _generator):
    """Change what it is given in place."""
    return x.zero_()
