"""Finds norms that let earlier positions of a causal network see later ones."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from normbench.norm_swap.meaning.watched_pass import OUTPUT, watched_pass
from normbench.norm_swap.passes import undisturbed

SAME = 1e-5
"""Largest change, as a share of the largest value, that is rounding."""
View = tuple[bool, int]
"""Training or not, and the axis of the positions in the input."""
Place = tuple[bool, int, str, int]
"""These, the name of a module, and the axis of the positions in what it puts out."""


@dataclass(frozen=True)
class Moved:
    """How far each position of a tensor moves where one of the input's changes.

    Attributes:
        shares: The largest change at each position, as shares of the tensor's largest value.
        largest: That value.
    """

    shares: Tensor
    largest: float

    @property
    def goes_back(self) -> bool:
        """Whether a position before the last one moves."""
        return float(self.shares[:-1].max()) > SAME


@dataclass(frozen=True)
class Causality:
    """Where a network is causal, with its own norms.

    Attributes:
        views: Where later positions depend on earlier ones, and none on later ones.
        unmoved: The places, in these views, at which no position moves with a later one.
    """

    views: frozenset[View]
    unmoved: frozenset[Place]


@dataclass(frozen=True)
class Leak:
    """Where a network that was causal no longer is.

    Attributes:
        name: Name of the norm behind which it is seen first; "" for the network's output alone.
        training: Whether it is so in training; else in evaluation alone.
        position: The first position that moves with the last one.
        change: How far it moves.
    """

    name: str
    training: bool
    position: int
    change: float


def causality_of(network: nn.Module, x: Tensor, names: Sequence[str]) -> Causality:
    """Return where a network is causal.

    It is so if, along some axis of its input, what is first changes what comes later, somewhere inside or in the
    output, and what is last changes nothing before it. Networks that treat each position by itself are not.

    Args:
        network: The network as the user made it.
        x: A batch (N, ...).
        names: Names of its norms.
    """
    in_evaluation = _unmoved(network, x, names, {(False, axis) for axis in range(1, x.dim())})
    # In training norms may mix more, and never less.
    in_training = _unmoved(network, x, names, {(True, place[1]) for place in in_evaluation})
    unmoved = {*in_evaluation, *in_training}
    by_first = moved(network, x, names, 0, {place[:2] for place in unmoved})
    causal = {place[:2] for place in unmoved if place in by_first and float(by_first[place].shares[1:].max()) > SAME}
    return Causality(frozenset(causal), frozenset(place for place in unmoved if place[:2] in causal))


def _unmoved(network: nn.Module, x: Tensor, names: Sequence[str], views: Collection[View]) -> list[Place]:
    """Return the places at which no position moves but the last one, in views in which that does somewhere."""
    found = {place: one for place, one in moved(network, x, names, -1, views).items() if not one.goes_back}
    seen = {place[:2] for place, one in found.items() if float(one.shares[-1]) > SAME}
    return [place for place in found if place[:2] in seen]


def find_leak(network: nn.Module, x: Tensor, names: Sequence[str], before: Causality) -> Leak | None:
    """Return where positions of a causal network are mixed by the norms that were put into it; None where nowhere.

    Args:
        network: The network with other norms.
        x: A batch (N, ...).
        names: Names of the norms that were replaced.
        before: Where it was causal with its own norms.
    """
    after = moved(network, x, names, -1, before.views)
    mixed = {place: one for place, one in after.items() if one.goes_back and place in before.unmoved}
    if not mixed:
        return None
    order = [*names, OUTPUT]
    first = min(mixed, key=lambda place: (not place[0], order.index(place[2])))
    shown = next((one for place, one in mixed.items() if place[:3] == (*first[:2], OUTPUT)), mixed[first])
    position = int((shown.shares > SAME).float().argmax())
    return Leak(first[2], first[0], position, float(shown.shares[position]) * shown.largest)


def moved(
    network: nn.Module, x: Tensor, names: Sequence[str], index: int, views: Collection[View]
) -> dict[Place, Moved]:
    """Return how far the positions of what modules put out move where one position of the input changes.

    Args:
        network: The network, which stays as it is.
        x: A batch (N, ...).
        names: Names of the modules; the network's output is looked at too.
        index: The position: 0 is the first, -1 the last.
        views: Where to look.
    """
    found: dict[Place, Moved] = {}
    bases: dict[bool, dict[str, Tensor]] = {}
    with undisturbed(network):
        for training, axis in sorted(views, reverse=True):
            other = changed_at(x, axis, index) if x.shape[axis] > 1 else None
            if other is None:
                continue
            base = bases[training] = bases.get(training) or _outputs(network, x, names, training=training)
            changed = _outputs(network, other, names, training=training)
            for name, y in base.items():
                for along in _axes_of(y, x, axis) if name in changed and changed[name].shape == y.shape else []:
                    found[training, axis, name, along] = _moved(changed[name], y, along)
    return found


def _outputs(network: nn.Module, x: Tensor, names: Sequence[str], *, training: bool) -> dict[str, Tensor]:
    """Return what modules put out; nothing where the network does not take a batch so changed."""
    try:
        return {name: pair[1] for name, pair in watched_pass(network, x, names, training=training).items()}
    except Exception:  # noqa: BLE001 - it takes the samples as they are, which has been tried
        return {}


def changed_at(x: Tensor, axis: int, index: int) -> Tensor | None:
    """Return a batch with other values at one position; None where there are none.

    They come from the position at the other end, of the sample before or else of the same: whole numbers stay among
    those that occur, and, as no values are only passed around among the samples, a batch's statistics change too.
    """
    for source in (x.roll(1, 0), x):
        other = x.clone()
        other.select(axis, index).copy_(source.select(axis, -1 - index))
        if not torch.equal(other, x):
            return other
    return None


def _axes_of(y: Tensor, x: Tensor, axis: int) -> list[int]:
    """Return the axes of a tensor that are as long as one of the input, without that of the batch."""
    has_batch_first = bool(y.dim()) and len(y) == len(x)
    lengths = enumerate(y.shape)
    return [along for along, size in lengths if size == x.shape[axis] and not (along == 0 and has_batch_first)]


def _moved(y: Tensor, base: Tensor, axis: int) -> Moved:
    largest = max(float(base.abs().max()), torch.finfo(base.dtype).tiny)
    shares = ((y - base).abs() / largest).movedim(axis, 0).flatten(1).max(dim=1).values
    return Moved(shares.nan_to_num(0.0), largest)
