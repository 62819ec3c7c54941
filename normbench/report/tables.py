"""Tables for the terminal: losses, std per layer, comparison of arms."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from normbench.evidence.comparison import Figure, Row, StudyComparison
from normbench.evidence.layer_report import LayerLine, LayerReport
from normbench.report.numbers import bar, effect_text, metric_value, short, verdict_text, with_spread

NUM_ENDS = 4
"""Of a long network, so many layers are shown at either end."""
LONG = 12
WIDE_HEADER = 9
WIDEST = 200

METRIC_TITLES = {
    "batch_loss_max_after_epoch_1": "batch loss, max after epoch 1",
    "output_std_lowest": "output std, lowest",
    "output_std_mean": "output std, mean",
    "output_std_highest": "output std, highest",
    "output_mean_training": "output mean, training",
    "output_mean_evaluation": "output mean, evaluation",
}


def make_console(*, stderr: bool = False, width: int | None = None) -> Console:
    """Return a console that prints text as it is, in lines as long as they need; bars keep to the terminal.

    A terminal that breaks a long line is easier to read than columns folded to a few letters each.
    """
    console = Console(stderr=stderr, markup=False, highlight=False, emoji=False, soft_wrap=False, width=width)
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
    for finding in report.findings or ["Nothing vanishes, explodes or dies."]:
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
    console.print(_headline(comparison))
    if comparison.rows:
        console.print(_comparison_table(comparison))
    for arm in comparison.missing:
        console.print(f"{arm}: no finished run.")
    for name in comparison.left_out:
        console.print(f"{name}: left out, the study as last run does not name it.")


def _headline(comparison: StudyComparison) -> str:
    count = len(comparison.rows)
    noun = "setting" if comparison.is_plain else "arm"
    same = f", same in all but {', '.join(comparison.differing)}" if comparison.differing else ""
    question = f" · {comparison.question}" if comparison.question else ""
    return f"{comparison.study}{question}\n{count} {noun}{'' if count == 1 else 's'}{same}"


def _comparison_table(comparison: StudyComparison) -> Table:
    rows = comparison.rows
    metrics = list(rows[0].figures)
    label = _has_own_names(comparison)
    has_effects = any(row.effect for row in rows)
    has_steps = any(row.cpu_ms_per_step is not None for row in rows)
    has_diverged, has_quotes = any(row.num_diverged for row in rows), any(row.quote for row in rows)
    headers = (["arm"] if label else []) + [*comparison.differing, "seeds"]
    headers += [METRIC_TITLES.get(metric, metric.replace("_", " ")) for metric in metrics]
    headers += ["parameters"] + ["CPU ms/step"] * has_steps + ["diverged"] * has_diverged
    headers += [f"against {comparison.baseline}", "verdict"] * has_effects + ["the document"] * has_quotes
    num_left = label + len(comparison.differing)
    left = (*range(num_left), *range(len(headers) - has_effects - has_quotes, len(headers)))
    table = plain_table([_stacked(header) for header in headers], left)
    for row in rows:
        cells = ([row.arm] if label else []) + [_setting(row.settings.get(key)) for key in comparison.differing]
        cells += [str(len(row.seeds)), *(_figure(metric, figure) for metric, figure in row.figures.items())]
        cells += [f"{row.num_parameters:,}"] + [short(row.cpu_ms_per_step)] * has_steps
        judged = [effect_text(row.effect), verdict_text(row.effect)] * has_effects
        table.add_row(*cells, *[_diverged(row)] * has_diverged, *judged, *[row.quote] * has_quotes)
    return table


def _stacked(header: str) -> str:
    """Break a long header into two lines at the space nearest to its middle."""
    spaces = [i for i, letter in enumerate(header) if letter == " "]
    if len(header) <= WIDE_HEADER or not spaces:
        return f"\n{header}"
    middle = min(spaces, key=lambda i: abs(i - len(header) / 2))
    return f"{header[:middle]}\n{header[middle + 1 :]}"


def _has_own_names(comparison: StudyComparison) -> bool:
    """Whether arms have names that say more than the settings in the other columns."""
    return not comparison.differing or (any("=" not in row.arm for row in comparison.rows) and not comparison.is_plain)


def _figure(metric: str, figure: Figure) -> str:
    if metric == "output_std_lowest":
        return short(min(figure.values))
    if metric == "output_std_highest":
        return short(max(figure.values))
    return with_spread(metric, figure.mean, figure.std)


def _diverged(row: Row) -> str:
    return f"{row.num_diverged} of {len(row.seeds)}" if row.num_diverged else "-"


def _setting(value: Any) -> str:
    return "-" if value is None else str(value)


def plain_table(headers: Sequence[str], left: Sequence[int] = ()) -> Table:
    """Return a table without lines; columns are flush right but those in ``left``."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for i, header in enumerate(headers):
        table.add_column(header, justify="left" if i in left else "right", overflow="fold")
    return table
