"""Roles: what each column of a table is for, by the names that a study file says."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from normbench.errors import SettingError, did_you_mean, known_names
from normbench.finite_data.tables.missing import Missing

MAX_LISTED, MAX_LETTERS = 8, 30


@dataclass(frozen=True)
class Roles:
    """The names of columns by what they are for; all others are features.

    Attributes:
        target: What is to be predicted.
        group: What says which rows stay together.
        split_column: What says whether a row is of train, validation or test.
        categories: Features whose cells are names, though they may look like numbers.
        numbers: Features whose cells are numbers, though they may look like names.
        ignore: What is left out.
        missing: Which cells hold no value, and what takes their place; None where all must.
        is_class: Whether the target was said to be classes.
    """

    target: str
    group: str | None = None
    split_column: str | None = None
    categories: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    missing: Missing | None = None
    is_class: bool = False

    def said(self) -> Iterator[tuple[str, str]]:
        """Yield each setting with a name that it says."""
        yield "target", self.target
        for key in ("group", "split_column"):
            if getattr(self, key) is not None:
                yield key, getattr(self, key)
        for key in ("categories", "numbers", "ignore"):
            for name in getattr(self, key):
                yield key, name

    def features(self, header: Sequence[str]) -> list[str]:
        """Return the names of the columns that a network gets."""
        others = {self.target, self.group, self.split_column, *self.ignore}
        return [name for name in header if name not in others]

    def names(self) -> frozenset[str]:
        """Return the columns whose cells are taken as names."""
        never_numbers = {self.group, self.split_column, *([self.target] if self.is_class else ())}
        return frozenset({*self.categories, *self.ignore, *filter(None, never_numbers)})

    def needed(self, header: Sequence[str]) -> list[str]:
        """Return the names of the columns that are not ignored."""
        return [name for name in header if name not in self.ignore]

    def known(self, header: Sequence[str]) -> "Roles":
        """Return the roles without the names that are no columns, so that the others can be checked."""
        categories, numbers, ignore = (
            tuple(name for name in names if name in header) for names in (self.categories, self.numbers, self.ignore)
        )
        group, split = (name if name in header else None for name in (self.group, self.split_column))
        return replace(self, group=group, split_column=split, categories=categories, numbers=numbers, ignore=ignore)

    @property
    def gaps(self) -> frozenset[str]:
        """Cells that hold no value."""
        return frozenset(["", *(value.strip() for value in (self.missing.values if self.missing else ()))])


def role_complaints(roles: Roles, header: Sequence[str], file: str) -> list[SettingError]:
    """Return a complaint for each name that is no column, and for each column of two roles."""
    return [*_unknown(roles, header, file), *_twice(roles), *_no_features(roles, header)]


def _unknown(roles: Roles, header: Sequence[str], file: str) -> Iterator[SettingError]:
    for key, name in roles.said():
        if name not in header:
            meant = did_you_mean(name, header).strip()
            listed = known_names("", [one[:MAX_LETTERS] for one in header], "Columns", hint=meant, most=MAX_LISTED)
            yield SettingError(key, f"must name a column of {file}", name, listed)


def _twice(roles: Roles) -> Iterator[SettingError]:
    first: dict[str, str] = {}
    for key, name in roles.said():
        if first.setdefault(name, key) != key:
            yield SettingError(key, f"must not name a column that {first[name]} names", name, "A column has one role.")


def _no_features(roles: Roles, header: Sequence[str]) -> Iterator[SettingError]:
    if roles.target in header and not roles.features(header):
        yield SettingError("target", "must leave columns to predict it from", roles.target, "Ignore fewer columns.")


def by_place(header: Sequence[str]) -> Mapping[str, int]:
    """Return the place of each column, from 1 on."""
    return {name: number for number, name in enumerate(header, start=1)}
