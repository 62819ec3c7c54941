"""Recorders without files: one that keeps frames in memory, and one that passes each frame to several recorders."""

from collections.abc import Iterable

from normbench.inspection.watch.frame import Frame
from normbench.training.training_objects import Recorder


class MemoryRecorder:
    """Keeps the frames in a list."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def record(self, frame: Frame) -> None:
        """Keep one frame."""
        self.frames.append(frame)


class Recorders:
    """Passes each frame to several recorders in turn."""

    def __init__(self, recorders: Iterable[Recorder]) -> None:
        self.recorders = list(recorders)

    def record(self, frame: Frame) -> None:
        """Pass the frame to each recorder."""
        for recorder in self.recorders:
            recorder.record(frame)
