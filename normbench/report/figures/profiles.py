"""Draws performance profiles: of each arm the share of runs, over all tasks, whose score is above a threshold."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from normbench.errors import ComparisonError
from normbench.evidence.comparison.pool import Pool
from normbench.evidence.statistics.run_scores import performance_profile
from normbench.report.blocks.numbers import metric_title
from normbench.report.figures.comparison import COLORS, MAX_LINES, STYLES, check_path, write_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

MAX_THRESHOLDS = 200


def save_profiles(path: Path, pool: Pool) -> None:
    """Draw the arms' performance profiles into a file; equal runs give equal bytes.

    Args:
        path: A PNG or SVG file.
        pool: The arms over all tasks.

    Raises:
        ComparisonError: The metric has no scores, there are too many arms, or the file cannot be written.
    """
    check_path(path)
    arms = [arm for arm in pool.arms if arm.scores]
    if not arms:
        rule = "with --pool it must be of a loss or an accuracy that the constant predictor has too"
        raise ComparisonError(f"--plot {path}: {rule}, got {pool.metric!r}. Add --metric test_loss.")
    if len(arms) > MAX_LINES:
        rule = f"must hold at most {MAX_LINES} lines, got {len(arms)}"
        raise ComparisonError(f"--plot {path}: {rule}. Choose with --where.")
    write_picture(_draw(pool), path)


def _draw(pool: Pool) -> "Picture":
    from matplotlib.figure import Figure as Picture  # a second to import; only where a picture is drawn

    picture = Picture(figsize=(7.0, 4.7), dpi=120, layout="constrained")
    axes = picture.subplots()
    arms = [arm for arm in pool.arms if arm.scores]
    thresholds = _thresholds([score for arm in arms for of in arm.scores for score in of])
    for i, arm in enumerate(arms):
        profile = performance_profile(arm.scores, thresholds)
        x = [100 * threshold for threshold in thresholds]
        color, style = COLORS[i % len(COLORS)], STYLES[i // len(COLORS)]
        axes.step(x, profile.shares, style, where="post", color=color, lw=1.8, label=arm.arm)
        axes.fill_between(x, profile.lows, profile.highs, step="post", color=color, alpha=0.15, lw=0)
    axes.set(ylim=(0, 1.02), xlabel=_x_label(pool), ylabel="share of runs above the score")
    axes.grid(alpha=0.25, lw=0.6)
    picture.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    picture.suptitle(f"{len(pool.tasks)} tasks: {', '.join(pool.tasks)}", fontsize=11, wrap=True)
    return picture


def _thresholds(scores: Sequence[float]) -> list[float]:
    """Return the scores at which a profile falls, with one before the first; of many an even grid."""
    low, high = min(scores), max(scores)
    steps = sorted(set(scores))
    if len(steps) > MAX_THRESHOLDS:
        steps = [low + (high - low) * i / MAX_THRESHOLDS for i in range(MAX_THRESHOLDS + 1)]
    return [low - 0.02 * (high - low), *steps]


def _x_label(pool: Pool) -> str:
    return f"score of {metric_title(pool.metric)}: 0 the constant predictor, 100 no error"
