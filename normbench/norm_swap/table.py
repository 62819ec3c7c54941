"""Writes an audit as plain text: a row for each norm, and a line of totals."""

from collections.abc import Iterator
from typing import Any

from normbench.norm_swap.audit import Audit, Site

HEADINGS = ("path", "class", "calls", "sees", "C", "eps mom affine", "becomes", "groups")


def text_of(audit: Audit) -> str:
    """Return the table of an audit, notes below their rows, and its totals."""
    rows = [HEADINGS, *(_row(site) for site in audit.sites)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = []
    for number, row in enumerate(rows):
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        notes = audit.sites[number - 1].notes if number else ()
        lines.extend(f"    {note}" for note in notes)
    return "\n".join([*lines, *totals(audit)])


def _row(site: Site) -> tuple[str, ...]:
    calls = str(site.calls) if not site.calls_in_backward else f"{site.calls}+{site.calls_in_backward}"
    settings = site.new_settings if site.becomes else site.settings
    groups = f"{site.groups[0]} x {site.groups[1]}" if site.groups else ""
    return (
        site.path or "(none)",
        site.class_name,
        calls,
        _sees(site),
        str(site.num_features or ""),
        _settings(settings),
        site.becomes or "kept",
        groups,
    )


def _sees(site: Site) -> str:
    """Write the shape of the input with the channels in brackets: 4,[64],8,8."""
    if not site.shapes:
        return ""
    sizes = [f"[{size}]" if axis == site.channel_axis else str(size) for axis, size in enumerate(site.shapes[0])]
    return ",".join(sizes) + (" .." if len(site.shapes) > 1 else "")


def _settings(settings: Any) -> str:
    cells = [_number(settings.get("eps")), _number(settings.get("momentum")), _affine(settings.get("affine"))]
    return " ".join(cells)


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:g}"


def _affine(value: Any) -> str:
    return {True: "yes", False: "no", "none": "no", None: "-"}.get(value, "yes")


def totals(audit: Audit) -> Iterator[str]:
    """Yield the last lines: what was found, replaced, left, and computed outside of norm modules."""
    never = audit.never_called
    num_kept = len(audit.sites) - len(audit.swapped)
    yield f"{len(audit.sites)} norms found, {len(audit.swapped)} swapped, {num_kept} kept"
    if never:
        yield f"never called: {', '.join(site.path for site in never)}"
