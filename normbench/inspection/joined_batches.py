"""Lets several training batches pass a network at once, each normalized by its own statistics."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from typing import Any

from torch import Tensor, nn

from normbench.any_module.random_states import is_foreign
from normbench.inspection.losses import samples_at_once
from normbench.inspection.recompute import Recomputed
from normbench.models.base import BuiltNorm, Network, built_norms


def can_join(model: nn.Module, tracking: Iterable[nn.Module]) -> bool:
    """Return whether a pass over several batches at once gives what passes one by one would, in any reading.

    So it is where the network says that samples meet in norms alone (``Network``), where each layer that takes a
    batch's statistics can tell batches apart, and where no other norm looks at other samples in evaluation. Of a
    module of the user's nothing of this is known.
    """
    if not isinstance(model, Network) or any(map(_may_do_anything, model.modules())):
        return False
    layers = list(tracking)
    tell_apart = all(map(tells_batches_apart, layers)) and all(map(_has_a_row_per_step, layers))
    return tell_apart and all(map(_keeps_apart, built_norms(model).values()))


def _may_do_anything(module: nn.Module) -> bool:
    return is_foreign(module) or not isinstance(vars(module).get("forward"), Recomputed | None)


def _has_a_row_per_step(layer: nn.Module) -> bool:
    """Return whether a layer gets as many rows as the network says; a norm of attention's heads gets more."""
    built = getattr(layer, "built_from", None)
    return not isinstance(built, BuiltNorm) or built.num_heads == 1


def _keeps_apart(norm: BuiltNorm) -> bool:
    spec, shape = norm.spec, norm.feature_shape
    return not spec.takes_own and spec.properties(shape, batch_size=2, training=False).sample_independent


def tells_batches_apart(layer: nn.Module) -> bool:
    """Return whether a layer has ``forward_batches`` for its own forward: a subclass with another needs another."""
    of_class = next(one for one in type(layer).__mro__ if "forward" in vars(one) or "forward_batches" in vars(one))
    return "forward_batches" in vars(of_class) and "forward" not in vars(layer)


@contextmanager
def telling_batches_apart(layers: Iterable[Any]) -> Iterator[list[int]]:
    """Make layers normalize each of several batches by itself inside the block; gives the list for their rows."""
    sizes: list[int] = []
    changed = list(layers)
    for layer in changed:
        vars(layer)["forward"] = partial(layer.forward_batches, sizes=sizes)
    try:
        yield sizes
    finally:
        for layer in changed:
            vars(layer).pop("forward", None)


def rows_of_batches(model: nn.Module, x: Tensor, num_batches: int) -> list[int]:
    """Return how many rows each of the equal batches in ``x`` has in what the norms get."""
    assert isinstance(model, Network)
    rows: list[int] = model.rows_per_sample(x).view(num_batches, -1).sum(1).tolist()
    return rows


def in_groups(batches: Iterable[Tensor]) -> Iterator[list[Tensor]]:
    """Collect batches of one shape that follow each other, as many as are read at once."""
    for _, alike in groupby(batches, lambda batch: batch.shape):
        group: list[Tensor] = []
        for batch in alike:
            if group and (len(group) + 1) * len(batch) > samples_at_once(batch):
                yield group
                group = []
            group.append(batch)
        yield group
