"""Computes a digest of what Python code says: comments, docstrings, blank lines and quotes do not count."""

import ast
import sys
from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256
from typing import Any

NO_MEANING = ("kind", "type_comment", "type_ignores")
"""Fields of syntax trees that change nothing: the u of u"text", comments on types."""


@lru_cache(maxsize=1024)
def syntax_digest(code: bytes) -> str:
    """Return the sha256 of a module's syntax tree without docstrings and places; of what is no Python, of its bytes.

    Example:
        >>> [syntax_digest(b"x = 1  # one") == syntax_digest(code) for code in (b"x = (1)", b"x = 2")]
        [True, False]
    """
    try:
        words = " ".join(_words(ast.parse(code)))
    except (SyntaxError, ValueError, RecursionError):  # a compiled extension
        return sha256(code).hexdigest()
    return sha256(words.encode("utf-8", "surrogatepass")).hexdigest()


def imported_packages(code: bytes) -> set[str]:
    """Return the first names of what some code imports, wherever in it, without Python's own modules."""
    try:
        nodes = list(ast.walk(ast.parse(code)))
    except (SyntaxError, ValueError, RecursionError):
        return set()
    found = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    found |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    return {name.partition(".")[0] for name in found} - sys.stdlib_module_names


def _words(node: Any) -> Iterator[str]:
    """Write a tree in words that are the same in all versions of Python: fields without a value are left out."""
    if isinstance(node, ast.AST):
        yield f"{type(node).__name__}("
        for name, value in ast.iter_fields(node):
            meant = [one for one in value if not _is_text_alone(one)] if isinstance(value, list) else value
            if name not in NO_MEANING and (meant not in (None, []) or isinstance(node, ast.Constant)):
                yield f"{name}="
                yield from _words(meant)
        yield ")"
    elif isinstance(node, list):
        yield "["
        for one in node:
            yield from _words(one)
        yield "]"
    else:
        yield f"{type(node).__name__} {hex(node) if type(node) is int else repr(node)}"


def _is_text_alone(node: Any) -> bool:
    """Return whether a statement is a text and nothing else: a docstring, or a comment written so."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
