"""Finds the norms of a network: all their names, what they are and see, and why one of them cannot be replaced."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from torch import nn
from torch.nn.modules.instancenorm import _InstanceNorm
from torch.nn.utils.parametrize import is_parametrized

from normbench.norm_swap.audit import Site
from normbench.norm_swap.kinds import Traits, is_called_norm, kind_by_class, settings_of, traits_by_class
from normbench.norm_swap.places import NormPlace
from normbench.norm_swap.trace import Seen, Trace

UNBATCHED_AXES = {nn.InstanceNorm1d: 2, nn.InstanceNorm2d: 3, nn.InstanceNorm3d: 4}
"""Number of axes of an input that these classes take for one sample."""


@dataclass(frozen=True)
class Found:
    """A module that may be a norm, as an object and as what is told of it.

    Attributes:
        module: The module.
        seen: What the passes show of it.
        site: What is told of it.
        channel_axis: Axis of the channels, from the end where it is below 0.
        is_registered: Whether a module of the network holds it, or it is the network itself.
        unknown: Why it is not known what it computes; "" where it is.
    """

    module: nn.Module
    seen: Seen
    site: Site
    channel_axis: int
    is_registered: bool
    unknown: str = ""

    @property
    def rows_axis(self) -> int:
        """The axis whose entries count as samples: that of the batch, or else the first."""
        return self.site.batch_axis or 0

    @property
    def is_place(self) -> bool:
        """Whether it only keeps a place free for a norm."""
        return isinstance(self.module, NormPlace)

    @property
    def is_norm(self) -> bool:
        """Return whether it is surely a norm: by its class, or by what it computes."""
        return bool(self.site.kind or kind_by_class(self.module))

    def is_matched_by(self, pattern: str) -> bool:
        """Return whether a pattern with * and ? is that of one of its names, or of its class."""
        names = (self.site.path, *self.site.aliases, self.site.class_name)
        return any(fnmatchcase(name, pattern) for name in names)

    def is_named_in(self, where: Collection[str]) -> bool:
        """Return whether its class or one of its names is written out."""
        return any(name in where for name in (self.site.path, *self.site.aliases, self.site.class_name))


def find_norms(network: nn.Module, trace: Trace) -> list[Found]:
    """Return norms, and what is called so, in the order in which they are registered, then those registered nowhere.

    What computes a weight, as ``parametrizations.weight``, is none.
    """
    names: dict[nn.Module, tuple[str, ...]] = {}
    for name, module in network.named_modules(remove_duplicate=False):
        names[module] = (*names.get(module, ()), name)
    registered = [module for module in names if module in trace.norms]
    others = [module for module in trace.norms if module not in names]
    found = [_found(trace.norms[one], names.get(one, ()), trace.num_samples) for one in (*registered, *others)]
    return [
        one
        for one in found
        if (one.is_norm or one.is_place or is_called_norm(one.module))
        and "parametrizations" not in one.site.path.split(".")
    ]


def _found(seen: Seen, names: tuple[str, ...], num_samples: int) -> Found:
    traits = seen.traits or _guessed(seen)
    batch_axis, channel_axis = _axes(seen, traits)
    origin = seen.module.origin if isinstance(seen.module, NormPlace) else ""
    site = Site(
        path=names[0] if names else "",
        aliases=names[1:],
        class_name=origin or type(seen.module).__name__,
        kind=traits.kind,
        calls=seen.calls,
        calls_in_backward=seen.calls_in_backward,
        calls_in_eval=seen.calls_in_eval,
        shapes=tuple(seen.shapes),
        num_samples=num_samples,
        batch_axis=batch_axis,
        channel_axis=channel_axis,
        settings=dict(traits.settings),
        origin=origin,
        tail={name: type(seen.module.get_submodule(name)).__name__ for name in traits.tail},
        notes=tuple(_notes(seen, traits, batch_axis, num_samples)),
    )
    signed = traits.channel_axis if channel_axis else 0
    return Found(seen.module, seen, site, signed, bool(names), _why_unknown(seen))


def _guessed(seen: Seen) -> Traits:
    """Return the likeliest axis of the channels of a norm that is not known, or that no pass calls."""
    if kind_by_class(seen.module):
        by_class = traits_by_class(seen.module)
        return Traits("" if seen.is_called else by_class.kind, by_class.channel_axis, by_class.settings)
    shape = seen.shapes[0] if seen.shapes else ()
    sizes = {parameter.numel() for parameter in seen.module.parameters(recurse=False)}
    on_second = len(shape) > 2 and (not sizes or shape[1] in sizes)
    return Traits("", 1 if on_second else -1, settings_of(seen.module))


def _axes(seen: Seen, traits: Traits) -> tuple[int | None, int]:
    """Return the axes of the batch, None where it is not known, and of the channels."""
    shape = seen.shapes[0] if seen.shapes else ()
    channel_axis = traits.channel_axis % len(shape) if shape else traits.channel_axis
    kinds = [axes for kind, axes in UNBATCHED_AXES.items() if isinstance(seen.module, kind)]
    if isinstance(seen.module, _InstanceNorm) and kinds == [len(shape)]:
        return None, 0
    return None if seen.batch_axis == channel_axis else seen.batch_axis, channel_axis


def _why_unknown(seen: Seen) -> str:
    if is_parametrized(seen.module):
        return "has a parametrization"
    if not seen.is_called or seen.traits is not None:
        return ""
    if isinstance(seen.module, NormPlace):
        return f"gets {seen.shapes[0] if seen.shapes else 'no tensor'}, of which no axis has the length of its channels"
    runs = f", and runs {', '.join(dict.fromkeys(seen.activations))}" if seen.activations else ""
    return f"has a forward of its own, which computes none of the known norms{runs}"


def _notes(seen: Seen, traits: Traits, batch_axis: int | None, num_samples: int) -> Iterator[str]:
    acting = [seen.module.get_submodule(name) for name in traits.tail]
    kept = [type(one).__name__ for one in acting if not isinstance(one, nn.Identity)]
    if kept:
        yield f"keeps its {' and '.join(kept)}"
    if not seen.is_called:
        yield "never called: left as it is"
    elif seen.calls != 1:
        yield f"called {seen.calls} times in training, {seen.calls_in_eval} in evaluation"
    if seen.calls_in_backward:
        yield "called again in the backward pass, by checkpointing: twice as many updates of running statistics"
    if traits.channel_axis < -1:
        yield f"averages over its last {-traits.channel_axis} axes: the first of them is taken for the channels"
    rows = seen.shapes[0][batch_axis or 0] if seen.shapes else num_samples
    if rows != num_samples:
        of_all = f"{rows} row{'' if rows == 1 else 's'} of {num_samples} samples"
        yield f"gets {of_all}: what is normalized per sample is so per row"
