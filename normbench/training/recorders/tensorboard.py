"""Writes TensorBoard files of a run: histograms, scalars, pictures, and settings for the HParams page."""

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from tensorboardX import summary
from tensorboardX.proto.api_pb2 import Status
from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo
from tensorboardX.proto.summary_pb2 import Summary, SummaryMetadata

from normbench.inspection.watch.frame import Frame
from normbench.training.recorders.event_file import EventFile
from normbench.training.recorders.histograms import histogram

# Steps that TensorBoard keeps of one tag; it drops others at random.
MAX_HISTOGRAM_STEPS, MAX_SCALAR_STEPS = 500, 1000


class TensorBoardRecorder:
    """Writes histograms, scalars, the config as text and HParams into one event file.

    Args:
        folder: The run's folder; an existing event file is appended to.
        kinds: Kinds of tensors that get histograms: weight, grad, activation, update.
        num_frames: Number of frames to expect; more than TensorBoard keeps are thinned out evenly.
        num_seen: Number of frames recorded before.
    """

    def __init__(self, folder: Path, kinds: Sequence[str], num_frames: int, num_seen: int = 0) -> None:
        self.kinds = kinds
        self.num_seen = num_seen
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
        self._events.write(summary.text("config", indented), 0)
        self._events.write(_hparams_start(settings, group), 0)

    def record(self, frame: Frame) -> None:
        """Write one frame's scalars and histograms."""
        is_last = self.num_seen == self._last
        if is_last or self.num_seen % self._scalar_stride == 0:
            for tag, value in _scalars(frame).items():
                if math.isfinite(value):  # TensorBoard cannot show others; the CSV files hold them
                    self._events.write(summary.scalar(tag, value), frame.step)
        if is_last or self.num_seen % self._histogram_stride == 0:
            for kind in self.kinds:
                for name, tensor in frame.tensors()[kind].items():
                    self._write_histogram(f"{kind}/{name}", tensor, frame.step)
        self.num_seen += 1
        self._events.flush()

    def finish(self, *, succeeded: bool) -> None:
        """Write the run's final status for the HParams page."""
        status = Status.Value("STATUS_SUCCESS" if succeeded else "STATUS_FAILURE")
        end = HParamsPluginData(session_end_info=SessionEndInfo(status=status, end_time_secs=time.time()))
        self._events.write(_plugin_summary("_hparams_/session_end_info", end), 0)

    def _write_histogram(self, tag: str, tensor: Any, step: int) -> None:
        found = histogram(tensor)
        if found is None or found.num_nonfinite:
            share = 1.0 if found is None else found.num_nonfinite / tensor.numel()
            self._events.write(summary.scalar(f"nonfinite_share/{tag}", share), step)
        if found is not None:
            fields = {key: value for key, value in vars(found).items() if key != "num_nonfinite"}
            self._events.write(summary.histogram_raw(tag, **fields), step)


def _stride(num_frames: int, limit: int) -> int:
    """Return the stride at which, together with the last, at most ``limit`` frames are kept."""
    return 1 if num_frames <= limit else math.ceil((num_frames - 1) / (limit - 1))


def write_pictures(folder: Path, tag: str, pictures: Mapping[int, bytes]) -> None:
    """Write PNG pictures by step as TensorBoard images into a new event file, which replaces older ones."""
    with _new_event_file(folder) as events:
        for step, png in pictures.items():
            width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))  # PNG's header
            image = Summary.Image(encoded_image_string=png, width=width, height=height, colorspace=4)
            events.write(Summary(value=[Summary.Value(tag=tag, image=image)]), step)


def write_scalars(folder: Path, curves: Mapping[str, Sequence[tuple[int, float]]]) -> None:
    """Write (step, value) pairs by column of metrics.csv as TensorBoard scalars into a new file; remove older ones."""
    with _new_event_file(folder) as events:
        for column, points in curves.items():
            for step, value in points:
                if math.isfinite(value):
                    events.write(summary.scalar(scalar_tag(column), value), step)


def _new_event_file(folder: Path) -> EventFile:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("events.*"):
        old.unlink()
    return EventFile(folder)


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
