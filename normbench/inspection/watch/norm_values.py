"""Counts the values over which each norm of any model takes its statistics, from the shapes that come in."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

from normbench.any_module.tensors import is_inside_transform, named_tensors
from normbench.errors import SettingError
from normbench.evidence.probe.network_reading import NormReading
from normbench.evidence.probe.norms import OTHER_NORM
from normbench.inspection.watch.layers import plain_name
from normbench.models.base import BuiltNorm

INSTANCE_NORMS = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
"""By number of position axes."""


class NormValues:
    """Collects the norms of one pass, each with the fewest values per statistic of its calls."""

    def __init__(self) -> None:
        self.readings: dict[str, NormReading] = {}
        self._latest: tuple[str, nn.Module | None, tuple[int, ...]] = ("", None, ())

    def see(self, name: str, module: nn.Module, inputs: object) -> None:
        """Note a call of a module; what is no norm with statistics of its input is left out."""
        x = next(iter(named_tensors(inputs).values()), None)
        if is_inside_transform():
            return
        self._latest = (name, module, () if x is None else tuple(x.shape))
        found = None if x is None or not x.numel() else _reading(name, module, x)
        known = self.readings.get(name)
        if found and (known is None or found.num_values < known.num_values):
            self.readings[name] = found

    def refusal(self) -> SettingError | None:
        """Say which norm was called last, if it is one that takes no variance over one value."""
        name, module, shape = self._latest
        if not isinstance(module, _BatchNorm | _InstanceNorm):
            return None
        more = "a larger batch or larger maps" if isinstance(module, _BatchNorm) else "larger maps"
        rule = f"must get 2 values or more per channel ({type(module).__name__})"
        return SettingError(name, rule, shape, f"Give {more}, or use {OTHER_NORM}.")


@contextmanager
def counting_norm_values(model: nn.Module) -> Iterator[NormValues]:
    """Count the values of norms inside the block; the hooks are gone after it.

    Raises:
        SettingError: A norm of torch's refuses to take a variance over one value; with its name.
    """
    values = NormValues()
    named = {module: plain_name(name) for name, module in model.named_modules()}
    handles = [
        module.register_forward_pre_hook(
            lambda module, args, kwargs: values.see(named[module], module, (args, kwargs)),
            with_kwargs=True,
        )
        for module in named
        if _is_norm(module)
    ]
    try:
        yield values
    except ValueError as error:
        refusal = values.refusal() if "Expected more than 1" in str(error) else None
        raise (refusal or error) from error
    finally:
        for handle in handles:
            handle.remove()


def _is_norm(module: nn.Module) -> bool:
    kinds = (_BatchNorm, _InstanceNorm, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)
    return isinstance(module, kinds) or isinstance(getattr(module, "built_from", None), BuiltNorm)


def _reading(name: str, module: nn.Module, x: Tensor) -> NormReading | None:
    built_from = getattr(module, "built_from", None)
    if isinstance(built_from, BuiltNorm):
        return _of_normbench(name, module, built_from, tuple(x.shape))
    if isinstance(module, _BatchNorm | _InstanceNorm) and not module.training and module.running_mean is not None:
        return None  # it takes no statistics of what comes in
    num_values, num_positions = _counts(module, tuple(x.shape))
    over_batch, centres = isinstance(module, _BatchNorm), not isinstance(module, nn.RMSNorm)
    return NormReading(name, type(module).__name__, num_values, num_positions, over_batch, centres)


def _counts(module: Any, shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the values per statistic of a norm of torch's, and the positions of a sample among them."""
    if isinstance(module, _BatchNorm):
        return prod(shape) // shape[1] if len(shape) > 1 else 1, prod(shape[2:])
    if isinstance(module, _InstanceNorm):
        num_axes = [n for n, one in enumerate(INSTANCE_NORMS, 1) if issubclass(type(module), one)] or [len(shape) - 2]
        positions = prod(shape[-num_axes[0] :])  # the batch's axis may be left out
        return positions, positions
    if isinstance(module, nn.GroupNorm):
        return shape[1] // module.num_groups * prod(shape[2:]), prod(shape[2:])
    return prod(module.normalized_shape), 1


def _of_normbench(name: str, module: nn.Module, built_from: BuiltNorm, shape: tuple[int, ...]) -> NormReading | None:
    spec, features = built_from.spec, built_from.feature_shape
    properties = spec.properties(features, batch_size=shape[0], training=module.training)
    if not properties.num_statistics or "|" in properties.averaged_axes:  # of several kinds the others make up for one
        return None
    over_batch = not properties.sample_independent
    samples = spec.fewest_samples(features, shape[0]) if over_batch else 1
    values = samples * prod(features[1:]) if over_batch else shape[0] * prod(features) // properties.num_statistics
    positions = prod(features[1:])
    kind = type(module).__name__
    return NormReading(name, kind, values, positions, over_batch, centres=properties.sample_shift or over_batch)
