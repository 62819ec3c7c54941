"""Computes the sha256 of each file of a run, and finds the file that is missing or was changed."""

from pathlib import Path

from normbench.errors import RunFolderError
from normbench.storage.files.reading import sha256_of
from normbench.storage.run_folder import HISTOGRAMS_NPZ, Run


def find_damage(folder: Path) -> str:
    """Return which file of a finished run is missing or changed, as a sentence; "" if none is."""
    run = Run(folder, int(folder.name.removeprefix("seed-")))
    try:
        run.check_files()
    except RunFolderError as error:
        return str(error).partition(". ")[0] + "."
    return ""


def csv_digests(folder: Path) -> dict[str, str]:
    """Return the sha256 of each CSV file of a run."""
    return {path.name: sha256_of(path) for path in sorted(folder.glob("*.csv"))}


def sealed_digests(folder: Path) -> dict[str, str]:
    """Return the sha256 of each file of a run whose damage is found by it: the CSV files and the histograms."""
    path = folder / HISTOGRAMS_NPZ
    return csv_digests(folder) | ({path.name: sha256_of(path)} if path.exists() else {})
