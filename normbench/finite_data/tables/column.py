"""Column: takes the cells of one column, chunk by chunk, as numbers or as names, and keeps what was odd."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normbench.finite_data.row_kinds import Numbers
from normbench.finite_data.tables.cells import has_leading_zeros, is_decimal_comma, is_number, numbers_of
from normbench.finite_data.targets import in_natural_order

MISSING_CODE = -1
MAX_EXAMPLES = 3


@dataclass
class Odd:
    """Counts cells of one kind, and keeps where the first is and what some of them hold."""

    count: int = 0
    first_place: str = ""
    examples: dict[str, None] = field(default_factory=dict)

    def add(self, cells: Sequence[str], places: Sequence[str], kind: Collection[str]) -> None:
        """Count the cells that hold one of some texts; ``places`` are the files and lines of all."""
        count = sum(map(kind.__contains__, cells))
        if count and not self.count:
            self.first_place = next(place for cell, place in zip(cells, places, strict=True) if cell in kind)
        self.count += count
        if count and len(self.examples) < MAX_EXAMPLES:
            found = dict.fromkeys(cell for cell in cells if cell in kind)
            self.examples = dict.fromkeys([*self.examples, *found][:MAX_EXAMPLES])


@dataclass
class Column:
    """A column while it is read.

    Attributes:
        name: Its name in the header.
        number: Its place, from 1 on.
        is_category: Whether it was said that its cells are names, whatever they look like.
        missing: Cells that hold no value.
        gaps: What is known of cells without a value.
        texts: Of cells that are no numbers.
        numbers: Of cells that are numbers.
        commas: Of numbers with a comma for the point.
        infinite: Of numbers that are too large.
        leading_zeros: Of numbers that begin with a zero which they would lose.
    """

    name: str
    number: int
    is_category: bool = False
    missing: frozenset[str] = frozenset([""])
    gaps: Odd = field(default_factory=Odd)
    texts: Odd = field(default_factory=Odd)
    numbers: Odd = field(default_factory=Odd)
    commas: Odd = field(default_factory=Odd)
    infinite: Odd = field(default_factory=Odd)
    leading_zeros: Odd = field(default_factory=Odd)
    _codes: dict[str, int] = field(default_factory=dict)
    _chunks: list[NDArray[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._codes = dict.fromkeys(self.missing, MISSING_CODE)

    def add(self, cells: Sequence[str], places: Sequence[str]) -> None:
        """Take the cells of some rows; ``places`` are their files and lines."""
        plain = not self.is_category and self.missing.isdisjoint(cells)
        values = numbers_of(cells) if plain else None
        if values is not None:
            self._add_numbers(cells, places, np.array(values))
        else:
            self._add_others([cell.strip() for cell in cells], places)

    @property
    def is_text(self) -> bool:
        """Whether its cells are names."""
        return self.is_category or (self.texts.count > 0 and not self.numbers.count)

    @property
    def is_empty(self) -> bool:
        """Whether no row has a value."""
        return len(self._codes) == len(self.missing) and not self.numbers.count

    def values(self) -> NDArray[np.float64]:
        """Return the numbers, nan where a value is missing."""
        chunks = [np.full(len(one), np.nan) if one.dtype == np.int32 else one for one in self._chunks]
        return np.concatenate(chunks) if chunks else np.empty(0)

    def codes(self) -> tuple[Numbers, tuple[str, ...]]:
        """Return the number of each cell's name, -1 where it is missing, and the names in natural order."""
        names = [name for name, code in self._codes.items() if code != MISSING_CODE]
        order = in_natural_order(names)
        rank = np.empty(len(names) + 1, dtype=np.int64)
        rank[order], rank[-1] = np.arange(len(names)), MISSING_CODE
        chunks = [np.full(len(one), MISSING_CODE) if one.dtype != np.int32 else one for one in self._chunks]
        read = np.concatenate(chunks) if chunks else np.empty(0, dtype=np.int64)
        return rank[read], tuple(names[place] for place in order)

    def _add_numbers(self, cells: Sequence[str], places: Sequence[str], values: NDArray[np.float64]) -> None:
        """Take numbers, of which those that are nan are cells of other kinds."""
        self._chunks.append(values)
        self.numbers.count += int((~np.isnan(values)).sum())
        if not self.numbers.first_place:
            first = int(np.argmax(~np.isnan(values)))
            self.numbers.first_place, self.numbers.examples = places[first], {cells[first]: None}
        if has_leading_zeros(cells):
            self.leading_zeros.add(cells, places, {cell for cell in set(cells) if has_leading_zeros([cell])})
        if np.isinf(values).any():
            self.infinite.add(
                cells, places, {cell for cell, value in zip(cells, values, strict=True) if np.isinf(value)}
            )

    def _add_others(self, cells: Sequence[str], places: Sequence[str]) -> None:
        """Take cells of which some are missing or no numbers, or all of which were said to be names."""
        distinct = set(cells)
        self.gaps.add(cells, places, self.missing & distinct)
        numbers = set() if self.is_category else {cell for cell in distinct - self.missing if is_number(cell)}
        if not self.is_category:
            texts = distinct - self.missing - numbers
            self.texts.add(cells, places, texts)
            self.commas.add(cells, places, set(filter(is_decimal_comma, texts)))
        if numbers:
            values = np.array([float(cell) if cell in numbers else np.nan for cell in cells])
            self._add_numbers(cells, places, values)
        else:
            self._chunks.append(self._coded(cells, distinct))

    def _coded(self, cells: Sequence[str], distinct: Iterable[str]) -> NDArray[np.int32]:
        for cell in sorted(distinct):
            self._codes.setdefault(cell, len(self._codes) - len(self.missing))
        return np.fromiter(map(self._codes.__getitem__, cells), dtype=np.int32, count=len(cells))
