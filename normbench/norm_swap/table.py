"""Writes an audit as plain text: a row for each norm with its notes below, then what was found in all."""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

from normbench.norm_swap.audit import Audit, LooseNorm, Site

WIDTH = 80
HEADINGS = ("path", "class", "calls", "sees", "C", "eps mom affine", "becomes", "groups")
SHOWN = 3
"""Names of a list in the totals; the others are counted."""


def text_of(audit: Audit) -> str:
    """Return the table of an audit; where it is too wide, a norm's name has a line of its own."""
    rows = [(HEADINGS, ()), *((row_of(site), site.notes) for site in audit.sites)]
    widths = [max(len(row[column]) for row, _ in rows) for column in range(len(HEADINGS))]
    gap = 2 if sum(widths) + 2 * (len(widths) - 1) <= WIDTH else 1
    is_wide = sum(widths) + gap * (len(widths) - 1) > WIDTH
    shared = _shared_notes(audit)
    lines = [
        line
        for row, notes in rows
        for line in (*_cells(row, widths, gap, is_wide=is_wide), *_noted([one for one in notes if one not in shared]))
    ]
    below = [f"{note} ({_listed(paths)})" for note, paths in shared.items()]
    return "\n".join([*(lines if audit.sites else []), *_noted(below), *wrap("; ".join(totals(audit)), WIDTH)])


def _shared_notes(audit: Audit) -> dict[str, list[str]]:
    """Return the notes that many norms have, with these; they are written once."""
    notes = dict.fromkeys(note for site in audit.sites for note in site.notes)
    of_note = {note: [site.path for site in audit.sites if note in site.notes] for note in notes}
    return {note: paths for note, paths in of_note.items() if len(paths) > SHOWN}


def _cells(row: Sequence[str], widths: Sequence[int], gap: int, *, is_wide: bool) -> list[str]:
    padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
    if not is_wide:
        return [(" " * gap).join(padded).rstrip()]
    return [row[0], f"  {' '.join(padded[1:])}".rstrip()]


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
    num_kept = len(audit.sites) - len(audit.swapped) - len(never)
    yield f"{counted(len(audit.sites), 'norm')} found, {len(audit.swapped)} swapped, {num_kept} kept"
    if never:
        yield f"{len(never)} never called ({_listed(never)})"
    if audit.not_touched:
        named = [f"{path} ({class_name})" for path, class_name in audit.not_touched.items()]
        yield f"{len(named)} with a norm's name and of no known kind ({_listed(named)}): not swapped"
    yield from _loose(audit.loose)
    before, after = audit.num_parameters
    yield f"parameters {before:,} -> {after:,}"
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


def _listed(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
