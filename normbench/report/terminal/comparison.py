"""A comparison as text for people, as JSON and as CSV for programs."""

import csv
import io
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console

from normbench.evidence.comparison.comparison import Figure, Row, StudyComparison
from normbench.evidence.comparison.pivot import Pivot
from normbench.evidence.comparison.selection import is_tuned
from normbench.evidence.statistics.paired import Effect
from normbench.report.blocks.tables import headline, make_console, notes, print_comparison
from normbench.report.terminal.pivot import print_pivots
from normbench.storage.files.json_files import json_ready
from normbench.storage.files.plain_text import command_line

ENOUGH_SEEDS = 8


def print_comparisons(comparisons: Sequence[StudyComparison], console: Console | None = None) -> None:
    """Print a table per study and, where it rests on one seed each, how to get evidence."""
    console = console or make_console()
    for i, comparison in enumerate(comparisons):
        if i:
            console.print()
        print_study_comparison(console, comparison)


def print_study_comparison(console: Console, comparison: StudyComparison, pivots: Sequence[Pivot] = ()) -> None:
    """Print a study's table and what it is worth, or its tables by settings where there are any."""
    if not pivots:
        print_comparison(console, comparison)
        console.print(footnote(comparison), soft_wrap=True)
        return
    console.print(headline(comparison), soft_wrap=True)
    print_pivots(console, pivots)
    for line in notes(comparison):
        console.print(line, soft_wrap=True)


def footnote(comparison: StudyComparison) -> str:
    """Say what the table is worth, and what would be worth more."""
    if not comparison.rows:
        again = command_line("run", comparison.source, runs_dir=comparison.runs_dir)
        return f"Nothing finished yet. Run it: {again}"
    if comparison.is_evidence:
        return "Mean ± std over seeds (n - 1)." + _method(comparison)
    return f"One seed each: this is a look, not evidence. For evidence:\n  {evidence_command(comparison)}"


def _method(comparison: StudyComparison) -> str:
    """Say how the verdicts came about."""
    effects = [row.effect for row in comparison.rows if row.effect]
    if not effects:
        return ""
    metric = effects[0].metric.replace("_", " ")
    many = f", Holm over {len(effects)} comparisons" if len(effects) > 1 else ""
    tuned = ", those called tuned at the ones chosen for them" * any(is_tuned(row.arm) for row in comparison.rows)
    how = f"paired by seed, 95 % interval, sign-flip test{many}; every arm at its given settings{tuned}."
    return f" Verdicts: {metric}, {how}"


def evidence_command(comparison: StudyComparison) -> str:
    """Return the command, or one per row, that runs these arms over enough seeds."""
    differing = comparison.differing if comparison.is_plain else ()
    kept = [text for text in comparison.set_ if text.partition("=")[0].strip() not in differing]
    common = [f"--set {shlex.quote(text)}" for text in kept] + [f"--seeds {ENOUGH_SEEDS}"]
    if comparison.runs_dir != "runs":
        common.append(f"--runs-dir {shlex.quote(comparison.runs_dir)}")
    choices = _choices(comparison) if comparison.is_plain else [[]]
    start = f"normbench run {shlex.quote(comparison.source)}"
    return "\n  ".join(" ".join([start, *choice, *common]) for choice in choices)


def _choices(comparison: StudyComparison) -> list[list[str]]:
    """Return the options that make the rows of a plain file: one --vary if one setting differs, else a --set each."""
    if not comparison.differing:
        return [["--vary norm=none,batch_norm"]]
    rows = [_said(row, comparison.differing) for row in comparison.rows]
    if len(comparison.differing) == 1 and all(rows):
        key = comparison.differing[0]
        values = ",".join(dict.fromkeys(value for row in rows for _, value in row))
        return [[f"--vary {shlex.quote(f'{key}={values}')}"]]
    return [[f"--set {shlex.quote(f'{key}={value}')}" for key, value in row] for row in rows]


def _said(row: Row, differing: Sequence[str]) -> list[tuple[str, str]]:
    return [(key, str(row.settings[key])) for key in differing if row.settings.get(key) is not None]


def as_json(comparisons: Sequence[StudyComparison], more: Sequence[Mapping[str, Any]] = ()) -> str:
    """Return the comparisons as JSON; a number that is not finite becomes null.

    Args:
        comparisons: With or without effects.
        more: What else to say of each, such as its tables by settings.
    """
    said = [asdict(comparison) | dict(more[i] if more else {}) for i, comparison in enumerate(comparisons)]
    return json.dumps(json_ready(said), indent=2)


def as_csv(comparisons: Sequence[StudyComparison]) -> str:
    """Return one line per arm: study, arm, seeds, of each metric n, mean, std and interval, then the settings."""
    return _csv([_line(comparison.study, row) for comparison in comparisons for row in comparison.rows])


def pivots_csv(pivots: Sequence[Pivot]) -> str:
    """Return one line per cell of tables by settings."""
    return _csv([line for pivot in pivots for line in _cells(pivot)])


def _csv(lines: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    columns = list(dict.fromkeys(column for line in lines for column in line))
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def _line(study: str, row: Row) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for metric, figure in row.figures.items():
        figures |= _figure(f"{metric}_", figure)
    counts = {"num_seeds": len(row.seeds), "num_diverged": row.num_diverged, "num_parameters": row.num_parameters}
    line = {"study": study, "arm": row.arm, **counts, "cpu_ms_per_step": row.cpu_ms_per_step, **figures}
    return line | _effect(row.effect) | dict(row.settings)


def _figure(prefix: str, figure: Figure) -> dict[str, Any]:
    return {f"{prefix}{key}": getattr(figure, key) for key in ("n", "mean", "std", "low", "high")}


def _effect(effect: Effect | None) -> dict[str, Any]:
    names = {"value": "effect", "low": "effect_low", "high": "effect_high", "p_corrected": "p", "verdict": "verdict"}
    return {name: getattr(effect, key) for key, name in names.items()} if effect else {}


def _cells(pivot: Pivot) -> list[dict[str, Any]]:
    return [
        {"study": pivot.study, "metric": pivot.metric, **pivot.fixed}
        | dict(zip(pivot.by, (line.label, column), strict=False))
        | {"arm": cell.arm, "num_diverged": cell.num_diverged}
        | _figure("", cell.figure)
        | _effect(cell.effect)
        for line in pivot.lines
        for column, cell in zip(pivot.columns, line.cells, strict=True)
        if cell
    ]
