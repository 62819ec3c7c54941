"""Every norm in every setting for every shape it takes, and what the tests do with such a layer."""

from copy import deepcopy
from dataclasses import dataclass
from math import prod

import pytest
import torch
from contracts.variants import label, settings_of, variants
from torch import Tensor, nn

from normbench.errors import SettingError
from normbench.norms.base import NormSpec, Properties

FEATURE_SHAPES = ((6,), (6, 5), (6, 4, 5), (6, 2, 3, 4))
LARGE_SHAPES = ((6, 300, 300), (540000,))
MODES = {"train": True, "eval": False}


@dataclass(frozen=True)
class NormCase:
    """A spec that takes a feature shape."""

    spec: NormSpec
    feature_shape: tuple[int, ...]

    def layer(self, *, dtype: torch.dtype = torch.float64, age: int = 0, training: bool = True) -> nn.Module:
        """Make the layer with parameters that are not 1 and 0, let it see ``age`` training batches."""
        layer = self.spec.build(self.feature_shape).to(dtype)
        with torch.no_grad():
            for parameter in layer.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=0.3)
            for _ in range(age):
                layer(self.batch(7, dtype))
        return layer.train(training)

    def batch(self, size: int, dtype: torch.dtype = torch.float64) -> Tensor:
        """Draw inputs of about mean 3 and std 10, rounded alike in every dtype, no two of them nearly equal.

        So eps is small beside every variance, even of two values.
        """
        shape = (size, *self.feature_shape)
        ranks = torch.randperm(prod(shape)).view(shape)
        normal = 2**0.5 * torch.erfinv(2 * (ranks + 0.5) / ranks.numel() - 1)
        mean, std = 3 + torch.randn(()), 8 + 4 * torch.rand(())
        return (mean + std * normal).to(dtype)

    def declared(self, batch_size: int, training: bool) -> Properties:
        return self.spec.properties(self.feature_shape, batch_size=batch_size, training=training)


def output(layer: nn.Module, x: Tensor, seed: int = 1) -> Tensor:
    """Return what the layer puts out, leaving the layer and its buffers as they were."""
    return seeded(deepcopy(layer), x, seed).detach()


def seeded(layer: nn.Module, x: Tensor, seed: int = 1) -> Tensor:
    """Return what the layer puts out if its random numbers are those of ``seed``."""
    torch.default_generator.manual_seed(seed)
    return layer(x)


def takes(spec: NormSpec, feature_shape: tuple[int, ...]) -> bool:
    try:
        spec.build(feature_shape)
    except SettingError:
        return False
    return True


def _cases_of(variant: type[NormSpec]) -> list[NormCase]:
    specs = settings_of(variant, tried_floats=(0.0,))
    return [NormCase(spec, shape) for spec in specs for shape in FEATURE_SHAPES if takes(spec, shape)]


def _name(case: NormCase) -> str:
    return f"{label(case.spec)}-{'x'.join(map(str, case.feature_shape))}"


def _each(cases: list[NormCase]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [pytest.param(case, id=_name(case)) for case in cases])


_VARIANTS = variants("norms")
_EVERY_CASE = [case for variant in _VARIANTS for case in _cases_of(variant)]
CASES = _each(_EVERY_CASE)
# One shape per setting, images where it takes them; and the default setting on large maps.
ONE_SHAPE_CASES = _each(
    list({case.spec: case for case in sorted(_EVERY_CASE, key=lambda c: len(c.feature_shape) == 3)}.values())
)
LARGE_CASES = _each(
    [
        NormCase(spec, shape)
        for spec in (variant() for variant in _VARIANTS)
        for shape in [next(shape for shape in LARGE_SHAPES if takes(spec, shape))]
    ]
)
