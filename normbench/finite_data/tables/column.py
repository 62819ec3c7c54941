"""Column: takes the cells of one column, chunk by chunk, as numbers or as names, and keeps what was odd."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normbench.finite_data.row_kinds import Numbers
from normbench.finite_data.tables.cells import are_numbers, has_leading_zeros, is_decimal_comma, is_number
from normbench.finite_data.targets import in_natural_order

MISSING_CODE = -1
MAX_EXAMPLES = 3


@dataclass
class Odd:
    """Counts cells of one kind, and keeps where the first is and what some of them hold."""

    count: int = 0
    first_place: str = ""
    examples: dict[str, None] = field(default_factory=dict)

    def add(self, cells: Sequence[str], places: Sequence[str]) -> None:
        """Count some cells; ``places`` are their files and lines."""
        if cells and not self.count:
            self.first_place = places[0]
        self.count += len(cells)
        for cell in cells:
            if len(self.examples) == MAX_EXAMPLES:
                break
            self.examples[cell] = None


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

    def add(self, cells: Sequence[str], places: Sequence[str]) -> None:
        """Take the cells of some rows; ``places`` are their files and lines."""
        has_gaps = not self.missing.isdisjoint(cells)
        if has_gaps:
            gaps = [place for cell, place in zip(cells, places, strict=True) if cell in self.missing]
            self.gaps.add([""] * len(gaps), gaps)
        if self.is_category:
            self._chunks.append(self._coded(cells))
        elif not has_gaps and are_numbers(cells):
            self._add_numbers(cells, places)
        else:
            self._add_mixed(cells, places)

    @property
    def is_text(self) -> bool:
        """Whether its cells are names."""
        return self.is_category or (self.texts.count > 0 and not self.numbers.count)

    @property
    def is_empty(self) -> bool:
        """Whether no row has a value."""
        return not (self._codes or self.texts.count or self.numbers.count)

    def values(self) -> NDArray[np.float64]:
        """Return the numbers, nan where a value is missing."""
        chunks = [np.full(len(one), np.nan) if one.dtype == np.int32 else one for one in self._chunks]
        return np.concatenate(chunks) if chunks else np.empty(0)

    def codes(self) -> tuple[Numbers, tuple[str, ...]]:
        """Return the number of each cell's name, -1 where it is missing, and the names in natural order."""
        names = list(self._codes)
        order = in_natural_order(names)
        rank = np.empty(len(names) + 1, dtype=np.int64)
        rank[order], rank[-1] = np.arange(len(names)), MISSING_CODE
        chunks = [np.full(len(one), MISSING_CODE) if one.dtype != np.int32 else one for one in self._chunks]
        read = np.concatenate(chunks) if chunks else np.empty(0, dtype=np.int64)
        return rank[read], tuple(names[place] for place in order)

    def _add_numbers(self, cells: Sequence[str], places: Sequence[str]) -> None:
        found = np.array([float(cell) for cell in cells])
        self.numbers.add(cells, places)
        self._chunks.append(found)
        if has_leading_zeros(cells):
            zeros = [i for i, cell in enumerate(cells) if has_leading_zeros([cell])]
            self.leading_zeros.add([cells[i] for i in zeros], [places[i] for i in zeros])
        if not np.isfinite(found).all():
            large = np.flatnonzero(~np.isfinite(found)).tolist()
            self.infinite.add([cells[i] for i in large], [places[i] for i in large])

    def _add_mixed(self, cells: Sequence[str], places: Sequence[str]) -> None:
        """Take cells of which some are missing or no numbers."""
        told = [(cell, place) for cell, place in zip(cells, places, strict=True) if cell not in self.missing]
        texts = [(cell, place) for cell, place in told if not is_number(cell)]
        self.texts.add(*_unzipped(texts))
        self.commas.add(*_unzipped([(cell, place) for cell, place in texts if is_decimal_comma(cell)]))
        if len(texts) < len(told):
            self._add_numbers_and_gaps(cells, [pair for pair in told if is_number(pair[0])])
        else:
            self._chunks.append(self._coded(cells))

    def _add_numbers_and_gaps(self, cells: Sequence[str], told: Sequence[tuple[str, str]]) -> None:
        self._add_numbers(*_unzipped(told))
        values = self._chunks.pop()
        found = np.full(len(cells), np.nan)
        found[[i for i, cell in enumerate(cells) if cell not in self.missing and is_number(cell)]] = values
        self._chunks.append(found)

    def _coded(self, cells: Sequence[str]) -> NDArray[np.int32]:
        known: Mapping[str, int] = self._codes
        new = self._codes.setdefault
        codes = [
            MISSING_CODE if cell in self.missing else known[cell] if cell in known else new(cell, len(known))
            for cell in cells
        ]
        return np.array(codes, dtype=np.int32)


def _unzipped(pairs: Sequence[tuple[str, str]]) -> tuple[list[str], list[str]]:
    return [cell for cell, _ in pairs], [place for _, place in pairs]
