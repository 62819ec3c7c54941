"""Tables for the terminal: losses, std per layer, comparison of arms."""

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.layers.layer_report import LayerLine, LayerReport
from normbench.report.blocks.comparison_table import comparison_grid
from normbench.report.blocks.grids import plain_table, print_grid
from normbench.report.blocks.numbers import bar, metric_value, short
from normbench.storage.files.plain_text import stream_beneath, visible

NUM_ENDS = 4
"""Of a long network, so many layers are shown at either end."""
LONG = 12
WIDEST = 200
MAX_SEEDS_SHOWN = 12


class VisibleConsole(Console):
    """A console that shows the text it is given; only rich itself may steer the terminal."""

    def on_broken_pipe(self) -> None:
        """Let the failure pass that rich is about to turn into exit code 1: what is left to do is done first."""
        raise  # noqa: PLE0704 - rich calls this where it has caught it

    def render_str(self, text: str, **options: Any) -> Text:
        """Return text as rich measures and writes it, made visible."""
        return super().render_str(visible(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Return what rich writes, with text that never was a string made visible too."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))


def make_console(*, stderr: bool = False, width: int | None = None) -> Console:
    """Return a console that prints text as it is, in lines as long as they need; bars keep to the terminal.

    A terminal that breaks a long line is easier to read than columns folded to a few letters each.
    """
    file = stream_beneath(sys.stderr if stderr else sys.stdout)
    console = VisibleConsole(file=file, markup=False, highlight=False, emoji=False, soft_wrap=False, width=width)
    if width is None and not (stderr and console.is_terminal):
        console.width = max(console.width, WIDEST)
    return console


def print_losses(console: Console, rows: Sequence[Mapping[str, str]]) -> None:
    """Print losses and accuracy at the start, on the way and at the end."""
    columns = [column for column in ("train_loss", "test_loss", "test_accuracy") if rows and rows[0].get(column)]
    if not columns:
        return
    table = plain_table(["step", *(column.replace("_", " ") for column in columns)])
    last = len(rows) - 1
    for i in sorted({0, last // 4, last // 2, 3 * last // 4, last}):
        table.add_row(rows[i]["step"], *(metric_value(column, float(rows[i][column])) for column in columns))
    console.print(table)


def print_layers(console: Console, report: LayerReport, *, show_all: bool) -> None:
    """Print one arm's std per layer, and what stands out."""
    seeds = "" if report.num_seeds == 1 else f", means over {report.num_seeds} seeds"
    console.print(f"std per layer · {report.arm}{seeds}")
    console.print(_layer_table(report, show_all=show_all))
    until = f" up to the last recorded step; {report.num_diverged} diverged after it" if report.num_diverged else ""
    for finding in report.findings or [f"Nothing vanishes, explodes or dies{until}."]:
        console.print(finding)


def _layer_table(report: LayerReport, *, show_all: bool) -> Table:
    times = ("start", "end") if report.has_end else ("start",)
    titles = {"weight": "weight", "grad": "gradient", "activation": "output"}
    headers = [f"{titles[kind]}\n{time}" for kind in titles for time in times]
    table = plain_table(["\nlayer", "\nshape", *headers, "", ""], left=(0, 1, 2 + len(headers), 3 + len(headers)))
    lines = report.lines
    hidden = 0 if show_all or len(lines) <= LONG else len(lines) - 2 * NUM_ENDS
    for i, line in enumerate(lines):
        if hidden and i == NUM_ENDS:
            table.add_row("...", f"{hidden} more", *[""] * (len(headers) - 1), _range(lines), "", "--layers all")
        if not hidden or i < NUM_ENDS or i >= len(lines) - NUM_ENDS:
            table.add_row(*_layer_cells(line, len(times)))
    return table


def _range(lines: Sequence[LayerLine]) -> str:
    stds = [line.output_std for line in lines[NUM_ENDS:-NUM_ENDS]]
    return f"{short(min(stds))} to {short(max(stds))}"


def _layer_cells(line: LayerLine, num_times: int) -> list[str]:
    numbers = [short(value) for span in line.stds.values() for value in span[:num_times]]
    # Where a scale drifts, the reader wants to know whether a norm could have held it.
    drifts = line.word in ("grows", "shrinks", "vanishes", "explodes")
    note = f"{line.word} (no norm here)" if drifts and not line.has_norm else line.word
    shape = "x".join(str(size) for size in line.shape)
    return [line.layer, shape, *numbers, bar(line.output_std), note]


def print_comparison(console: Console, comparison: StudyComparison) -> None:
    """Print a study's arms side by side: what differs, means and std over seeds."""
    console.print(headline(comparison), soft_wrap=True)
    if comparison.rows:
        print_grid(console, comparison_grid(comparison))
    for line in notes(comparison):
        console.print(line, soft_wrap=True)


def notes(comparison: StudyComparison) -> list[str]:
    """Return what is not in the table and should be: arms without runs, seeds that some arms lack."""
    missing = [f"{arm}: no finished run." for arm in comparison.missing]
    lacking = [f"{row.arm}: no run of {_seeds(row.missing_seeds)}." for row in comparison.rows if row.missing_seeds]
    paired = [f"{lacking[-1]} Only seeds that both arms have are compared."] if lacking else []
    left_out = [f"{name}: left out, the study as last run does not name it." for name in comparison.left_out]
    return [*missing, *lacking[:-1], *paired, *left_out, *_not_finite(comparison)]


def _not_finite(comparison: StudyComparison) -> list[str]:
    """Say of which arms what cannot be compared, because a run's number is infinite or unknown."""
    lines = []
    for row in comparison.rows:
        broken = [metric for metric, figure in row.figures.items() if not all(map(math.isfinite, figure.values))]
        values = [value for metric in broken for value in row.figures[metric].values]
        if row.num_diverged * len(broken) or any(map(math.isinf, values)):
            said = f"not compared by {', '.join(broken)}: not a finite number in some of its runs"
            lines.append(f"{row.arm}: {said}.")
    return lines


def _seeds(seeds: Sequence[int]) -> str:
    """Write seeds for the eye: "seed 3", "seeds 3, 4, 5 and 12 more"."""
    shown = ", ".join(str(seed) for seed in seeds[:MAX_SEEDS_SHOWN])
    more = f" and {len(seeds) - MAX_SEEDS_SHOWN} more" if len(seeds) > MAX_SEEDS_SHOWN else ""
    return f"seed{'s' if len(seeds) > 1 else ''} {shown}{more}"


def headline(comparison: StudyComparison) -> str:
    """Return the study's name and question, and in what its arms differ."""
    count = len(comparison.rows)
    noun = "setting" if comparison.is_plain else "arm"
    same = f", same in all but {', '.join(comparison.differing)}" if comparison.differing else ""
    question = f" · {comparison.question}" if comparison.question else ""
    return f"{comparison.study}{question}\n{count} {noun}{'' if count == 1 else 's'}{same}"
