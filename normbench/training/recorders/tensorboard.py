"""Writes TensorBoard files of a run: histograms, scalars, pictures, and settings for the HParams page."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import torch
from tensorboardX import summary
from tensorboardX.proto.api_pb2 import Status
from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo
from tensorboardX.proto.summary_pb2 import HistogramProto, Summary, SummaryMetadata

from normbench.inspection.watch.frame import Frame
from normbench.storage.files.atomic import make_folder, replacing
from normbench.storage.files.flushing import Flush, flush_folder
from normbench.storage.histogram_table import HistogramTable, joined
from normbench.storage.run_folder import HISTOGRAMS_NPZ
from normbench.training.recorders.event_file import EventFile
from normbench.training.recorders.histograms import histograms_of

# Steps that TensorBoard keeps of one tag; it drops others at random.
MAX_HISTOGRAM_STEPS, MAX_SCALAR_STEPS = 500, 1000


class TensorBoardRecorder:
    """Writes scalars, histograms, the config as text and HParams into one event file, and histograms.npz at the end.

    Args:
        folder: The run's folder; an existing event file is appended to.
        kinds: Kinds of tensors that get histograms: weight, grad, activation, update.
        num_frames: Number of frames to expect; more than TensorBoard keeps are thinned out evenly.
    """

    def __init__(self, folder: Path, kinds: Sequence[str], num_frames: int) -> None:
        self.folder, self.kinds = folder, kinds
        self._num_seen, self._tables = 0, list[HistogramTable]()
        self._events = EventFile(folder)
        self._histogram_stride = _stride(num_frames, MAX_HISTOGRAM_STEPS)
        self._scalar_stride = _stride(num_frames, MAX_SCALAR_STEPS)
        self._last = num_frames - 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._events.close(failed=kind is not None)

    def describe_run(self, config_text: str, settings: Mapping[str, Any], group: str) -> None:
        """Write the config as text, and the settings for the HParams page, where runs of one group are averaged."""
        indented = "\n".join(f"    {line}" for line in config_text.splitlines())
        self._events.write([*summary.text("config", indented).value, _hparams_start(settings, group)], 0)

    def record(self, frame: Frame) -> None:
        """Write one frame's scalars and histograms."""
        is_last = self._num_seen == self._last
        values: list[Summary.Value] = []
        if is_last or self._num_seen % self._scalar_stride == 0:
            values += _scalar_values(_scalars(frame))
        if self.kinds and (is_last or self._num_seen % self._histogram_stride == 0):
            by_kind = frame.tensors()
            tensors = {(kind, name): tensor for kind in self.kinds for name, tensor in by_kind[kind].items()}
            self._tables.append(histograms_of(tensors, frame.step))
            values += _histogram_values(self._tables[-1])
        self._num_seen += 1
        if values:
            self._events.write(values, frame.step)
            self._events.flush()

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint must hold for ``restore``, in types that ``torch.load`` reads safely."""
        self._tables = [joined(self._tables)] if self._tables else []
        found = [bytearray(table.to_bytes()) for table in self._tables]
        return {"num_seen": self._num_seen, "histograms": [torch.frombuffer(raw, dtype=torch.uint8) for raw in found]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on after the frames that were recorded before a checkpoint."""
        self._num_seen = state["num_seen"]
        self._tables = [HistogramTable.from_bytes(bytes(raw.numpy())) for raw in state["histograms"]]

    def finish(self, *, succeeded: bool) -> None:
        """Write histograms.npz, and the run's final status for the HParams page."""
        if self._tables:
            with replacing(self.folder / HISTOGRAMS_NPZ, Flush.CONTENT) as part:
                part.write_bytes(joined(self._tables).to_bytes())
        status = Status.Value("STATUS_SUCCESS" if succeeded else "STATUS_FAILURE")
        end = HParamsPluginData(session_end_info=SessionEndInfo(status=status, end_time_secs=time.time()))
        self._events.write([_plugin_value("_hparams_/session_end_info", end)], 0)


def _stride(num_frames: int, limit: int) -> int:
    """Return the stride at which, together with the last, at most ``limit`` frames are kept."""
    return 1 if num_frames <= limit else math.ceil((num_frames - 1) / (limit - 1))


def write_pictures(folder: Path, tag: str, pictures: Mapping[int, bytes]) -> None:
    """Write PNG pictures by step as TensorBoard images into a new event file, which replaces older ones."""
    with _new_event_file(folder) as events:
        for step, png in pictures.items():
            width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))  # PNG's header
            image = Summary.Image(encoded_image_string=png, width=width, height=height, colorspace=4)
            events.write([Summary.Value(tag=tag, image=image)], step)


def write_scalars(folder: Path, curves: Mapping[str, Sequence[tuple[int, float]]]) -> None:
    """Write (step, value) pairs by column of metrics.csv as TensorBoard scalars into a new file; remove older ones."""
    by_step: dict[int, dict[str, float]] = {}
    for column, points in curves.items():
        for step, value in points:
            by_step.setdefault(step, {})[scalar_tag(column)] = value
    with _new_event_file(folder) as events:
        for step in sorted(by_step):
            events.write(_scalar_values(by_step[step]), step)


@contextmanager
def _new_event_file(folder: Path) -> Iterator[EventFile]:
    make_folder(folder)
    for old in folder.glob("events.*"):
        old.unlink()
    with EventFile(folder) as events:
        yield events
    flush_folder(folder)


def _scalar_values(scalars: Mapping[str, float]) -> list[Summary.Value]:
    """Return the finite scalars by tag; TensorBoard cannot show others, which the CSV files hold."""
    return [
        Summary.Value(tag=_plain_tag(tag), simple_value=value) for tag, value in scalars.items() if math.isfinite(value)
    ]


def _histogram_values(table: HistogramTable) -> list[Summary.Value]:
    """Return the histograms of a table's only step, and the share of values that are not finite where there are any."""
    values, edges, counts = list[Summary.Value](), table.right_edges[0], table.counts[0]
    is_kept = counts > 0
    is_kept[:, :-1] |= counts[:, 1:] > 0  # of empty bins in a row the last, which TensorBoard draws as all of them
    for i, (kind, name) in enumerate(zip(table.kinds, table.names, strict=True)):
        tag, num, num_nonfinite = f"{kind}/{name}", table.num[0, i], table.num_nonfinite[0, i]
        if num_nonfinite:
            values += _scalar_values({f"nonfinite_share/{tag}": num_nonfinite / (num + num_nonfinite)})
        if num:
            bins = {"bucket_limit": edges[i, is_kept[i]].tolist(), "bucket": counts[i, is_kept[i]].tolist()}
            sums = {key: getattr(table, key)[0, i] for key in ("min", "max", "sum", "sum_squares")}
            values.append(Summary.Value(tag=tag, histo=HistogramProto(num=num, **sums, **bins)))
    return values


@lru_cache(maxsize=10_000)
def _plain_tag(tag: str) -> str:
    """Return a tag as tensorboardX writes it, without characters that were once forbidden."""
    return str(summary.scalar(tag, 0.0).value[0].tag)


def _scalars(frame: Frame) -> dict[str, float]:
    probes = {f"{name}/{layer}": v for layer, found in frame.probes.items() for name, v in found.items()}
    return {scalar_tag(column): value for column, value in frame.metrics.items()} | probes


def scalar_tag(column: str) -> str:
    """Return TensorBoard's tag for a column of metrics.csv; its quantity comes first, since TensorBoard groups by it.

    Example:
        >>> [scalar_tag(column) for column in ("test_loss", "reestimated_test_loss", "batch_loss_max", "test_f1_macro")]
        ['loss/test', 'loss/reestimated_test', 'batch_loss/max', 'f1_macro/test']
    """
    if column.startswith("batch_loss_"):
        return f"batch_loss/{column.removeprefix('batch_loss_')}"
    own = next((split for split in ("train", "validation", "test") if column.startswith(f"{split}_")), None)
    if own:
        return f"{column.removeprefix(f'{own}_')}/{own}"
    split, _, quantity = column.rpartition("_")
    return f"{quantity}/{split}" if split else quantity


def _hparams_start(settings: Mapping[str, Any], group: str) -> Summary.Value:
    # No experiment summary: TensorBoard then takes the union of all runs' settings (it reads only the first one).
    info = SessionStartInfo(group_name=group, start_time_secs=time.time())
    for key, value in settings.items():
        if isinstance(value, bool):
            info.hparams[key].bool_value = value
        elif isinstance(value, int | float):
            info.hparams[key].number_value = value
        elif value is not None:
            info.hparams[key].string_value = str(value)
    return _plugin_value("_hparams_/session_start_info", HParamsPluginData(session_start_info=info))


def _plugin_value(tag: str, data: HParamsPluginData) -> Summary.Value:
    plugin = SummaryMetadata.PluginData(plugin_name="hparams", content=data.SerializeToString())
    return Summary.Value(tag=tag, metadata=SummaryMetadata(plugin_data=plugin))
