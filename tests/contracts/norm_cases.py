"""Every norm in every setting for every shape it takes."""

from itertools import combinations

import pytest
from contracts.variants import label, settings_of, variants

from normbench.errors import SettingError
from normbench.inspection.norm_contract.measured_norm import MeasuredNorm
from normbench.norms.base import NormSpec, Properties

FEATURE_SHAPES = ((6,), (6, 5), (6, 4, 5), (6, 2, 3, 4))
LARGE_SHAPES = ((6, 300, 300), (540000,))


class NormCase(MeasuredNorm):
    """A spec that takes a feature shape, and what it declares."""

    def declared(self, batch_size: int, training: bool) -> Properties:
        return self.spec.properties(self.feature_shape, batch_size=batch_size, training=training)


def takes(spec: NormSpec, feature_shape: tuple[int, ...]) -> bool:
    try:
        spec.build(feature_shape)
    except SettingError:
        return False
    return True


def _cases_of(variant: type[NormSpec]) -> list[NormCase]:
    """Return every combination of settings on images; on other shapes enough of them to have each pair of values."""
    specs = settings_of(variant, tried_floats=(0.0,))
    enough = _with_each_pair(specs)
    return [
        NormCase(spec, shape)
        for spec in specs
        for shape in FEATURE_SHAPES
        if (spec in enough or len(shape) == 3) and takes(spec, shape)
    ]


def _with_each_pair(specs: list[NormSpec]) -> list[NormSpec]:
    """Return the default and specs that together have each pair of values that two settings have anywhere."""
    pairs = {spec: set(combinations(sorted(map(repr, spec.model_dump().items())), 2)) for spec in specs}
    chosen, missing = specs[:1], set().union(*pairs.values()) - pairs[specs[0]]
    while missing:
        chosen.append(max(specs, key=lambda spec: len(pairs[spec] & missing)))
        missing -= pairs[chosen[-1]]
    return chosen


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
