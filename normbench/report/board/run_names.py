"""Names runs as TensorBoard shows them: study/arm/seed, with digits of the identity only where arms share a name."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from normbench.storage.choices import TUNING
from normbench.storage.run_states import ArmFolder, RunState

CURVES, SUMMARY = "curves", "summary"
"""Folders of a study with its fitted curves, and with the mean curves over the seeds of its arms."""
_DIGITS = re.compile(r"-[0-9a-f]{6,12}$")


def served_folders(runs: Sequence[RunState]) -> dict[str, Path]:
    """Return the folders of runs, of their arms' mean curves and of their studies' fitted curves, by the shown name."""
    arms = arm_names(run.arm for run in runs)
    found = {f"{arms[run.arm]}/{run.name}": run.folder for run in runs}
    studies = {arm.study_folder: name.partition("/")[0] for arm, name in arms.items()}
    for folder, study in studies.items():
        shown = {name for arm, name in arms.items() if arm.study_folder == folder}
        found |= {name: path for name, path in _mean_curves(folder, study).items() if name.rpartition("/")[0] in shown}
        seeds = {run.name for run in runs if run.arm.study_folder == folder}
        drawn = [path for path in _folders_in(folder / CURVES) if path.name in seeds]
        found |= {f"{study}/fitted curves/{path.name}": path for path in drawn}
    return found


def arm_names(arms: Iterable[ArmFolder]) -> dict[ArmFolder, str]:
    """Return the name of each arm, its study's name before it."""
    arms = list(dict.fromkeys(arms))
    studies = study_names(arm.study_folder for arm in arms)
    short = {arm: _joined(studies[arm.study_folder], arm, _DIGITS.sub("", arm.name)) for arm in arms}
    times = Counter(short.values())
    whole = {arm: _joined(studies[arm.study_folder], arm, arm.name) for arm in arms}
    return {arm: name if times[name] == 1 else whole[arm] for arm, name in short.items()}


def study_names(folders: Iterable[Path]) -> dict[Path, str]:
    """Return the name of each study's folder; of several of one name all but the first get a number.

    Example:
        >>> list(study_names([Path("a/lenet"), Path("b/lenet")]).values())
        ['lenet', 'lenet (2)']
    """
    seen, found = Counter[str](), dict[Path, str]()
    for folder in dict.fromkeys(folders):
        seen[folder.name] += 1
        found[folder] = folder.name if seen[folder.name] == 1 else f"{folder.name} ({seen[folder.name]})"
    return found


def _joined(study: str, arm: ArmFolder, name: str) -> str:
    return f"{study}/{TUNING}/{name}" if arm.is_tuning else f"{study}/{name}"


def _mean_curves(folder: Path, study: str) -> Mapping[str, Path]:
    arms = _folders_in(folder / SUMMARY)
    return {f"{study}/{arm.name}/{path.name}": path for arm in arms for path in _folders_in(arm)}


def _folders_in(folder: Path) -> list[Path]:
    """Return the folders in a folder that are no links; none where there is no such folder."""
    if folder.is_symlink() or not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink())
