"""Sends a batch through a network and returns what chosen modules get and put out, and the network itself."""

from collections.abc import Collection

import torch
from torch import Tensor, nn

from normbench.norm_swap.operations import first_tensor
from normbench.random_streams import seeded_globally

OUTPUT = ""
"""The name of the network itself."""
Pairs = dict[str, tuple[Tensor, Tensor]]
"""What a module got and what it put out, at its first call, by its name."""


@torch.no_grad()
def watched_pass(network: nn.Module, x: Tensor, names: Collection[str], *, training: bool) -> Pairs:
    """Return what modules get and put out; random numbers are the same in each pass.

    To be called inside ``undisturbed``, since a pass in training moves running statistics.
    """
    found: Pairs = {}
    handles = [
        network.get_submodule(name).register_forward_hook(
            lambda _, args, output, name=name: _note(found, name, args, output)
        )
        for name in names
    ]
    try:
        network.train(training)
        with seeded_globally(0):
            output = network(x.clone())
    finally:
        for handle in handles:
            handle.remove()
    _note(found, OUTPUT, (x,), output)
    return found


def _note(found: Pairs, name: str, args: object, output: object) -> None:
    got, put_out = first_tensor(args), first_tensor(output)
    if got is not None and put_out is not None and put_out.is_floating_point() and name not in found:
        found[name] = got.detach().clone(), put_out.detach().clone()
