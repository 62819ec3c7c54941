"""What the contract tests run over: every variant found in a folder, in each setting that has named choices."""

from itertools import product
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import ValidationError

from normbench.parts import Spec, find_specs

PARTS = {"norms", "weight_parametrizations", "models", "datasets", "optimizers", "schedules"}
TRIED_INTEGERS = (1, 3, 6)


def variants(part: str) -> list[type[Spec]]:
    return list(with_defaults(part).values())


def all_variants(part: str) -> list[type[Spec]]:
    return list(find_specs(f"normbench.{part}").values())


def with_defaults(part: str) -> dict[str, type[Spec]]:
    """Return the variants that can be made from their defaults: those that stand for something of the user's cannot."""
    return {name: spec for name, spec in find_specs(f"normbench.{part}").items() if not spec.takes_own}


def settings_of(variant: type[Spec], tried_floats: tuple[float, ...] = ()) -> list[Spec]:
    """Return the defaults, all combinations of named choices, and a few values of each number that may be set."""
    fields = {key: field.annotation for key, field in variant.model_fields.items() if key != "name"}
    choices = {key: _choices(annotation) for key, annotation in fields.items()}
    named = [key for key, values in choices.items() if values]
    tried = [dict(zip(named, values, strict=True)) for values in product(*(choices[key] for key in named))]
    tried += [{key: value} for key, a in fields.items() if takes(a, int) for value in TRIED_INTEGERS]
    tried += [{key: value} for key, a in fields.items() if takes(a, float) for value in tried_floats]
    return list(dict.fromkeys([variant(), *(spec for settings in tried for spec in _allowed(variant, settings))]))


def label(spec: Spec) -> str:
    return "-".join([spec.name, *(f"{key}={value}" for key, value in spec.changed().items())])


def each(specs: Any) -> Any:
    return [pytest.param(spec, id=label(spec) if isinstance(spec, Spec) else spec.__name__) for spec in specs]


def all_settings(part: str, tried_floats: tuple[float, ...] = ()) -> list[Spec]:
    return [spec for variant in variants(part) for spec in settings_of(variant, tried_floats)]


def _allowed(variant: type[Spec], settings: dict[str, Any]) -> list[Spec]:
    try:
        return [variant(**settings)]
    except ValidationError:
        return []


def _choices(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return (False, True) if annotation is bool else ()


def takes(annotation: Any, number: type, *, in_list: bool = False) -> bool:
    """Return whether a field may be a number of this type, or with ``in_list`` a list of them."""
    if get_origin(annotation) is Annotated:
        return takes(get_args(annotation)[0], number, in_list=in_list)
    if get_origin(annotation) in (Union, UnionType):
        return any(takes(member, number, in_list=in_list) for member in get_args(annotation))
    if get_origin(annotation) is tuple:
        return in_list and takes(get_args(annotation)[0], number)
    return annotation is number and not in_list
