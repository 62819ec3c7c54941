"""Draws one picture per study: each claim's effect with its interval and its margin."""

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from normbench.evidence.claims.margin_test import ExpectationResult
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.report.blocks.claims import effect_with_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, RED, ORANGE = "#0072B2", "#D55E00", "#E69F00"
COLOURS = {"holds": BLUE, "opposite": RED, "smaller than claimed": ORANGE, "supported": BLUE, "refuted": RED}
"""Kept verdicts of version 0.1.0 are supported or refuted."""
OTHER = "#777777"
MAX_PARTS = 14


def draw_claims(verdicts: Sequence[ClaimVerdict]) -> bytes:
    """Return an SVG with one line per tested expectation; equal verdicts give equal bytes."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    parts = [(verdict, part) for verdict in verdicts for part in verdict.parts][:MAX_PARTS]
    with mpl.rc_context({"svg.hashsalt": "normbench", "svg.fonttype": "none", "font.size": 8}):
        height = 0.35 + 0.52 * max(1, len(parts))
        figure, grid = plt.subplots(max(1, len(parts)), 1, figsize=(7.2, height), squeeze=False, layout="constrained")
        for (axes,), (verdict, part) in zip(grid, parts, strict=False):
            _draw_part(axes, verdict, part)
        if not parts:
            grid[0][0].axis("off")
            grid[0][0].text(0.5, 0.5, verdicts[0].verdict, ha="center", va="center")
        file = BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
        plt.close(figure)
    return file.getvalue()


def _draw_part(axes: "Axes", verdict: ClaimVerdict, part: ExpectationResult) -> None:
    """Draw an interval, its margins as dashed lines, and "no effect" as a dotted line."""
    colour = COLOURS.get(part.verdict, OTHER)
    axes.plot([part.low, part.high], [0, 0], color=colour, linewidth=2.5, solid_capstyle="butt")
    axes.plot([part.effect], [0], "o", color=colour, markersize=5)
    for margin in part.margins:
        axes.axvline(margin, color="black", linestyle="--", linewidth=0.8)
    axes.axvline(1.0 if part.is_share else 0.0, color=OTHER, linestyle=":", linewidth=0.8)
    axes.set_yticks([])
    axes.tick_params(labelsize=6, length=2, pad=1)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    title = f"{verdict.id}  {_shortened(part.expectation)}  ·  {_shortened(part.metric, 36)}"
    axes.set_title(title, loc="left", fontsize=7, pad=2)
    axes.set_title(f"{effect_with_interval(part)}  {part.verdict}", loc="right", fontsize=7, pad=2, color=colour)


def _shortened(text: str, length: int = 46) -> str:
    return text if len(text) <= length else f"{text[: length - 3]}..."
