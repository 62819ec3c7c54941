"""Reads from a class's source what the line under each of its fields says, which `explain` and the docs tell."""

import ast
from functools import cache
from inspect import cleandoc, getsource
from itertools import pairwise
from textwrap import dedent

from pydantic import BaseModel


@cache
def meanings(settings: type[BaseModel]) -> dict[str, str]:
    """Return what each setting does, unit and range, by its key in YAML; "" where its field has no docstring.

    pydantic can do it where a class is made, but reading the source of every class takes 0.2 CPU-seconds of each
    process, and hardly any needs it.
    """
    found: dict[str, str] = {}
    for kind in reversed(settings.__mro__):
        if issubclass(kind, BaseModel) and kind is not BaseModel:
            found |= _docstrings(kind)
    return {info.alias or name: found.get(name, "") for name, info in settings.model_fields.items()}


@cache
def _docstrings(kind: type[BaseModel]) -> dict[str, str]:
    (tree,) = ast.parse(dedent(getsource(kind))).body
    assert isinstance(tree, ast.ClassDef), kind
    return {
        field.target.id: cleandoc(line.value.value)
        for field, line in pairwise(tree.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(line, ast.Expr)
        and isinstance(line.value, ast.Constant)
        and isinstance(line.value.value, str)
    }
