"""Says what values a field takes, and finds one for an example."""

import types
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from normbench.parts import OneOf, Spec

NUMBERS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
BOUNDS = (("ge", ">="), ("gt", ">"), ("le", "<="), ("lt", "<"))


def type_words(info: FieldInfo) -> str:
    """Say what values a field takes: type, choices and bounds.

    Example:
        >>> from pydantic import Field
        >>> type_words(FieldInfo.from_annotation(Annotated[int | None, Field(ge=1)]))
        'a whole number >= 1, or null'
    """
    if info.title:
        return info.title
    if any(isinstance(mark, OneOf) for mark in info.metadata):
        return "a name, or a mapping with name and settings"
    return _words(info.annotation, info.metadata)


def _words(annotation: Any, marks: Iterable[Any]) -> str:
    origin, members = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _words(members[0], _flat(members[1:]))
    if origin in (Union, types.UnionType):
        said = [_words(member, marks) for member in members if member is not type(None)]
        return " or ".join(said) + (", or null" if type(None) in members else "")
    if origin is Literal:
        return f"one of {', '.join(map(str, members))}" if len(members) > 1 else yaml_words(members[0])
    if origin in (tuple, list):
        return f"a list, each {_words(members[0], ())}"
    if origin is dict or (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return "a mapping of settings"
    bounds = [f"{sign} {getattr(mark, name):,}" for name, sign in BOUNDS for mark in marks if hasattr(mark, name)]
    return " ".join(part for part in (NUMBERS[annotation], " and ".join(bounds)) if part)


def _flat(marks: Iterable[Any]) -> list[Any]:
    return [one for mark in marks for one in (mark.metadata if isinstance(mark, FieldInfo) else [mark])]


def default_words(info: FieldInfo) -> str:
    """Write a field's default as YAML does; a part by its name."""
    if info.is_required():
        return "none: it must be given"
    return yaml_words(info.get_default(call_default_factory=True))


def yaml_words(value: Any) -> str:
    """Write a value in one line of YAML.

    Example:
        >>> yaml_words(None), yaml_words(1e-5), yaml_words(("weight", "grad")), yaml_words({"norm": "none"})
        ('null', '1e-05', '[weight, grad]', '{norm: none}')
    """
    if isinstance(value, Spec):
        changed = value.changed()
        return yaml_words({value.name: None} | changed) if changed else value.name
    if isinstance(value, BaseModel):
        return yaml_words(value.model_dump(mode="json", exclude_unset=True))
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(yaml_words, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {yaml_words(one)}' for key, one in value.items())}}}"
    return yaml.safe_dump(value, width=float("inf")).strip().removesuffix("...").strip()


def example_value(info: FieldInfo, choices: Iterable[str] = ()) -> Any:
    """Return a value that the field takes and that is not its default.

    Args:
        info: The field; ``examples`` of it go before all else.
        choices: Names of the variants, if it holds a part.
    """
    tried = [*(info.examples or ()), *choices, *_candidates(info.annotation, info.default)]
    return next(value for value in tried if value != info.default and _fits(value, info))


def _candidates(annotation: Any, default: Any) -> list[Any]:
    origin, members = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _candidates(members[0], default)
    if origin in (Union, types.UnionType):
        return [value for member in members for value in _candidates(member, default)]
    if origin is Literal:
        return list(members)
    if origin is tuple:
        first = [value for value in _candidates(members[0], None) if value not in (default or ())] or [
            next(iter(default), None)
        ]
        return [[first[0]], list(default or ())[:1]]
    if annotation in (int, float):
        return [annotation(value) for value in _numbers(default, annotation)]
    return [False, True] if annotation is bool else [{}]


def _numbers(default: Any, kind: type) -> tuple[float, ...]:
    if not default or not isinstance(default, int | float):
        return (0.5, 1) if kind is float else (64, 1)
    return (default / 2, default * 2) if kind is float else (default * 2, default + 1, 1)


def _fits(value: Any, info: FieldInfo) -> bool:
    if any(isinstance(mark, OneOf) for mark in info.metadata) or info.annotation is Any:
        return True
    try:
        TypeAdapter(info.rebuild_annotation()).validate_python(value)
    except ValidationError:
        return False
    return True
