"""The picture of README.md: std per layer of a LeNet with and without batch norm, before and after training."""

import csv
import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path

from docs_blocks import outputs
from docs_blocks.markdown import ROOT
from normbench.report.figures.comparison import write_picture

PICTURE = Path("docs/pictures/lenet_layers.svg")
ALT = "std per layer of a LeNet with and without batch norm, before and after training, means over 8 seeds"
PANELS = {"weight": "weight", "grad": "weight gradient", "activation": "output"}
COLORS = {"batch_norm": "#0072b2", "none": "#d55e00"}
ENDS = {"start": "--", "end": "-"}

Stds = Mapping[tuple[str, str, str], Mapping[str, float]]
"""By arm, kind and end: std by layer, the geometric mean over seeds."""


def layers(study: str) -> str:
    """Draw the picture from the runs of a study that a command above has made, and return the line that shows it."""
    if outputs.is_made_anew():
        draw(read(outputs.folder() / "runs" / study))
    return f"![{ALT}]({PICTURE.as_posix()})"


def read(study: Path) -> Stds:
    found: dict[tuple[str, str, str], dict[str, list[float]]] = {}
    for path in sorted(study.glob("*/seed-*/layer_stats.csv")):
        arm = next(name for name in COLORS if name in path.parts[-3])
        with path.open(encoding="utf-8", newline="") as file:
            add(found, arm, [row for row in csv.DictReader(file) if "." not in row["layer"]])
    assert {arm for arm, _, _ in found} == set(COLORS)
    return {key: {layer: statistics.geometric_mean(stds) for layer, stds in of.items()} for key, of in found.items()}


def add(found: dict, arm: str, rows: Iterable[Mapping[str, str]]) -> None:
    """Keep the first and the last recorded step of one run."""
    rows = [row for row in rows if row["kind"] in PANELS]
    steps = sorted({int(row["step"]) for row in rows})
    for end, step in zip(ENDS, (steps[0], steps[-1]), strict=True):
        for row in rows:
            if int(row["step"]) == step:
                found.setdefault((arm, row["kind"], end), {}).setdefault(row["layer"], []).append(float(row["std"]))


def draw(stds: Stds) -> None:
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    picture = Figure(figsize=(8, 2.9), layout="constrained")
    for axes, (kind, title) in zip(picture.subplots(1, len(PANELS)), PANELS.items(), strict=True):
        for arm, color in COLORS.items():
            for end, style in ENDS.items():
                of = stds[arm, kind, end]
                axes.plot(list(of), list(of.values()), style, color=color, marker=".", lw=1.5, label=f"{arm}, {end}")
        axes.set(yscale="log", title=title)
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda std, _: f"{std:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.grid(alpha=0.25, lw=0.6)
        axes.tick_params(labelsize=8)
    picture.axes[0].set_ylabel("std")
    handles, labels = picture.axes[0].get_legend_handles_labels()
    picture.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    with mpl.rc_context({"svg.fonttype": "none"}):
        write_picture(picture, ROOT / PICTURE)
