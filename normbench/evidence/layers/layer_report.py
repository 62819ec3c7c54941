"""Reports std per layer at the start and at the end, averaged over seeds, with a word such as steady or vanishes."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from normbench.evidence.statistics.growth import FAR, NEAR
from normbench.evidence.statistics.means import mean_of
from normbench.storage.contents.csv_table import CsvTable
from normbench.storage.contents.summary import LayerContent
from normbench.storage.run_folder import LAYER_STATS_CSV, Arm, Run
from normbench.storage.run_status import RunStatus

KINDS = ("weight", "grad", "activation")
DEAD_SHARE = 0.999

Span = tuple[float, float | None]
"""A statistic at the start and, if the run took a step, at the end; means over seeds."""


@dataclass(frozen=True)
class LayerLine:
    """One layer of one arm.

    Attributes:
        layer: The layer's name.
        shape: The weight's shape.
        has_norm: Whether a norm follows its weight.
        stds: Std of weight, weight gradient and output (after norm and activation), by kind.
        output_range: Lowest and highest std of the output among the seeds, at the end.
        word: steady, grows, shrinks, vanishes, explodes, constant, dead or not finite.
    """

    layer: str
    shape: tuple[int, ...]
    has_norm: bool
    stds: Mapping[str, Span]
    output_range: tuple[float, float]
    word: str

    @property
    def output_std(self) -> float:
        """Output std at the end, or at the start of a run without steps."""
        start, end = self.stds["activation"]
        return start if end is None else end


@dataclass(frozen=True)
class LayerReport:
    """All layers of one arm, with sentences about vanishing, exploding and dead ones.

    Attributes:
        arm: The arm's label.
        num_seeds: Number of runs that were read.
        lines: The layers, in order of execution.
        findings: A sentence on each layer that vanishes, explodes or dies.
        num_diverged: Number of the runs that diverged.
    """

    arm: str
    num_seeds: int
    lines: Sequence[LayerLine]
    findings: Sequence[str]
    num_diverged: int = 0

    @property
    def has_end(self) -> bool:
        """Whether any step was taken."""
        return bool(self.lines) and self.lines[0].stds["weight"][1] is not None


def report_layers(arm: Arm) -> LayerReport:
    """Read layer_stats.csv of every seed and describe each layer.

    Raises:
        RunFolderError: A file is missing or was changed.
    """
    tables = [_LayerStats(run) for run in arm.runs]
    layers = arm.runs[0].summary["layers"]
    first = _mean(table.last("activation", layers[0]["name"], "std") for table in tables) if layers else math.nan
    lines = [_line(layer, tables, first) for layer in layers]
    findings = [*_output_findings(lines), *_gradient_findings(layers, tables)]
    num_diverged = sum(run.summary["status"] == RunStatus.DIVERGED for run in arm.runs)
    return LayerReport(arm.name, len(tables), lines, findings, num_diverged)


class _LayerStats:
    """The rows of one run's layer_stats.csv at the first and at the last step."""

    def __init__(self, run: Run) -> None:
        self._table = run.table(LAYER_STATS_CSV)
        first, last = min(self._table.steps, default=0), max(self._table.steps, default=0)
        self.has_end = last != first
        self._first, self._last = (_rows_at(self._table, step) for step in (first, last))

    def first(self, kind: str, layer: str, statistic: str) -> float:
        return self._number(self._first.get((kind, layer)), statistic)

    def last(self, kind: str, layer: str, statistic: str) -> float:
        return self._number(self._last.get((kind, layer)), statistic)

    def _number(self, row: int | None, statistic: str) -> float:
        return math.nan if row is None else self._table.all_numbers(statistic)[row]


def _rows_at(table: CsvTable, step: int) -> dict[tuple[str, str], int]:
    """Return the row of each kind and layer at a step."""
    rows = zip(table.steps, table.words("kind"), table.words("layer"), strict=True)
    return {(kind, layer): row for row, (at, kind, layer) in enumerate(rows) if at == step}


def _line(layer: LayerContent, tables: Sequence[_LayerStats], first: float) -> LayerLine:
    name = layer["name"]
    has_end = all(table.has_end for table in tables)
    stds: dict[str, Span] = {}
    for kind in KINDS:
        row = name if kind == "activation" else layer.get("weight", name)
        start = _mean(table.first(kind, row, "std") for table in tables)
        stds[kind] = (start, _mean(table.last(kind, row, "std") for table in tables) if has_end else None)
    outputs = [table.last("activation", name, "std") for table in tables]
    zeros, largest = (
        _mean(table.last("activation", name, key) for table in tables) for key in ("zero_share", "max_abs")
    )
    shape = tuple(layer["shape"])
    word = word_for(stds["activation"], first, zeros, largest)
    return LayerLine(name, shape, layer["has_norm"], stds, (min(outputs), max(outputs)), word)


def word_for(output: Span, first: float, zero_share: float, largest: float) -> str:
    """Return the word for a layer's output: steady, grows, shrinks, vanishes, explodes, constant, dead or not finite.

    Args:
        output: Std of the output at the start and at the end.
        first: Std of the first layer's output.
        zero_share: Share of zeros in the output.
        largest: Largest absolute value of the output.
    """
    start, end = output
    now = start if end is None else end
    if not math.isfinite(now):
        return "not finite"
    if now == 0 and largest > 0:
        return "constant"  # one value everywhere has std 0, but the signal is not lost
    if now < first / FAR:
        return "vanishes"
    if zero_share >= DEAD_SHARE:
        return "dead"
    if now > first * FAR > 0:
        return "explodes"
    return _change(start, end)


def _change(start: float, end: float | None) -> str:
    if end is None or start / NEAR <= end <= start * NEAR:
        return "steady"
    return "grows" if end > start else "shrinks"


def _output_findings(lines: Sequence[LayerLine]) -> list[str]:
    findings = []
    for word in ("not finite", "dead", "vanishes", "explodes"):
        hit = [line for line in lines if line.word == word]
        if hit:
            verb = {"not finite": "is not finite", "dead": "is dead (all zeros)"}.get(word, word)
            more = "" if len(hit) == 1 else f" and in {len(hit) - 1} more layer{'' if len(hit) == 2 else 's'}"
            findings.append(f"The output {verb} at {hit[0].layer}{more}: std {hit[0].output_std:.3g}.")
    return findings


def _gradient_findings(layers: Sequence[LayerContent], tables: Sequence[_LayerStats]) -> list[str]:
    """Compare the gradient at the first layer's output with that at the last but one's, at the first step."""
    if len(layers) < 3:
        return []
    bottom, top = layers[0]["name"], layers[-2]["name"]
    below = _mean(table.first("activation_grad", bottom, "std") for table in tables)
    above = _mean(table.first("activation_grad", top, "std") for table in tables)
    if above > 0 and below < above / FAR:
        return [f"The output gradient vanishes backward: std {above:.3g} at {top}, {below:.3g} at {bottom}."]
    if below > above * FAR:
        return [f"The output gradient explodes backward: std {above:.3g} at {top}, {below:.3g} at {bottom}."]
    return []


def _mean(values: Iterable[float]) -> float:
    return mean_of(values)
