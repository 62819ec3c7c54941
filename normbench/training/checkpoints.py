"""Saves, checks and restores checkpoints, which hold the whole state of a run between two steps."""

import io
from collections.abc import Callable, Mapping, MutableMapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from normbench.any_module.other_generators import OF_NUMPY, OF_PYTHON, HasState
from normbench.any_module.random_states import generators, set_random_states, states_of
from normbench.storage.files.atomic import name_in_errors, rename, replacing
from normbench.storage.files.flushing import Flush, flush_file
from normbench.storage.files.reading import read_bytes
from normbench.storage.run_folder import CHECKPOINT, CHECKPOINT_BEFORE, METRICS_CSV
from normbench.training.own_attributes import own_attributes, set_own_attributes
from normbench.training.training_objects import Training, TrainingProgress

GROWING_FILES = ("*.csv", "events.*")
"""Files of a run that only grow; a checkpoint holds the size of each."""
DIGEST_BYTES = 32

Marks = dict[str, tuple[int, str]]
"""Size in bytes of each growing file, and the sha256 of these bytes, by file name."""


def training_state(training: Training, progress: TrainingProgress) -> dict[str, Any]:
    """Return everything that decides the rest of a run, in types that ``torch.load`` reads without running code."""
    return {
        "progress": vars(progress) | {"losses": list(progress.losses)},
        "model": _as_own(training.model.state_dict()),
        "attributes": own_attributes(training.model),
        "optimizer": _optimizer_state(training.optimizer),
        "batches": training.batches.state_dict(),
        "random": [state for _, state in states_of(_generators(training))],
    }


def _optimizer_state(optimizer: Optimizer) -> dict[str, Any]:
    known = optimizer.state_dict()  # its inner mappings are the optimizer's own
    return known | {"state": {number: _as_own(dict(kept)) for number, kept in known["state"].items()}}


def _as_own(tensors: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace tensors by copies where they are a part of a larger one, as in a stack: torch would save the whole."""
    for name, value in tensors.items():
        if isinstance(value, Tensor) and value.untyped_storage().nbytes() > value.nbytes:
            tensors[name] = value.clone()
    return tensors


def restore_training(training: Training, state: Mapping[str, Any]) -> TrainingProgress:
    """Restore the objects of a run from a checkpoint; return the progress.

    Raises:
        AttributeError, LookupError, RuntimeError, TypeError, ValueError: The state does not fit these objects.
    """
    if state["progress"].keys() != vars(TrainingProgress()).keys():
        raise ValueError("progress: must hold the fields of this version")
    training.model.load_state_dict(state["model"])
    set_own_attributes(training.model, state["attributes"])
    training.optimizer.load_state_dict(state["optimizer"])
    training.batches.load_state_dict(state["batches"])
    known = [of_one.cpu() for of_one in state["random"]]
    set_random_states(list(zip(_generators(training), known, strict=True)))
    return TrainingProgress(**state["progress"])


def _generators(training: Training) -> list[HasState]:
    """Return all that a run may draw from: a loss of the user's may draw from numpy, whatever the model is."""
    return list(dict.fromkeys([*generators(training.model), OF_PYTHON, OF_NUMPY]))


def save_checkpoint(folder: Path, content: Mapping[str, Any]) -> None:
    """Write a checkpoint by rename, with its sha256 at its end; the one before it is kept.

    Args:
        folder: The run's folder.
        content: The result of ``training_state``, and further entries.
    """
    buffer = io.BytesIO()
    torch.save({**content, "marks": _marks(folder)}, buffer)
    for path in _growing_files(folder):
        with name_in_errors(path):
            flush_file(path)
    with replacing(folder / CHECKPOINT) as part:
        part.write_bytes(buffer.getvalue() + sha256(buffer.getbuffer()).digest())
        if (folder / CHECKPOINT).exists():
            (folder / CHECKPOINT).replace(folder / CHECKPOINT_BEFORE)


class CheckpointDamaged(Exception):  # noqa: N818 - no error: the run starts again
    """There are checkpoints, but none can be restored."""


def saved_steps(folder: Path, identity: str) -> list[int]:
    """Return the updates made in each usable checkpoint of this identity, the newest first; no file is changed."""
    found = [_read_checkpoint(path) for path in (folder / CHECKPOINT, folder / CHECKPOINT_BEFORE) if path.exists()]
    mine = [content for content in found if content and content.get("identity") == identity]
    return [content["progress"]["step"] for content in mine if _files_at(folder, content["marks"]) is not None]


def load_checkpoint(
    folder: Path, identity: str, note: Callable[[str], None] = lambda _: None, *, from_step: int | None = None
) -> dict[str, Any] | None:
    """Read the newest usable checkpoint and truncate the run's files to it; return None if there is none.

    Args:
        folder: The run's folder.
        identity: The identity that the checkpoint must hold.
        note: Gets a line if the newest checkpoint is damaged and the one before is used.
        from_step: Take the checkpoint after this many updates alone, as the runs of one stack must.

    Raises:
        CheckpointDamaged: All checkpoints are damaged, or the run's files are.
    """
    rule, damaged = "must be as it was written, beside the files it was written with", ""
    for path in (folder / CHECKPOINT, folder / CHECKPOINT_BEFORE):
        content = _read_checkpoint(path) if path.exists() else {}
        if content is not None and (content.get("identity") != identity or not _is_of(content, from_step)):
            continue  # there is none, or it belongs to another run
        if content and _truncate_files(folder, content["marks"]):
            if damaged:
                note(f"{damaged} The run goes on from the one before it.")
            if path.name != CHECKPOINT:
                rename(path, folder / CHECKPOINT)  # a newer one, not used, must not come between this and the next
            return content
        damaged = damaged or f"{path}: {rule}, got something else."
    if damaged:
        raise CheckpointDamaged(damaged)
    return None


def _is_of(content: Mapping[str, Any], step: int | None) -> bool:
    return step is None or content["progress"]["step"] == step


def _read_checkpoint(path: Path) -> dict[str, Any] | None:
    try:
        raw = read_bytes(path, max_bytes=None)
        if sha256(raw[:-DIGEST_BYTES]).digest() != raw[-DIGEST_BYTES:]:
            return None
        content = torch.load(io.BytesIO(raw[:-DIGEST_BYTES]), weights_only=True)
    except Exception:  # noqa: BLE001 - an unreadable file is no checkpoint, for whatever reason
        return None
    return content if isinstance(content, dict) else None


def _growing_files(folder: Path) -> list[Path]:
    return [path for pattern in GROWING_FILES for path in folder.glob(pattern)]


def _marks(folder: Path) -> Marks:
    contents = {path.name: read_bytes(path, max_bytes=None) for path in _growing_files(folder)}
    return {name: (len(raw), sha256(raw).hexdigest()) for name, raw in contents.items()}


def _files_at(folder: Path, marks: Marks) -> dict[str, bytes] | None:
    """Return the content of each growing file as it was at a checkpoint; None if one has other bytes."""
    kept = {
        path.name: read_bytes(path, max_bytes=None)[: marks[path.name][0]]
        for path in _growing_files(folder)
        if path.name in marks
    }
    is_other = any(name not in kept or sha256(kept[name]).hexdigest() != digest for name, (_, digest) in marks.items())
    return None if is_other or METRICS_CSV not in marks else kept


def _truncate_files(folder: Path, marks: Marks) -> bool:
    """Truncate each file to its size at the checkpoint; return False and change nothing if one has other bytes.

    Each file is replaced by a new one, so that a process that still has the old one open cannot write to it.
    """
    kept = _files_at(folder, marks)
    if kept is None:
        return False
    for path in _growing_files(folder):
        if path.name not in kept:
            path.unlink()
    for name, raw in kept.items():
        with replacing(folder / name, Flush.CONTENT) as part:
            part.write_bytes(raw)
    return True
