"""Finds the folders of studies at or in some folders, and reads them, older ones only where there are no others."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from normbench.errors import ComparisonError, OldRunsError, RunFolderError
from normbench.storage.files.links import is_in_without_links, real_path
from normbench.storage.own_metric import declare_own_metrics
from normbench.storage.run_folder import STUDY_JSON
from normbench.storage.shipped_configs import RUN_FIRST
from normbench.storage.study_folder import StudyFolder, read_study


def find_studies(path: Path) -> list[Path]:
    """Return the study folders at or in ``path``, readable or not.

    Raises:
        ComparisonError: There is none.
        RunFolderError: The folder cannot be read.
    """
    if os.path.lexists(path / STUDY_JSON):
        return [path]
    found = _study_folders(path)
    if not found:
        raise ComparisonError(f"{path}: must hold runs of a study, got none. {RUN_FIRST}")
    return found


def read_studies(paths: Sequence[Path], unreadable: list[str] | None = None) -> list[StudyFolder]:
    """Read the study folders at or in some folders, each once; skip those of version 0.1.0 if there are newer ones.

    Args:
        paths: The folders.
        unreadable: Gets a line for each study that cannot be read beside others that can; None refuses it.

    Raises:
        ComparisonError: There is none in one of them, or two have an own metric of one name and of different kinds.
        OldRunsError: All of them are of version 0.1.0.
        RunFolderError: A study cannot be read, and no other can or lines are not asked for.
    """
    folders = list(dict.fromkeys(folder for path in paths for folder in find_studies(path)))
    found, old, damaged = [], list[RunFolderError](), list[RunFolderError]()
    for folder in folders:
        try:
            found.append(read_study(folder))
        except OldRunsError as error:
            old.append(error)
        except RunFolderError as error:
            damaged.append(error)
    if damaged and (not found or unreadable is None):
        raise damaged[0]
    if old and not found:
        raise old[0]
    if unreadable is not None:
        unreadable.extend(map(str, damaged))
    if len(found) > 1:
        declare_own_metrics([arm.settings for study in found for arm in study.arms], "studies")
    return found


def _study_folders(folder: Path) -> list[Path]:
    """Return the folders in a folder that hold a study or cannot be looked into.

    Hidden ones are skipped, which are being removed, and links to others in the same folder, which have names there.
    """
    try:
        names = sorted(name for name in os.listdir(folder) if not name.startswith("."))  # noqa: PTH208
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        rule = "must be a folder this user may read"
        raise RunFolderError(f"{folder}: {rule}, got: {error.strerror}. Name another.") from None
    found = [folder / name for name in names if _may_be_study(f"{folder}/{name}")]
    root = real_path(folder)
    return [one for one in found if is_in_without_links(one, folder) or root not in real_path(one).parents]


def _may_be_study(path: str) -> bool:
    try:
        os.lstat(f"{path}/{STUDY_JSON}")
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        return error.errno != errno.ELOOP
    return True
