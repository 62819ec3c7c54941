"""Recorders: CSV files (the truth), TensorBoard (a view), memory (tests)."""

import csv
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self

from tensorboardX import summary
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.api_pb2 import Status
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo
from tensorboardX.proto.summary_pb2 import Summary, SummaryMetadata

from normbench.datasets.base import Dataset
from normbench.evidence.run_folder import CURVE_CSV, LAYER_STATS_CSV, METRICS_CSV, POINTS_CSV, PROBES_CSV
from normbench.training.histograms import histogram
from normbench.training.layer_stats import STATISTICS, describe, layer_of
from normbench.training.loop import Recorder
from normbench.training.watching import Frame

# What TensorBoard keeps of one tag; more would be dropped by it at random.
MAX_HISTOGRAM_STEPS, MAX_SCALAR_STEPS = 500, 1000


class MemoryRecorder:
    """Keeps the frames in a list."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def record(self, frame: Frame) -> None:
        """Keep one frame."""
        self.frames.append(frame)


class Recorders:
    """Hands each frame to several recorders in turn."""

    def __init__(self, recorders: Iterable[Recorder]) -> None:
        self.recorders = list(recorders)

    def record(self, frame: Frame) -> None:
        """Hand the frame on."""
        for recorder in self.recorders:
            recorder.record(frame)


class CsvRecorder:
    """Writes metrics.csv, layer_stats.csv and, where there is something to say, curve.csv and probes.csv.

    Numbers are written so that reading them back gives the same float64.

    Args:
        folder: The run's folder.
        columns: Columns of metrics.csv after ``step``.
    """

    def __init__(self, folder: Path, columns: Sequence[str]) -> None:
        self.folder, self.columns = folder, columns
        self._files: dict[str, IO[str]] = {}
        self.last_metrics: dict[str, float] = {}

    def __enter__(self) -> Self:
        self._append(METRICS_CSV, [["step", *self.columns]])
        self._append(LAYER_STATS_CSV, [["step", "layer", "kind", *STATISTICS]])
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()

    def record(self, frame: Frame) -> None:
        """Write one frame's rows."""
        self.last_metrics = dict(frame.metrics)
        self._append(METRICS_CSV, [[frame.step, *(frame.metrics.get(column, "") for column in self.columns)]])
        self._append(LAYER_STATS_CSV, _layer_rows(frame))
        if frame.curve is not None:
            x, prediction = (tensor.tolist() for tensor in frame.curve)
            self._append(CURVE_CSV, [[frame.step, *prediction]], header=["step", *x])
        if frame.probes:
            self._append(PROBES_CSV, _probe_rows(frame), header=["step", "layer", "name", "value"])

    def _append(self, name: str, rows: Iterable[Sequence[object]], header: Sequence[object] = ()) -> None:
        if name not in self._files:
            self._files[name] = (self.folder / name).open("w", newline="", encoding="utf-8")
            rows = [header, *rows] if header else rows
        csv.writer(self._files[name], lineterminator="\n").writerows(rows)
        self._files[name].flush()


def write_points(folder: Path, dataset: Dataset) -> None:
    """Write the samples of one-dimensional regression, which the picture of the curves shows, and the truth."""
    if dataset.noise_free is None or dataset.train.x.shape[1:] != (1,):
        return
    rows = [
        [name, x, y]
        for name, split in dataset.splits().items()
        if split.y is not None
        for (x,), (y,) in zip(split.x.tolist(), split.y.tolist(), strict=True)
    ]
    with (folder / POINTS_CSV).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([["split", "x", "y"], *rows])


def _layer_rows(frame: Frame) -> list[list[object]]:
    rows: list[list[object]] = []
    for kind, tensors in frame.tensors().items():
        for name, statistics in describe(tensors).items():
            rows.append([frame.step, layer_of(name), kind, *statistics.values()])
    return rows


def _probe_rows(frame: Frame) -> list[list[object]]:
    return [[frame.step, layer, name, value] for layer, found in frame.probes.items() for name, value in found.items()]


class TensorBoardRecorder:
    """Writes histograms, scalars, the config as text and HParams into one event file.

    Events go to the file at once and in order, not through a queue: what was recorded is there even if the
    process dies.

    Args:
        folder: The run's folder.
        kinds: Which tensors get histograms: weight, grad, activation, update.
        num_frames: How many frames to expect; histograms and scalars are thinned to what TensorBoard keeps.
    """

    def __init__(self, folder: Path, kinds: Sequence[str], num_frames: int) -> None:
        self.kinds = kinds
        self._events = EventsWriter(str(folder / "events"))
        self._histogram_stride = _stride(num_frames, MAX_HISTOGRAM_STEPS)
        self._scalar_stride = _stride(num_frames, MAX_SCALAR_STEPS)
        self._last = num_frames - 1
        self._num_seen = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._events.close()

    def describe_run(self, config_text: str, settings: Mapping[str, Any], group: str) -> None:
        """Write the config as text, and the settings for the HParams page, where runs of one group are averaged."""
        indented = "\n".join(f"    {line}" for line in config_text.splitlines())
        self._write(summary.text("config", indented), 0)
        self._write(_hparams_start(settings, group), 0)

    def record(self, frame: Frame) -> None:
        """Write one frame's scalars and histograms."""
        is_last = self._num_seen == self._last
        if is_last or self._num_seen % self._scalar_stride == 0:
            for tag, value in _scalars(frame).items():
                if math.isfinite(value):  # TensorBoard has no place for others; the CSV files keep them
                    self._write(summary.scalar(tag, value), frame.step)
        if is_last or self._num_seen % self._histogram_stride == 0:
            for kind in self.kinds:
                for name, tensor in frame.tensors()[kind].items():
                    self._write_histogram(f"{kind}/{name}", tensor, frame.step)
        self._num_seen += 1
        self._events.flush()

    def finish(self, *, succeeded: bool) -> None:
        """Say how the run ended."""
        status = Status.Value("STATUS_SUCCESS" if succeeded else "STATUS_FAILURE")
        end = HParamsPluginData(session_end_info=SessionEndInfo(status=status, end_time_secs=time.time()))
        self._write(_plugin_summary("_hparams_/session_end_info", end), 0)

    def _write_histogram(self, tag: str, tensor: Any, step: int) -> None:
        found = histogram(tensor)
        if found is None or found.num_nonfinite:
            share = 1.0 if found is None else found.num_nonfinite / tensor.numel()
            self._write(summary.scalar(f"nonfinite_share/{tag}", share), step)
        if found is not None:
            fields = {key: value for key, value in vars(found).items() if key != "num_nonfinite"}
            self._write(summary.histogram_raw(tag, **fields), step)

    def _write(self, what: Summary, step: int) -> None:
        self._events.write_event(Event(summary=what, step=step, wall_time=time.time()))


def _stride(num_frames: int, limit: int) -> int:
    """Return every how many frames one is kept, so that with the last they are at most ``limit``."""
    return 1 if num_frames <= limit else math.ceil((num_frames - 1) / (limit - 1))


def write_pictures(folder: Path, tag: str, pictures: Mapping[int, bytes]) -> None:
    """Write PNG pictures by step as TensorBoard images, into an event file of their own; older ones give way."""
    events = _only_events(folder)
    for step, png in pictures.items():
        width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))  # PNG's header
        image = Summary.Image(encoded_image_string=png, width=width, height=height, colorspace=4)
        value = Summary.Value(tag=tag, image=image)
        events.write_event(Event(summary=Summary(value=[value]), step=step, wall_time=time.time()))
    events.close()


def write_scalars(folder: Path, curves: Mapping[str, Sequence[tuple[int, float]]]) -> None:
    """Write (step, value) by column of metrics.csv as TensorBoard scalars, into a file of their own; older ones go."""
    events = _only_events(folder)
    for column, points in curves.items():
        for step, value in points:
            if math.isfinite(value):
                scalar = summary.scalar(scalar_tag(column), value)
                events.write_event(Event(summary=scalar, step=step, wall_time=time.time()))
    events.close()


def _only_events(folder: Path) -> EventsWriter:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("events.*"):
        old.unlink()
    return EventsWriter(str(folder / "events"))


def _scalars(frame: Frame) -> dict[str, float]:
    probes = {f"{name}/{layer}": v for layer, found in frame.probes.items() for name, v in found.items()}
    return {scalar_tag(column): value for column, value in frame.metrics.items()} | probes


def scalar_tag(column: str) -> str:
    """Return TensorBoard's tag of a column of metrics.csv, the quantity first so that it becomes the group.

    Example:
        >>> scalar_tag("test_loss"), scalar_tag("reestimated_test_loss"), scalar_tag("batch_loss_max")
        ('loss/test', 'loss/reestimated_test', 'batch_loss/max')
    """
    if column.startswith("batch_loss_"):
        return f"batch_loss/{column.removeprefix('batch_loss_')}"
    split, _, quantity = column.rpartition("_")
    return f"{quantity}/{split}" if split else quantity


def _hparams_start(settings: Mapping[str, Any], group: str) -> Summary:
    # No experiment summary: TensorBoard then takes the union of all runs' settings (it reads only the first one).
    info = SessionStartInfo(group_name=group, start_time_secs=time.time())
    for key, value in settings.items():
        if isinstance(value, bool):
            info.hparams[key].bool_value = value
        elif isinstance(value, int | float):
            info.hparams[key].number_value = value
        elif value is not None:
            info.hparams[key].string_value = str(value)
    return _plugin_summary("_hparams_/session_start_info", HParamsPluginData(session_start_info=info))


def _plugin_summary(tag: str, data: HParamsPluginData) -> Summary:
    plugin = SummaryMetadata.PluginData(plugin_name="hparams", content=data.SerializeToString())
    return Summary(value=[Summary.Value(tag=tag, metadata=SummaryMetadata(plugin_data=plugin))])
