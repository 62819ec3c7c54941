"""EventFile: one TensorBoard event file per folder, appended to without delay and in order."""

import platform
import struct
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.summary_pb2 import Summary

from normbench.storage.files.atomic import close, name_in_errors
from normbench.training.recorders.checksum import masked_checksum


class EventFile:
    """Appends events to the event file of a folder; makes one where there is none.

    tensorboardX's writer always begins a new file, and readers sort files by the times in their names: a clock set
    back between two files would mix up the steps. So there is one file per run. Events are written without a queue,
    so that none is lost if the process is killed.

    Args:
        folder: The folder of the file, ``events.out.tfevents.<seconds>.<host>``.
    """

    def __init__(self, folder: Path) -> None:
        known = sorted(folder.glob("events.*"))
        name = f"events.out.tfevents.{int(time.time())}.{platform.node()}"
        self.path = known[0] if known else folder / name
        self._file = self.path.open("ab")
        if not known:
            self._append(Event(file_version="brain.Event:2", wall_time=time.time()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(failed=kind is not None)

    def write(self, values: Iterable[Summary.Value], step: int) -> None:
        """Write the values of one step as one record."""
        self._append(Event(summary=Summary(value=values), step=step, wall_time=time.time()))

    def flush(self) -> None:
        """Flush the file."""
        with name_in_errors(self.path):
            self._file.flush()

    def close(self, *, failed: bool = False) -> None:
        """Close the file; if ``failed``, ignore an OSError of closing, so that the first error is the one reported."""
        close(self._file, self.path, failed=failed)

    def _append(self, event: Event) -> None:
        """Write one record: length, its checksum, content, its checksum (TFRecord)."""
        content = event.SerializeToString()
        length = struct.pack("<Q", len(content))
        record = length + _checksum(length) + content + _checksum(content)
        with name_in_errors(self.path):
            self._file.write(record)


def _checksum(content: bytes) -> bytes:
    return struct.pack("<I", masked_checksum(content))
