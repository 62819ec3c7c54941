"""Writes an audit of the norms in a network: a row per norm, alike ones in one, then notes and totals."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from normbench.findings import name_some
from normbench.report.blocks.block import Block, Column, Table, as_lines, keys, words

WIDEST_PATH = 15
"""Beside the other columns, on 80."""
Site = Mapping[str, Any]


def audit_blocks(found: Sequence[Mapping[str, Any]], *, details: bool = False) -> list[Block]:
    """Return a table for each set of arms, with its notes and totals.

    Args:
        found: Audits as nested mappings, each with ``arms``, ``audit`` and ``same_kind_text``.
        details: Whether each norm has a row of its own, and paths are written out.
    """
    return [block for one in found for block in _blocks(one, details=details)]


def _blocks(one: Mapping[str, Any], *, details: bool) -> Iterator[Block]:
    audit = one["audit"]
    groups = _groups(audit["sites"], details=details)
    yield Block(f"{name_some(one['arms'], '; ')}: norm {audit['norm']}", _table(groups, details=details))
    notes = [f"{_named(paths)}: {note}" for note, paths in _notes(audit["sites"]).items()]
    yield Block(lines=as_lines([*notes, "; ".join(totals(audit, one["same_kind_text"]))]), is_joined=True)


def _groups(sites: Sequence[Site], *, details: bool) -> list[list[Site]]:
    """Return norms that have the same row but for their path together, in the order of the first of each."""
    if details:
        return [[site] for site in sites]
    groups: dict[tuple[str, ...], list[Site]] = {}
    for site in sites:
        groups.setdefault(_cells(site), []).append(site)
    return list(groups.values())


def _table(groups: Sequence[Sequence[Site]], *, details: bool) -> Table:
    cells = list(zip(*(_cells(group[0]) for group in groups), strict=True)) or [()] * 7
    classes, calls, sees, channels, settings, becomes, sizes = (list(column) for column in cells)
    return Table(
        [
            keys("path", [_path(group, details=details) for group in groups]),
            words("class", classes),
            Column("calls", calls),
            words("sees", sees),
            Column("C", channels),
            words("eps mom affine", settings),
            words("becomes", becomes),
            words("groups x size", sizes),
        ]
    )


def _cells(site: Site) -> tuple[str, ...]:
    settings = site["new_settings"] if site["becomes"] else site["settings"]
    again = f"+{site['calls_in_backward']}" if site["calls_in_backward"] else ""
    return (
        site["class_name"],
        f"{site['calls']}{again}",
        _sees(site),
        str(_num_features(site) or ""),
        " ".join((_number(settings.get("eps")), _number(settings.get("momentum")), _affine(settings.get("affine")))),
        site["becomes"] or "kept",
        "x".join(map(str, site["groups"])) if site["groups"] else "",
    )


def _path(group: Sequence[Site], *, details: bool) -> str:
    path = group[0]["path"] or "(no name)"
    more = f" +{len(group) - 1}" if len(group) > 1 else ""
    return path + more if details else _shortened(path, WIDEST_PATH - len(more)) + more


def _shortened(path: str, width: int) -> str:
    """Cut a long path in its middle, between its steps where that leaves both ends.

    Example:
        >>> _shortened("encoder.layers.11.norm1", 15)
        'encode...norm1'
    """
    if len(path) <= width:
        return path
    last = path.rpartition(".")[2][-(width - 6) :]
    return f"{path[: width - len(last) - 4]}...{last}"


def _sees(site: Site) -> str:
    """Write the input's shape, N for the samples, brackets around the channels: "N,[64],8,8"."""
    if not site["shapes"]:
        return ""
    sizes = [str(size) for size in site["shapes"][0]]
    if site["batch_axis"] is not None and site["shapes"][0][site["batch_axis"]] == site["num_samples"]:
        sizes[site["batch_axis"]] = "N"
    sizes[site["channel_axis"]] = f"[{sizes[site['channel_axis']]}]"
    return ",".join(sizes) + (" ..." if len(site["shapes"]) > 1 else "")


def _num_features(site: Site) -> int:
    return site["shapes"][0][site["channel_axis"]] if site["shapes"] else 0


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:g}".replace("e-0", "e-")


def _affine(value: Any) -> str:
    return {True: "yes", False: "no", "none": "no", None: "-"}.get(value, "yes")


def _notes(sites: Sequence[Site]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for site in sites:
        for note in site["notes"]:
            found.setdefault(note, []).append(site["path"])
    return found


def _named(paths: Sequence[str]) -> str:
    return name_some(paths) if len(paths) < 3 else f"{paths[0]} and {len(paths) - 1} more"


def totals(audit: Mapping[str, Any], same_kind: str) -> Iterator[str]:
    """Yield what was found, replaced, left, computed elsewhere and learned, and the check of the swap itself."""
    sites = audit["sites"]
    swapped = [site for site in sites if site["becomes"]]
    never = [
        site["path"] for site in sites if not (site["calls"] or site["calls_in_backward"] or site["calls_in_eval"])
    ]
    yield f"{len(sites)} norms found, {len(swapped)} swapped, {len(sites) - len(swapped)} kept"
    if never:
        yield f"{len(never)} never called ({name_some(never)})"
    for one in audit["loose"]:
        kinds = ", ".join(dict.fromkeys(one["names"]))
        where = "on weights, " if one["is_on_weights"] else ""
        number = f"{len(one['names'])} norm operation{'s' * (len(one['names']) > 1)}"
        yield f"{number} outside of norm modules ({where}forward of {one['class_name']}: {kinds}): not swapped"
    if audit["not_touched"]:
        names = [f"{path} ({kind})" for path, kind in audit["not_touched"].items()]
        yield f"called norms but none that is known: {name_some(names)}"
    before, after = audit["num_parameters"]
    yield f"params {before:,} -> {after:,}"
    yield f"same-kind check: {same_kind}"


def swap_line(found: Sequence[Mapping[str, Any]]) -> str:
    """Return one line on what is swapped in a study; "" where nothing is.

    Example:
        >>> sites = [{"becomes": "GroupNorm"}, {"becomes": ""}]
        >>> swap_line([{"arms": ["gn"], "audit": {"sites": sites}, "same_kind_text": "bit-equal"}])
        '1 of 2 norms swapped in place (gn); same-kind check: bit-equal'
    """
    by_count: dict[str, list[str]] = {}
    for one in found:
        sites = one["audit"]["sites"]
        num_swapped = sum(bool(site["becomes"]) for site in sites)
        of_all = f" of {len(sites)}" if num_swapped < len(sites) else ""
        by_count.setdefault(f"{num_swapped}{of_all} norms swapped in place", []).extend(
            one["arms"] if num_swapped else []
        )
    told = [f"{count} ({name_some(arms)})" for count, arms in by_count.items() if arms]
    checks = list(dict.fromkeys(one["same_kind_text"] for one in found))
    return f"{'; '.join(told)}; same-kind check: {', '.join(checks)}" if told else ""
