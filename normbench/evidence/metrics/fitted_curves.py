"""The last fitted curve of a run of one-dimensional regression, and the true line, on one grid of points."""

from collections.abc import Sequence

from normbench.errors import RunFolderError
from normbench.evidence.metrics.diverged import is_diverged
from normbench.evidence.statistics.means import mean_of
from normbench.storage.contents.csv_table import STEP
from normbench.storage.run_folder import CURVE_CSV, POINTS_CSV, Run


def truth_of(run: Run) -> list[float]:
    """Return the true line at each point of the grid; nothing where a run has no fitted curve."""
    return _targets(run, "noise_free")


def final_curves(runs: Sequence[Run]) -> list[list[float]]:
    """Return each run's last fit on the grid that all share; of a diverged run the constant predictor's.

    Raises:
        RunFolderError: A run has another grid.
    """
    return [_final_curve(run, len(truth_of(runs[0]))) for run in runs]


def _final_curve(run: Run, size: int) -> list[float]:
    if is_diverged(run):
        return [mean_of(_targets(run, "train"))] * size
    table = run.table(CURVE_CSV)
    found = [table.all_numbers(column)[-1] for column in table.columns if column != STEP and len(table)]
    if len(found) != size:
        rule = f"must have the {size} points of the grid on which all seeds are drawn, and a step"
        raise RunFolderError(f"{table.place}: {rule}, got {len(found)}. {table.way_out}")
    return found


def _targets(run: Run, split: str) -> list[float]:
    points = run.table(POINTS_CSV)
    return [y for of, y in zip(points.words("split"), points.all_numbers("y"), strict=True) if of == split]
