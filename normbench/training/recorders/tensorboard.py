"""TensorBoardRecorder: writes the event file of a run, and histograms.npz, while it trains."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import torch
from tensorboardX.proto.summary_pb2 import Summary

from normbench.inspection.watch.frame import Frame
from normbench.storage.files.atomic import replacing
from normbench.storage.files.flushing import Flush
from normbench.storage.histogram_table import HistogramTable, joined
from normbench.storage.run_folder import HISTOGRAMS_NPZ
from normbench.storage.scalar_tags import scalar_tag
from normbench.training.recorders.event_file import EventFile
from normbench.training.recorders.event_values import histogram_values, scalar_values
from normbench.training.recorders.histograms import histograms_of
from normbench.training.recorders.hparams import end_value, settings_value
from normbench.training.recorders.tags import ENDINGS, LayerTags

# Steps that TensorBoard keeps of one tag; it drops others at random.
MAX_HISTOGRAM_STEPS, MAX_SCALAR_STEPS = 500, 1000


class TensorBoardRecorder:
    """Writes scalars, histograms and HParams into one event file, and histograms.npz at the end.

    Args:
        folder: The run's folder; an existing event file is appended to.
        kinds: Kinds of tensors that get histograms: weight, grad, activation, update.
        num_frames: Number of frames to expect; more than TensorBoard keeps are thinned out evenly.
        with_biases: Show biases and other tensors of one dimension too, which histograms.npz has in any case.
        takes: Whether a step between two frames gets histograms too.
    """

    def __init__(
        self,
        folder: Path,
        kinds: Sequence[str],
        num_frames: int,
        *,
        with_biases: bool = False,
        takes: Callable[[int], bool] = lambda _: False,
    ) -> None:
        self.folder, self.kinds, self._with_biases, self._takes = folder, kinds, with_biases, takes
        self._tags: LayerTags | None = None
        self._num_seen, self._tables = 0, list[HistogramTable]()
        self._events = EventFile(folder)
        self._histogram_stride = _stride(num_frames, MAX_HISTOGRAM_STEPS)
        self._scalar_stride = _stride(num_frames, MAX_SCALAR_STEPS)
        self._last = num_frames - 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._events.close(failed=kind is not None)

    def describe_run(self, settings: Mapping[str, Any], group: str) -> None:
        """Write the settings for the HParams page, where runs of one group are averaged."""
        self._events.write([settings_value(settings, group)], 0)

    def record(self, frame: Frame) -> None:
        """Write one frame's scalars and histograms."""
        is_last = self._num_seen == self._last
        self._tags = self._tags or LayerTags.of(frame, with_biases=self._with_biases)
        values: list[Summary.Value] = []
        if is_last or self._num_seen % self._scalar_stride == 0:
            values += scalar_values(_scalars(frame, self._tags))
        if self.kinds and (is_last or self._num_seen % self._histogram_stride == 0):
            values += self._histograms(frame, self.kinds, self._tags)
        self._num_seen += 1
        self._write(values, frame.step)

    def takes(self, step: int) -> bool:
        """Return whether weights, gradients or updates of a step between two frames are wanted."""
        return self._takes(step) and not ENDINGS.keys().isdisjoint(self.kinds)

    def record_slice(self, frame: Frame) -> None:
        """Write the histograms of a step between two frames."""
        tags = self._tags or LayerTags.of(frame, with_biases=self._with_biases)  # of an older checkpoint none is known
        self._write(self._histograms(frame, [kind for kind in self.kinds if kind in ENDINGS], tags), frame.step)

    def _write(self, values: Sequence[Summary.Value], step: int) -> None:
        if values:
            self._events.write(values, step)
            self._events.flush()

    def _histograms(self, frame: Frame, kinds: Sequence[str], tags: LayerTags) -> list[Summary.Value]:
        by_kind = frame.tensors()
        tensors = {(kind, name): tensor for kind in kinds for name, tensor in by_kind[kind].items()}
        self._tables.append(histograms_of(tensors, frame.step))
        return histogram_values(self._tables[-1], tags)

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint must hold for ``restore``, in types that ``torch.load`` reads safely."""
        self._tables = [joined(self._tables)] if self._tables else []
        found = [bytearray(table.to_bytes()) for table in self._tables]
        tables = [torch.frombuffer(raw, dtype=torch.uint8) for raw in found]
        tags = {"layers": self._tags.layers, "hidden": sorted(self._tags.hidden)} if self._tags else {}
        return {"num_seen": self._num_seen, "histograms": tables, "tags": tags}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on after the frames that were recorded before a checkpoint."""
        self._num_seen = state["num_seen"]
        self._tags = LayerTags(**state["tags"]) if state.get("tags") else None
        self._tables = [HistogramTable.from_bytes(bytes(raw.numpy())) for raw in state["histograms"]]

    def finish(self, *, succeeded: bool) -> None:
        """Write histograms.npz, and the run's final status for the HParams page."""
        if self._tables:
            with replacing(self.folder / HISTOGRAMS_NPZ, Flush.CONTENT) as part:
                part.write_bytes(joined(self._tables).to_bytes())
        self._events.write([end_value(succeeded=succeeded)], 0)


def _stride(num_frames: int, limit: int) -> int:
    """Return the stride at which, together with the last, at most ``limit`` frames are kept."""
    return 1 if num_frames <= limit else math.ceil((num_frames - 1) / (limit - 1))


def _scalars(frame: Frame, tags: LayerTags) -> dict[str, float]:
    probes = {f"{name}/{tags.named(layer)}": v for layer, found in frame.probes.items() for name, v in found.items()}
    return {scalar_tag(column): value for column, value in frame.metrics.items()} | probes
