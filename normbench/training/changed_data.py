"""Refuses to train on data that are no longer those that the study was loaded with."""

from normbench.datasets.base import DatasetSpec
from normbench.errors import RunFailedError
from normbench.storage.identity import RunIdentity

NUM_DIGITS_SHOWN = 8


def refuse_changed_data(dataset: DatasetSpec, identity: RunIdentity) -> None:
    """Read the data, and compare what they hold with what a run is to be made of.

    Raises:
        RunFailedError: They have changed.
    """
    for name, digest in dataset.digests().items():
        known = identity.digests.get(name, "")
        if digest != known:
            shown = f"{known[:NUM_DIGITS_SHOWN]} -> {digest[:NUM_DIGITS_SHOWN]}"
            is_own = dataset.name == "own"  # its code may draw other numbers each time
            way_out = "Run again; a source that draws must seed what it draws." if is_own else "Run again."
            raise RunFailedError(f"{name}: must stay as it was when the command began, it changed ({shown}). {way_out}")
