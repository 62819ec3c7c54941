"""Writes an audit of the norms in a network: a row per norm, alike ones in one, then notes and totals."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from normbench.findings import name_some
from normbench.report.blocks.block import Block, Column, Table, as_lines, keys, words

WIDTH, GAP = 80, 2
"""Of the table, and between its columns."""
FEWEST = 12
"""Letters of a path that are shown at least."""
NARROWEST = {"class": 5, "calls": 5, "sees": 4, "C": 1, "eps mom affine": 7, "becomes": 7, "groups x size": 6}
"""Widths of the titles, long ones on two lines."""
FEW = 3
"""Norms with the same note that are named; of more the first is, and the others are counted."""
Cells = tuple[str, ...]


def audit_blocks(found: Sequence[Mapping[str, Any]], *, details: bool = False) -> list[Block]:
    """Return a table for each set of arms, with its notes and totals.

    Args:
        found: Audits as nested mappings, each with ``arms``, ``audit``, ``rows`` of cells and ``totals``.
        details: Whether each norm has a row of its own, and paths are written out.
    """
    return [block for one in found for block in _blocks(one, details=details)]


def _blocks(one: Mapping[str, Any], *, details: bool) -> Iterator[Block]:
    audit = one["audit"]
    yield Block(f"{name_some(one['arms'], '; ')}: norm {audit['norm']}", _table(one["rows"], details=details))
    notes = [f"{_named(paths)}: {note}" for note, paths in _notes(audit["sites"]).items()]
    yield Block(lines=as_lines([*notes, "; ".join(one["totals"])]), is_joined=True)


def _table(rows: Sequence[Cells], *, details: bool) -> Table | None:
    """Return the table; norms that have the same row but for their path share one, at the place of the first."""
    if not rows:
        return None
    groups: dict[Cells, list[str]] = {}
    for path, *cells in rows:
        narrow = (cell.replace(" x ", "x") for cell in cells)
        groups.setdefault((*narrow, path if details else ""), []).append(path)
    columns = dict(zip(NARROWEST, zip(*groups, strict=True), strict=False))
    shown = {title: values for title, values in columns.items() if any(values)}
    widths = {title: GAP + max(NARROWEST[title], *map(len, values)) for title, values in shown.items()}
    room = WIDTH - sum(widths.values())
    room += widths["C"] if room < FEWEST else 0  # it is left out, since what a norm sees has it in brackets
    paths = [_path(group, None if details else max(FEWEST, room)) for group in groups.values()]
    return Table([keys("path", paths), *map(_column, shown, shown.values())])


def _column(title: str, values: Sequence[str]) -> Column:
    return Column(title, values, may_drop=title == "C") if title in ("calls", "C") else words(title, values)


def _path(group: Sequence[str], width: int | None) -> str:
    more = f" +{len(group) - 1}" if len(group) > 1 else ""
    return group[0] + more if width is None else _shortened(group[0], width - len(more)) + more


def _shortened(path: str, width: int) -> str:
    """Cut the beginning of a long path.

    Example:
        >>> _shortened("encoder.layers.11.norm1", 14)
        '..ers.11.norm1'
    """
    return path if len(path) <= width else f"..{path[2 - width :]}"


def _notes(sites: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for site in sites:
        for note in site["notes"]:
            found.setdefault(note, []).append(site["path"])
    return found


def _named(paths: Sequence[str]) -> str:
    return name_some(paths) if len(paths) <= FEW else f"{paths[0]} and {len(paths) - 1} more"


def swap_line(found: Sequence[Mapping[str, Any]]) -> str:
    """Return one line on what is swapped in a study; "" where nothing is.

    Example:
        >>> audit = {"sites": [{"becomes": "GroupNorm"}, {"becomes": ""}], "same_kind": "bit-equal"}
        >>> swap_line([{"arms": ["gn"], "audit": audit}])
        '1 of 2 norms swapped in place (gn); same-kind check: bit-equal'
    """
    by_count: dict[str, list[str]] = {}
    for one in found:
        count = _count(one["audit"]["sites"])
        by_count.setdefault(count, []).extend(one["arms"] if count else [])
    told = [f"{count} ({name_some(arms)})" for count, arms in by_count.items() if arms]
    checks = list(dict.fromkeys(one["audit"]["same_kind"] for one in found))
    return f"{'; '.join(told)}; same-kind check: {', '.join(checks)}" if told else ""


def _count(sites: Sequence[Mapping[str, Any]]) -> str:
    """Say how many norms were swapped, inserted, and made by an argument; "" for none."""
    found = [site for site in sites if not site.get("origin")]
    num_swapped = sum(bool(site["becomes"]) for site in found)
    of_all = f" of {len(found)}" if num_swapped < len(found) else ""
    noun = "norm" if len(found) == 1 else "norms"
    swapped = [f"{num_swapped}{of_all} {noun} swapped in place"] if num_swapped else []
    origins = Counter(site["origin"] for site in sites if site.get("origin") and site["becomes"])
    others = [f"{num} {origin if origin == 'inserted' else f'made by {origin}'}" for origin, num in origins.items()]
    return ", ".join([*swapped, *others])
