"""Writes event files of a whole study: its pictures, and its mean curves."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tensorboardX.proto.summary_pb2 import Summary

from normbench.storage.files.atomic import make_folder
from normbench.storage.files.flushing import flush_folder
from normbench.storage.scalar_tags import scalar_tag
from normbench.training.recorders.event_file import EventFile
from normbench.training.recorders.event_values import scalar_values


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
            events.write(scalar_values(by_step[step]), step)


@contextmanager
def _new_event_file(folder: Path) -> Iterator[EventFile]:
    make_folder(folder)
    for old in folder.glob("events.*"):
        old.unlink()
    with EventFile(folder) as events:
        yield events
    flush_folder(folder)
