"""What is drawn of a study once its runs are there: fitted curves, and mean curves over seeds for TensorBoard."""

from collections.abc import Collection, Sequence
from pathlib import Path

from normbench.evidence.claiming import locked
from normbench.evidence.study_folder import read_study_arms
from normbench.report.figures import curve_seeds, draw_curves, save_last
from normbench.scheduling import Progress
from normbench.study import Study
from normbench.training.aggregate_curves import SUMMARY, write_aggregate_curves
from normbench.training.tensorboard_log import write_pictures


def draw_study(study: Study, folder: Path, results: Sequence[Progress]) -> None:
    """Draw anew what the runs just made have changed; one command at a time.

    Args:
        study: As it was run.
        folder: Its folder.
        results: What became of its runs.

    Raises:
        RunFolderError: A run's file is missing or was changed.
    """
    fresh = {progress.run.seed for progress in results if progress.status != "skipped"}
    names = {progress.run.folder.parent.name for progress in results}
    with locked(folder):
        if fresh and all(config.recording.figures for config in study.arms.values()):
            _draw_curves(folder, names, fresh)
        if fresh or not (folder / SUMMARY).exists():
            write_aggregate_curves(folder, read_study_arms(folder)[1])


def _draw_curves(folder: Path, names: Collection[str], fresh: Collection[int]) -> None:
    arms = [arm for arm in read_study_arms(folder)[1] if arm.folder.name in names]
    for seed in sorted(set(fresh).intersection(curve_seeds(arms))):
        pictures = draw_curves(arms, seed)
        save_last(pictures, folder / f"curves-seed-{seed}.png")
        write_pictures(folder / "curves" / f"seed-{seed}", "fitted curves", pictures)
