"""Writes the CSV files of a run; all reports are made from them."""

import csv
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import IO, Any, Self

from normbench.datasets.base import Dataset
from normbench.errors import RunFolderError
from normbench.inspection.watch.frame import Frame
from normbench.inspection.watch.layer_stats import STATISTICS, describe, layer_of
from normbench.storage.digests import sealed_digests
from normbench.storage.files.atomic import close, name_in_errors, replacing
from normbench.storage.files.flushing import Flush
from normbench.storage.files.reading import read_bytes
from normbench.storage.run_folder import CURVE_CSV, LAYER_STATS_CSV, METRICS_CSV, POINTS_CSV, PROBES_CSV


class CsvRecorder:
    """Writes metrics.csv and layer_stats.csv, and curve.csv and probes.csv where a frame has such data.

    Numbers are written so that reading them back gives the same float64.

    Args:
        folder: The run's folder; existing files are appended to.
        columns: Columns of metrics.csv after ``step``.
    """

    def __init__(self, folder: Path, columns: Sequence[str]) -> None:
        self.folder, self.columns = folder, columns
        self._files: dict[str, IO[str]] = {}
        self._written: dict[str, Any] = {}
        self.last_metrics: dict[str, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with ExitStack() as closing:
            for name, file in self._files.items():
                closing.callback(close, file, self.folder / name, failed=kind is not None)

    def check(self) -> dict[str, str]:
        """Check that each file holds what was written into it; return the sha256 of every sealed file of the run.

        Raises:
            RunFolderError: Another process has changed or removed one.
        """
        found = sealed_digests(self.folder)
        for name, written in self._written.items():
            if found.get(name) != written.hexdigest():
                rule = "must stay as the run writes it until the run is over, got it changed or removed"
                raise RunFolderError(f"{self.folder / name}: {rule}. Ask again to make it anew.")
        return found

    def record(self, frame: Frame) -> None:
        """Write one frame's rows."""
        self.last_metrics = dict(frame.metrics)
        metrics = [frame.step, *(frame.metrics.get(column, "") for column in self.columns)]
        self._append(METRICS_CSV, ["step", *self.columns], [metrics])
        self._append(LAYER_STATS_CSV, ["step", "layer", "kind", *STATISTICS], _layer_rows(frame))
        if frame.curve is not None:
            x, prediction = (tensor.tolist() for tensor in frame.curve)
            self._append(CURVE_CSV, ["step", *x], [[frame.step, *prediction]])
        if frame.probes:
            self._append(PROBES_CSV, ["step", "layer", "name", "value"], _probe_rows(frame))

    def _append(self, name: str, header: Sequence[object], rows: Iterable[Sequence[object]]) -> None:
        path, text = self.folder / name, StringIO()
        with name_in_errors(path):
            if name not in self._files:
                before = read_bytes(path, max_bytes=None) if path.exists() else b""
                rows = rows if before else [header, *rows]
                self._written[name] = sha256(before)
                self._files[name] = path.open("a", newline="", encoding="utf-8")
            csv.writer(text, lineterminator="\n").writerows(rows)
            self._written[name].update(text.getvalue().encode())
            self._files[name].write(text.getvalue())
            self._files[name].flush()


def write_points(folder: Path, dataset: Dataset) -> None:
    """Write the samples of one-dimensional regression and its noise-free curve to points.csv, to be drawn later."""
    if dataset.noise_free is None or dataset.train.x.shape[1:] != (1,):
        return
    rows = [
        [name, x, y]
        for name, split in dataset.splits().items()
        if split.y is not None
        for (x,), (y,) in zip(split.x.tolist(), split.y.tolist(), strict=True)
    ]
    with replacing(folder / POINTS_CSV, Flush.CONTENT) as part, part.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([["split", "x", "y"], *rows])


def _layer_rows(frame: Frame) -> list[list[object]]:
    tensors = {(kind, name): tensor for kind, named in frame.tensors().items() for name, tensor in named.items()}
    return [
        [frame.step, layer_of(name), kind, *statistics.values()]
        for (kind, name), statistics in describe(tensors).items()
    ]


def _probe_rows(frame: Frame) -> list[list[object]]:
    return [[frame.step, layer, name, value] for layer, found in frame.probes.items() for name, value in found.items()]
