"""Finds what is wrong with columns: missing values, names among numbers, ids, codes that look like numbers."""

import re
from collections.abc import Iterator

import numpy as np

from normbench.errors import SettingError
from normbench.finite_data.tables.column import Column
from normbench.finite_data.tables.roles import Roles

NEARLY_ALL = 0.9
FEWEST_ROWS_OF_AN_ID = 10
"""Of shorter tables nothing can be told from values that differ in every row."""


def column_complaints(column: Column, roles: Roles, file: str) -> list[SettingError]:
    """Return what is wrong with a column; the key is that of the file, or of what must be said.

    Args:
        column: The column.
        roles: What it is for.
        file: The setting that names the file.
    """
    if column.is_empty:
        rule = f"column {column.number} {column.name!r} must have values"
        return [SettingError(file, rule, "none in any row", f"Say ignore: [{yaml_name(column.name)}].")]
    found = [*_gaps(column, roles, file), *_mixed(column, roles, file), *_infinite(column, file)]
    is_feature = column.name not in (roles.target, roles.group, roles.split_column)
    return found or [*(_codes(column, roles, file) if is_feature else ())]


def yaml_name(name: str) -> str:
    """Write a name as YAML does inside of brackets.

    Example:
        >>> yaml_name("zip code"), yaml_name("a, b")
        ('zip code', "'a, b'")
    """
    return name if re.fullmatch(r"[A-Za-z_][\w .-]*", name) else repr(name)


def _where(column: Column, place: str) -> str:
    return f"{place}: column {column.number} {column.name!r}"


def _gaps(column: Column, roles: Roles, file: str) -> Iterator[SettingError]:
    """Complain of cells without a value, where nothing takes their place."""
    fill = roles.missing.fill if roles.missing else None
    if not column.gaps.count or fill == "drop_row" or (fill and column.name in roles.features([column.name])):
        return
    rows = "1 row" if column.gaps.count == 1 else f"{column.gaps.count:,} rows"
    rule = f"{_where(column, column.gaps.first_place)} must have a value, it has none in {rows}"
    needed = "drop_row" if fill or column.name not in roles.features([column.name]) else "median"
    yield SettingError(file, rule, "", f"Say missing: {{fill: {needed}}}, or fill it in.")


def _mixed(column: Column, roles: Roles, file: str) -> Iterator[SettingError]:
    """Complain of a column with numbers and names, of which it is not said which they are."""
    if column.is_category:
        return
    if column.commas.count:
        rule = f"{_where(column, column.commas.first_place)} must have a point in numbers, it has a comma"
        yield SettingError(file, rule, next(iter(column.commas.examples)), "Save it with decimal points.")
    others = column.texts.count - column.commas.count
    if not others or not (column.numbers.count or column.commas.count or column.name in roles.numbers):
        return
    examples = [cell for cell in column.texts.examples if cell not in column.commas.examples]
    rows = "1 row has" if others == 1 else f"{others:,} rows have"
    rule = f"{_where(column, column.texts.first_place)} must hold numbers, {rows} none"
    way_out = f"Say missing: {{values: [{', '.join(map(repr, examples))}], fill: median}}"
    if column.name in roles.features([column.name]) and column.name not in roles.numbers:
        way_out += f", or categories: [{yaml_name(column.name)}]"
    yield SettingError(file, rule, ", ".join(examples), f"{way_out}.")


def _infinite(column: Column, file: str) -> Iterator[SettingError]:
    if column.infinite.count:
        rule = f"{_where(column, column.infinite.first_place)} must hold numbers below 1.8e308"
        yield SettingError(file, rule, next(iter(column.infinite.examples)), "Write a smaller one.")


def _codes(column: Column, roles: Roles, file: str) -> Iterator[SettingError]:
    """Complain of features that look like codes or ids, where it is not said what they are."""
    if column.name in (*roles.numbers, *roles.categories):
        return
    name = yaml_name(column.name)
    ways = f"categories: [{name}]" + ("" if column.is_text else f", numbers: [{name}]")
    if column.leading_zeros.count and not column.is_text:
        place, example = column.leading_zeros.first_place, next(iter(column.leading_zeros.examples))
        rule = f"{_where(column, place)} has numbers with leading zeros, which look like codes"
        yield SettingError(file, rule, example, f"Say {ways} or ignore: [{name}].")
    elif _is_id(column):
        told = column.texts if column.is_text else column.numbers
        rule = f"{_where(column, told.first_place)} has other values in nearly all rows, it looks like an id"
        yield SettingError(file, rule, next(iter(told.examples)), f"Say ignore: [{name}], or {ways}.")


def _is_id(column: Column) -> bool:
    """Return whether nearly each row has a name of its own, or each the next whole number."""
    if column.is_text:
        codes, names = column.codes()
        return len(codes) >= FEWEST_ROWS_OF_AN_ID and len(names) >= NEARLY_ALL * len(codes)
    values = column.values()
    values = values[~np.isnan(values)]
    if len(values) < FEWEST_ROWS_OF_AN_ID or bool((values != np.round(values)).any()):
        return False
    return len(np.unique(values)) == len(values) == int(values.max() - values.min()) + 1
