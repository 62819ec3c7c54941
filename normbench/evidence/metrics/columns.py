"""Where a run's numbers lie: columns of metrics.csv, statistics per layer, probes of layers."""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile

from normbench.errors import ComparisonError, known_names
from normbench.storage.contents.csv_table import STEP, CsvTable
from normbench.storage.run_folder import LAYER_STATS_CSV, METRICS_CSV, PROBES_CSV, Run

Read = Callable[[str], CsvTable]
"""Returns one of a run's files, without rows where the run has no such file."""
Steps = list[tuple[int, float]]
"""(step, value) at the recorded steps that have a value."""

MAX_SHOWN = 8
"""Columns named in a refusal."""
READINGS = ("batch_statistics", "reestimated", "adapted")
"""Other ways to read a model with running statistics; a model without any reads the same each way."""
_READING = re.compile(rf"^({'|'.join(READINGS)}|momentum_[^_]+)_")


def plain_column(column: str) -> str:
    """Return the column without the way of reading it.

    Example:
        >>> plain_column("reestimated_test_loss"), plain_column("momentum_0.1_test_loss"), plain_column("test_loss")
        ('test_loss', 'test_loss', 'test_loss')
    """
    return _READING.sub("", column)


def split_of(column: str) -> str:
    """Return the split whose rows a column of metrics.csv is read on; "" for a layer's statistic.

    Example:
        >>> split_of("test_balanced_accuracy"), split_of("reestimated_validation_loss"), split_of("weight.std@fc1")
        ('test', 'validation', '')
    """
    return "" if "@" in column else plain_column(column).partition("_")[0]


def steps_of(read: Read, column: str) -> Steps:
    """Return a column's values by step, nothing if the run has no such column."""
    if "@" in column:
        return _probed(read, column) if column.startswith("probe.") else _described(read, column)
    table = read(METRICS_CSV)
    return table.with_numbers(_column_in(table, column))


def last_of(read: Read, column: str) -> float:
    """Return the last of a column's values, finite or not; nan where there is none."""
    if "@" in column:
        return next((value for _, value in reversed(steps_of(read, column))), math.nan)
    table = read(METRICS_CSV)
    found = table.last_number(_column_in(table, column))
    return math.nan if found is None else found


def _column_in(table: CsvTable, column: str) -> str:
    """Return the column's name in a table: without the way of reading where a model has but one."""
    return plain_column(column) if column not in table and column.startswith(READINGS) else column


def steps_by_layer(read: Read, what: str) -> dict[str, Steps]:
    """Return the values of "weight.std" by layer and step; nothing if the run has no such statistic."""
    kind, _, statistic = what.partition(".")
    found: dict[str, Steps] = {}
    for layer, step, value in _of_kind(read(LAYER_STATS_CSV), "kind", kind, statistic):
        found.setdefault(layer, []).append((step, value))
    return found


def batch_spans(table: CsvTable, column: str) -> Steps:
    """Return values that speak of the steps since the row before, by the step that span begins with."""
    pairs = zip([0, *table.steps], table.numbers(column), strict=False)
    return [(start, value) for start, value in pairs if value is not None]


def _described(read: Read, column: str) -> Steps:
    """Read "weight.std@hidden2"."""
    what, _, of = column.partition("@")
    kind, _, statistic = what.partition(".")
    rows = _of_kind(read(LAYER_STATS_CSV), "kind", kind, statistic)
    return [(step, value) for layer, step, value in rows if layer == of]


def _probed(read: Read, column: str) -> Steps:
    """Read "probe.mixing_mean_batch@hidden1.norm"."""
    what, _, of = column.removeprefix("probe.").partition("@")
    rows = _of_kind(read(PROBES_CSV), "name", what, "value")
    return [(step, value) for layer, step, value in rows if layer == of]


def _of_kind(table: CsvTable, key: str, kind: str, column: str) -> Iterator[tuple[str, int, float]]:
    """Yield layer, step and number of the rows of one kind that have a number in a column."""
    rows = zip(table.words(key), table.words("layer"), table.steps, table.numbers(column), strict=False)
    for found, layer, step, value in rows:
        if found == kind and value is not None:
            yield layer, step, value


def check_columns(runs: Sequence[Run], columns: Sequence[str], special: Sequence[str]) -> None:
    """Refuse a column that none of the runs has.

    Args:
        runs: One of each arm.
        columns: What to look for.
        special: Names that are known without being a column.

    Raises:
        ComparisonError: With the columns there are.
    """
    known: dict[str, None] = dict.fromkeys(special)
    for run in runs:
        table = run.table(METRICS_CSV)
        known |= dict.fromkeys(name for name in table.columns if name != STEP and len(table))
        known |= dict.fromkeys(_layer_columns(run.table(LAYER_STATS_CSV)))
        known |= dict.fromkeys(_probe_columns(run))
    for column in columns:
        plain = plain_column(column) if column.startswith(READINGS) else column
        if column not in known and plain not in known:
            raise ComparisonError(_unknown(column, list(known)))


def _layer_columns(table: CsvTable) -> list[str]:
    names = [name for name in table.columns if name not in (STEP, "layer", "kind")]
    places = dict.fromkeys(zip(table.words("kind"), table.words("layer"), strict=True))
    return [f"{kind}.{name}@{layer}" for kind, layer in places for name in names]


def _probe_columns(run: Run) -> list[str]:
    table = run.table_if_any(PROBES_CSV)
    places = dict.fromkeys(zip(table.words("name"), table.words("layer"), strict=True))
    return [f"probe.{name}@{layer}" for name, layer in places]


def _unknown(column: str, known: Sequence[str]) -> str:
    """Say what the column must be: the same with a layer, else one of its sort, of which the most alike come first."""
    layered = [name for name in known if "@" in name]
    with_layer = [name for name in layered if name.startswith(f"{column}@")]
    if with_layer:
        return f"--metric {column}: needs a layer: {_listed(with_layer)}"
    kinds = {name.partition(".")[0] for name in layered}
    is_layered = "@" in column or ("." in column and column.partition(".")[0] in kinds)
    names = layered if is_layered else [name for name in known if "@" not in name]
    alike = sorted(names, key=lambda name: -_num_alike(name, column))
    listed = known_names(column, alike, "Columns", most=MAX_SHOWN)
    return f"--metric {column}: must be a column that was recorded, got {column!r}. {listed}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:MAX_SHOWN]) + (" ..." if len(names) > MAX_SHOWN else "")


def _num_alike(name: str, other: str) -> int:
    """Return with how many characters both begin."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(name, other, strict=False)))
