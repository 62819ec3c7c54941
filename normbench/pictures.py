"""What is drawn of a study from its runs: fitted curves, and mean curves over seeds for TensorBoard."""

import json
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path

from normbench.evidence.claiming import locked, sweep
from normbench.evidence.json_files import write_json
from normbench.evidence.run_folder import SUMMARY_JSON, Arm, Run
from normbench.evidence.study_folder import read_study_arms
from normbench.report.figures import curve_seeds, draw_curves, save_last
from normbench.study import Study
from normbench.training.aggregate_curves import write_aggregate_curves
from normbench.training.tensorboard_log import write_pictures

DRAWN_JSON = "drawn.json"
"""In a study's folder: from which results each picture was drawn, so that one cut off is drawn again."""


def draw_study(study: Study, folder: Path) -> None:
    """Draw whatever was not drawn yet from the results that are there now; one command at a time.

    Args:
        study: As it was run.
        folder: Its folder.

    Raises:
        RunFolderError: A run's file is missing or was changed.
    """
    with locked(folder):
        sweep(folder)
        arms = read_study_arms(folder)[1]
        drawn = _drawn(folder)
        if all(config.recording.figures for config in study.arms.values()):
            mine = {config.hash() for config in study.arms.values()}
            _draw_curves(folder, [arm for arm in arms if arm.hash in mine], drawn)
        if drawn.get("mean") != (now := _state(run for arm in arms for run in arm.runs)):
            write_aggregate_curves(folder, arms)
            _note(folder, drawn, "mean", now)


def _draw_curves(folder: Path, arms: Sequence[Arm], drawn: dict[str, str]) -> None:
    for seed in sorted(curve_seeds(arms)):
        name, now = f"curves, seed {seed}", _state(run for arm in arms for run in arm.runs if run.seed == seed)
        if drawn.get(name) != now:
            pictures = draw_curves(arms, seed)
            save_last(pictures, folder / f"curves-seed-{seed}.png")
            write_pictures(folder / "curves" / f"seed-{seed}", "fitted curves", pictures)
            _note(folder, drawn, name, now)


def _drawn(folder: Path) -> dict[str, str]:
    try:
        known = json.loads((folder / DRAWN_JSON).read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _note(folder: Path, drawn: dict[str, str], name: str, state: str) -> None:
    drawn[name] = state
    write_json(folder / DRAWN_JSON, drawn)


def _state(runs: Iterable[Run]) -> str:
    """Return what changes when a run is added, taken away or made again."""
    folders = sorted(run.folder for run in runs)
    told = [f"{path.parent.name} {path.name} {(path / SUMMARY_JSON).stat().st_mtime_ns}" for path in folders]
    return sha256("\n".join(told).encode()).hexdigest()
