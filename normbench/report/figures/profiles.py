"""Draws performance profiles: of each arm the share of runs, over all tasks, whose score is above a threshold."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from normbench.errors import ComparisonError
from normbench.evidence.comparison.pool import Pool
from normbench.evidence.statistics.run_scores import performance_profile
from normbench.report.blocks.numbers import metric_title
from normbench.report.figures.dots import FEWEST_SEEDS
from normbench.report.figures.looks import MAX_LOOKS, Look, looks_of
from normbench.report.figures.sheet import EDGE, FOOT, Sheet, axis_label, drawing
from normbench.report.figures.words import seeds_text
from normbench.report.figures.writing import check_path, write_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Picture

MAX_THRESHOLDS = 200
SIZE = (7.0, 3.9)
NUM_MARKERS = 8


def save_profiles(path: Path, pool: Pool) -> None:
    """Draw the arms' performance profiles into a file; equal runs give equal bytes.

    Args:
        path: A PNG, SVG or PDF file.
        pool: The arms over all tasks.

    Raises:
        ComparisonError: The metric has no scores, there are too many arms, or the file cannot be written.
    """
    check_path(path)
    arms = [arm for arm in pool.arms if arm.scores]
    if not arms:
        rule = "with --pool it must be of a loss or an accuracy that the constant predictor has too"
        raise ComparisonError(f"--plot {path}: {rule}, got {pool.metric!r}. Add --metric test_loss.")
    if len(arms) > MAX_LOOKS:
        rule = f"must hold at most {MAX_LOOKS} lines, got {len(arms)}"
        raise ComparisonError(f"--plot {path}: {rule}. Choose with --where.")
    write_picture(draw_profiles(pool), path)


def draw_profiles(pool: Pool) -> "Picture":
    """Return the picture."""
    arms = {arm.arm: arm.scores for arm in pool.arms if arm.scores}
    looks = looks_of(arms)
    thresholds = _thresholds([score for scores in arms.values() for of in scores for score in of])
    fewest = min(len(of) for scores in arms.values() for of in scores)
    with drawing():
        title, says = f"{len(pool.tasks)} tasks: {', '.join(pool.tasks)}", _says(list(arms.values()))
        sheet = Sheet(title, says, SIZE, entries=looks)
        (axes,) = sheet.axes
        for arm, scores in arms.items():
            _draw_arm(axes, scores, thresholds, looks[arm], with_band=fewest >= FEWEST_SEEDS)
        axes.set_ylim(0, 1)
        axis_label(axes, "x", f"score of {metric_title(pool.metric)}: 0 the constant predictor, 100 no error", 6.0)
        axis_label(axes, "y", "share of runs above the score", SIZE[1] - 1)
        axes.grid(alpha=0.25, lw=0.6)
        sheet.place_all(EDGE, FOOT + EDGE)
        return sheet.finished()


Scores = Sequence[Sequence[float]]
"""The scores of an arm's seeds in each task."""


def _draw_arm(axes: "Axes", scores: Scores, thresholds: Sequence[float], look: Look, *, with_band: bool) -> None:
    profile = performance_profile(scores, thresholds)
    x, every = [100 * threshold for threshold in thresholds], max(1, len(thresholds) // NUM_MARKERS)
    options: dict[str, Any] = {
        "ls": look.dash,
        "color": look.colour,
        "marker": look.marker,
        "markevery": every,
        "ms": 4,
    }
    axes.step(x, profile.shares, where="post", lw=1.8, clip_on=False, **options)
    if with_band:
        axes.fill_between(x, profile.lows, profile.highs, step="post", color=look.colour, alpha=0.15, lw=0)


def _says(arms: Sequence[Scores]) -> str:
    counts = [len(of) for scores in arms for of in scores]
    runs = seeds_text([sum(map(len, scores)) for scores in arms]).replace("seed", "run")
    band = "band: 95 % interval" if min(counts) >= FEWEST_SEEDS else f"no interval below {FEWEST_SEEDS} seeds"
    return f"Share of {runs} of an arm, each task with the same weight; {band}."


def _thresholds(scores: Sequence[float]) -> list[float]:
    """Return the scores at which a profile falls, with one before the first; of many an even grid."""
    low, high = min(scores), max(scores)
    steps = sorted(set(scores))
    if len(steps) > MAX_THRESHOLDS:
        steps = [low + (high - low) * i / MAX_THRESHOLDS for i in range(MAX_THRESHOLDS + 1)]
    return [low - 0.02 * (high - low), *steps]
