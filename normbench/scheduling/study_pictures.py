"""Draws the pictures of a study: fitted curves, and mean curves over seeds for TensorBoard."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

from normbench.report.figures.curve_files import curve_seeds
from normbench.report.figures.curves import draw_curves, save_last
from normbench.scheduling.kept_histograms import seeds_with_curves
from normbench.scheduling.mean_curves import SUMMARY, write_aggregate_curves
from normbench.scheduling.schedule import RunUpdate
from normbench.storage.files.atomic import is_read_only
from normbench.storage.files.json_files import write_text
from normbench.storage.files.links import refuse_links
from normbench.storage.files.reading import read_bytes
from normbench.storage.finished_study import DRAWN_FROM
from normbench.storage.lock import locked, remove_part_files
from normbench.storage.run_folder import SUMMARY_JSON, Arm, Run
from normbench.storage.run_status import RunStatus
from normbench.storage.study_folder import StudyFolder, read_study
from normbench.study.study import Study


def draw_study(
    study: Study, folder: Path, results: Sequence[RunUpdate], tell: Callable[[str], None] = lambda _: None
) -> StudyFolder:
    """Draw every picture that is missing or does not show the present runs, while holding the study's lock.

    Args:
        study: The study as it was run.
        folder: The study's folder.
        results: The updates of its runs.
        tell: Gets a line if pictures are missing in a folder that may only be read, where nothing was made now.

    Returns:
        The study's folder, read after the runs.

    Raises:
        OSError: A picture cannot be written.
        RunFolderError: A run's file is missing or was changed.
    """
    refuse_links(folder)
    try:
        with locked(folder):
            remove_part_files(folder)
            return _draw(study, folder, results)
    except OSError as error:
        if not is_read_only(error) or any(update.status != RunStatus.SKIPPED for update in results):
            raise
    try:
        return _draw(study, folder, results)
    except OSError as error:
        if not is_read_only(error):
            raise
        tell(f"{folder}: must be writable to keep pictures, got: {error.strerror}. They are left out.")
    return read_study(folder)


def _draw(study: Study, folder: Path, results: Sequence[RunUpdate]) -> StudyFolder:
    """Draw what is missing; the caller holds the study's lock, or the folder may only be read."""
    names = {progress.run.folder.parent.name for progress in results}
    found = read_study(folder)
    arms = found.arms
    if all(config.recording.figures for config in study.arms.values()):
        mine = [arm for arm in arms if arm.folder.name in names]
        made = {progress.run.seed for progress in results}.intersection(curve_seeds(mine))
        for seed in sorted(made.intersection(seeds_with_curves(study))):
            _draw_curves(folder, mine, seed)
    _draw_if_changed(folder / SUMMARY, arms, _runs(arms), lambda: write_aggregate_curves(folder, arms))
    return found


def _draw_curves(folder: Path, arms: Sequence[Arm], seed: int) -> None:
    target = folder / "curves" / f"seed-{seed}"

    def draw() -> None:
        from normbench.training.recorders.tensorboard import write_pictures  # imports tensorboardX: 0.1 s

        pictures = draw_curves(arms, seed)
        write_pictures(target, "fitted curves", pictures)
        save_last(pictures, folder / f"curves-seed-{seed}.png")

    _draw_if_changed(target, arms, [run for run in _runs(arms) if run.seed == seed], draw)


def _runs(arms: Sequence[Arm]) -> list[Run]:
    return [run for arm in arms for run in arm.runs]


def _draw_if_changed(target: Path, arms: Sequence[Arm], runs: Sequence[Run], draw: Callable[[], None]) -> None:
    """Draw into a folder, unless its pictures already show these runs."""
    mark, names = target / DRAWN_FROM, "\n".join(f"{arm.name} {arm.folder.name}" for arm in arms)
    content = b"".join(read_bytes(run.folder / SUMMARY_JSON) for run in runs)
    shown = sha256(names.encode() + content).hexdigest()
    if mark.is_file() and read_bytes(mark) == shown.encode():
        return
    refuse_links(target, levels=2)
    mark.unlink(missing_ok=True)
    draw()
    if target.is_dir():
        write_text(mark, shown)
