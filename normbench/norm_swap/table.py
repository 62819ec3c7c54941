"""Writes an audit as plain text: a row for each norm with its notes below, then what was found in all."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

from normbench.norm_swap.audit import INSERTED, Audit, LooseNorm, Site

WIDTH = 80
HEADINGS = ("path", "class", "calls", "sees", "C", "eps mom affine", "becomes", "groups")
BECOMES = HEADINGS.index("becomes")
SHOWN = 3
"""Names of a list in the totals; the others are counted."""


def text_of(audit: Audit) -> str:
    """Return the table of an audit, then its totals.

    Where the table is too wide, what all norms become is said below it, or else their names have lines of their own.
    """
    rows = [HEADINGS, *(row_of(site) for site in audit.sites)]
    shared = _shared_notes(audit)
    below = [f"{note} ({listed(paths)})" for note, paths in shared.items()]
    if not _fits(rows) and len({row[BECOMES] for row in rows[1:]}) == 1:
        below += [f"each becomes {rows[-1][BECOMES]}"] if audit.swapped else []
        rows = [(*row[:BECOMES], *row[BECOMES + 1 :]) for row in rows]
    noted = [(), *([note for note in site.notes if note not in shared] for site in audit.sites)]
    lines = [line for row, notes in zip(_aligned(rows), noted, strict=True) for line in (*row, *_noted(notes))]
    return "\n".join([*(lines if audit.sites else []), *_noted(below), *wrap("; ".join(totals(audit)), WIDTH)])


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def _fits(rows: Sequence[Sequence[str]], gap: int = 1) -> bool:
    widths = _widths(rows)
    return sum(widths) + gap * (len(widths) - 1) <= WIDTH


def _aligned(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return the lines of each row: one, or two where the first cell has a line of its own."""
    gap = "  " if _fits(rows, 2) else " "
    padded = [[cell.ljust(width) for cell, width in zip(row, _widths(rows), strict=True)] for row in rows]
    if _fits(rows):
        return [[gap.join(row).rstrip()] for row in padded]
    return [[row[0].rstrip(), f"  {' '.join(row[1:])}".rstrip()] for row in padded]


def _shared_notes(audit: Audit) -> dict[str, list[str]]:
    """Return the notes that many norms have, with these; they are written once."""
    notes = dict.fromkeys(note for site in audit.sites for note in site.notes)
    of_note = {note: [site.path for site in audit.sites if note in site.notes] for note in notes}
    return {note: paths for note, paths in of_note.items() if len(paths) > SHOWN}


def _noted(notes: Sequence[str]) -> list[str]:
    return [line for note in notes for line in wrap(note, WIDTH, initial_indent="    ", subsequent_indent="      ")]


def row_of(site: Site) -> tuple[str, ...]:
    """Return the cells of a norm's row, below ``HEADINGS``."""
    return (
        site.path or "(no module)",
        site.class_name,
        f"{site.calls}+{site.calls_in_backward}" if site.calls_in_backward else str(site.calls),
        _sees(site),
        str(site.num_features or ""),
        _settings(site.new_settings if site.becomes else site.settings),
        site.becomes or "kept",
        f"{site.groups[0]} x {site.groups[1]}" if site.groups else "",
    )


def _sees(site: Site) -> str:
    """Write the shape of the input with the channels in brackets: 4,[64],8,8; and whether there are others."""
    if not site.shapes:
        return ""
    sizes = [f"[{size}]" if axis == site.channel_axis else str(size) for axis, size in enumerate(site.shapes[0])]
    return ",".join(sizes) + (" .." if len(site.shapes) > 1 else "")


def _settings(settings: Mapping[str, Any]) -> str:
    affine = settings.get("affine")
    words = {True: "yes", False: "no", "channel": "yes", "element": "element", "none": "no"}
    return " ".join([_number(settings.get("eps")), _number(settings.get("momentum")), words.get(affine, "-")])


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float | int) else "-"


def totals(audit: Audit) -> Iterator[str]:
    """Yield what was found in all, replaced, left, and computed outside of norm modules."""
    never = [site.path for site in audit.never_called]
    found = [site for site in audit.sites if not site.origin]
    num_swapped = sum(bool(site.becomes) for site in found)
    num_kept = sum(site.is_called and not site.becomes for site in found)
    yield f"{counted(len(found), 'norm')} found, {num_swapped} swapped, {num_kept} kept"
    inserted = [site.path.rpartition(".")[0] for site in audit.sites if site.origin == INSERTED]
    if inserted:
        yield f"{len(inserted)} inserted after {listed(inserted)}"
    made = Counter(site.origin for site in audit.sites if site.becomes and site.origin not in ("", INSERTED))
    yield from (f"{number} made by {argument}" for argument, number in made.items())
    if never:
        yield f"{len(never)} never called ({listed(never)})"
    if audit.not_touched:
        named = [f"{path} ({class_name})" for path, class_name in audit.not_touched.items()]
        yield f"{len(named)} with a norm's name and of no known kind ({listed(named)}): not swapped"
    yield from _loose(audit.loose)
    before, after = audit.num_parameters
    yield f"parameters {before:,} -> {after:,}"
    if audit.elsewhere:
        yield f"initial weights elsewhere: {audit.elsewhere}"
    if audit.same_kind:
        yield f"same-kind check: {audit.same_kind}"


def _loose(loose: Sequence[LooseNorm]) -> Iterator[str]:
    computed = [one for one in loose if not one.is_on_weights]
    if computed:
        yield f"{loose_text(computed)}: not swapped"
    on_weights = [one for one in loose if one.is_on_weights]
    if on_weights:
        yield f"{loose_text(on_weights)} on weights: no norms of what comes in"


def loose_text(loose: Sequence[LooseNorm]) -> str:
    """Say how many norms are computed where: "1 norm operation runs inside Func.forward (layer_norm)"."""
    texts = []
    for class_name in dict.fromkeys(one.class_name for one in loose):
        names = [name for one in loose if one.class_name == class_name for name in one.names]
        runs = "runs" if len(names) == 1 else "run"
        kinds = ", ".join(dict.fromkeys(names))
        texts.append(f"{counted(len(names), 'norm operation')} {runs} inside {class_name}.forward ({kinds})")
    return "; ".join(texts)


def counted(number: int, what: str) -> str:
    """Write a number of things: "1 norm", "2 norms"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """Write the first of some names, and how many more there are."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
