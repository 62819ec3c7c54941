"""What several networks are made of: dense layers with activations between them, a layer that starts at zero."""

from itertools import pairwise

from torch import nn


def mlp(*widths, act=nn.ReLU):
    """Return dense layers of these widths with activations between them, none behind the last."""
    layers = [part for a, b in pairwise(widths) for part in (nn.Linear(a, b), act())]
    return nn.Sequential(*layers[:-1])


def zeroed(layer):
    """Return a layer after setting all its parameters to 0."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


def frozen(module):
    """Return a module of which nothing is learned any more."""
    return module.requires_grad_(requires_grad=False)
