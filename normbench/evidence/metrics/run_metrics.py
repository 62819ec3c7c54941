"""What is read off a run: a column of metrics.csv or a layer's statistic, and what a reducer makes of its steps.

The rules are in docs/methods.md, "8. Metrics".
"""

import math
from collections.abc import Sequence

from normbench.evidence.metrics.columns import Read, batch_spans, check_columns
from normbench.evidence.metrics.diverged import Diverged, is_diverged
from normbench.evidence.metrics.metric_words import find_metric, read_metric
from normbench.evidence.metrics.reducers.base import Recorded
from normbench.evidence.statistics.means import mean_of
from normbench.storage.contents.csv_table import CsvTable
from normbench.storage.run_folder import LAYER_STATS_CSV, METRICS_CSV, Run

OUTPUT_STDS = ("output_std_lowest", "output_std_mean", "output_std_highest")
"""Over the hidden layers of a signal without a target."""
SURGE = "batch_loss_max_after_epoch_1"


def read_metrics(run: Run, metrics: Sequence[str]) -> dict[str, float]:
    """Return each metric of a run.

    Args:
        run: A finished or diverged run. What a diverged one counts as says each reducer.
        metrics: ``test_loss``, ``best test_accuracy``, ``max_after 100 batch_loss_max``, ``steps_to 0.1 train_loss``,
            ``weight.std@hidden2``, ``change weight.l2_norm@conv1`` ...

    Returns:
        A number each, nan where the run has no such column; of a diverged run they are ``Diverged``.

    Raises:
        ComparisonError: The words before the column mean nothing.
        RunFolderError: A file is missing or was changed.
    """
    read: Read = _Tables(run).__getitem__
    has_diverged = is_diverged(run)
    return {metric: _value(run, read, metric, has_diverged=has_diverged) for metric in metrics}


class _Tables(dict[str, CsvTable]):
    """A run's tables by the names of their files, each read when it is first asked for."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __missing__(self, name: str) -> CsvTable:
        found = self[name] = self._run.table_if_any(name)
        return found


def check_metrics(runs: Sequence[Run], metrics: Sequence[str]) -> None:
    """Refuse a metric that none of the runs has.

    Raises:
        ComparisonError: With the columns there are.
    """
    columns = [metric.split()[-1] if metric.strip() else "" for metric in metrics if not is_over_layers(metric)]
    check_columns(runs, columns, (*OUTPUT_STDS, SURGE))


def is_over_layers(metric: str) -> bool:
    """Return whether a metric's last word is a statistic of all layers, which is no column."""
    found = find_metric(metric)
    return found is not None and found.reducer.over_layers


def _value(run: Run, read: Read, metric: str, *, has_diverged: bool) -> float:
    if metric in OUTPUT_STDS:
        return _output_std(read(LAYER_STATS_CSV), metric)
    if metric == SURGE:
        return _surge(run, read, has_diverged=has_diverged)
    reducer, column = read_metric(metric)
    recorded = Recorded(column, run.summary, read)
    return Diverged(reducer.read_diverged(recorded)) if has_diverged else reducer.read(recorded)


def _surge(run: Run, read: Read, *, has_diverged: bool) -> float:
    """Return the largest loss of a batch after the first epoch; of a diverged run the worst of all."""
    if has_diverged:
        recorded = Recorded("batch_loss_max", run.summary, read)
        return Diverged(recorded.worst(recorded.finite))
    start, spans = run.summary.get("steps_per_epoch", 1), batch_spans(read(METRICS_CSV), "batch_loss_max")
    return max([value for step, value in spans if step >= start], default=math.nan)


def _output_std(table: CsvTable, metric: str) -> float:
    rows = zip(table.words("kind"), table.all_numbers("std"), strict=True)
    hidden = [std for kind, std in rows if kind == "activation"][:-1] or [
        math.nan
    ]  # the last layer's width is the task's
    if metric == "output_std_mean":
        return mean_of(hidden)
    return min(hidden) if metric == "output_std_lowest" else max(hidden)
