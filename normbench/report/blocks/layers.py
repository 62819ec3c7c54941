"""Writes std per layer as tables: at the start and the end, with findings, and before a divergence."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from normbench.evidence.layers.last_frames import FrameLine, last_frames
from normbench.evidence.layers.layer_report import LayerLine, LayerReport
from normbench.evidence.layers.surface_report import SIZES, Surface
from normbench.findings import Finding, name_some
from normbench.report.blocks.block import Block, Column, Line, Table, as_lines, keys, words
from normbench.report.blocks.findings import finding_line
from normbench.storage.run_folder import Arm
from normbench.storage.run_status import RunStatus

T = TypeVar("T")
LONG = 12
"""More layers than these are shown by both ends of the network, unless all are asked for."""
ALL_LAYERS = "--layers all"
STD = "std per layer"
CAPTION = {"weight": "weight", "grad": "weight gradient", "activation": "output"}
DRIFTING = ("grows", "shrinks", "vanishes", "explodes")
SURFACE_TITLES = dict(zip(SIZES, ("loss variation", "weight gradient change", "per distance"), strict=True))


def layers_block(report: LayerReport, max_layers: int | None = LONG, *, with_arm: bool = True) -> Block:
    """Return one arm's std per layer, with its findings.

    Args:
        report: The arm's layers.
        max_layers: Most rows of layers; of a longer network both ends are shown. None shows all.
        with_arm: Whether a heading names the arm.
    """
    seeds = "" if report.num_seeds == 1 else f", means over {report.num_seeds} seeds"
    heading = f"{STD} · {report.arm}{seeds}" if with_arm else ""
    return Block(heading, _layer_table(report, max_layers, title="" if with_arm else STD), as_lines([verdict(report)]))


def verdict(report: LayerReport) -> str:
    """Return sentences on layers that vanish, explode or are dead, and on drifting layers without a norm."""
    until = f" up to the last recorded step; {report.num_diverged} diverged after it" if report.num_diverged else ""
    sentences = list(report.findings) or [f"Nothing vanishes, explodes or dies{until}."]
    loose = [line.layer for line in report.lines if line.word in DRIFTING and not line.has_norm]
    # Where a scale drifts, the reader wants to know whether a norm could have held it.
    return " ".join(
        [
            *sentences,
            *([f"{name_some(loose)}: no norm follows {'it' if len(loose) == 1 else 'them'}."] if loose else []),
        ]
    )


def _layer_table(report: LayerReport, max_layers: int | None, title: str) -> Table:
    shown, num_hidden = ends(report.lines, max_layers)

    def of(read: Callable[[LayerLine], Any], gap: str = "") -> list[Any]:
        return [gap if line is None else read(line) for line in shown]

    times = ("start", "end") if report.has_end else ("start",)
    spans = [
        Column(time, of(lambda line, kind=kind, i=i: _std(line, kind, i)), group=group)  # type: ignore[misc]
        for kind, group in CAPTION.items()
        for i, time in enumerate(times)
    ]
    names = keys("", of(lambda line: line.layer, f"... {num_hidden} more"), group=title)
    shapes = words("", of(lambda line: line.shape), group=title, may_drop=True)
    return Table([names, shapes, *spans, words("", of(lambda line: line.word, ALL_LAYERS))])


def _std(line: LayerLine, kind: str, i: int) -> float | None:
    """Return a layer's std; None for the weight of a layer that has none, such as an activation."""
    return line.stds[kind][i] if line.shape or kind == "activation" else None


def ends(lines: Sequence[T], max_rows: int | None) -> tuple[list[T | None], int]:
    """Return both ends of a long list with None between them, and the number left out; a short list is complete."""
    if max_rows is None or len(lines) <= max_rows:
        return list(lines), 0
    first, last = max_rows // 2, (max_rows - 1) // 2
    return [*lines[:first], None, *lines[len(lines) - last :]], len(lines) - first - last


def summary_line(reports: Sequence[LayerReport], found: Sequence[Finding] = ()) -> Line:
    """Return one line on the layers of a study's arms: what stands out, or else how the signal fares.

    Args:
        reports: The layers of each arm.
        found: What stands out among the diagnostics, if they were recorded.
    """
    wrong = [f"{report.arm}: {finding}" for report in reports for finding in report.findings]
    told = [*([_most_common(found)] if found else []), *wrong]
    num_more = len(wrong) + len(found) - 1
    return Line(f"{told[0]}{_more(num_more)}" if told else "nothing vanishes, explodes or dies in any arm", "layers")


def standouts_block(found: Sequence[Finding], *, details: bool = True) -> Block:
    """Return a line for each finding: layers, fault, numbers, way out; without details for the most common alone."""
    nothing = ["Nothing: updates, units, output gradients and running statistics are as they should be."]
    every = [finding_line(one) for one in found]
    told = every if details or not found else [f"{_most_common(found)}{_more(len(found) - 1)}"]
    return Block("what stands out", lines=as_lines(told or nothing))


def _most_common(found: Sequence[Finding]) -> str:
    return finding_line(max(found, key=lambda one: one.num_seeds / one.of_seeds))


def _more(num_more: int) -> str:
    return f" {num_more} more: --details" if num_more > 0 else ""


def surfaces_blocks(found: Sequence[Surface]) -> list[Block]:
    """Return the roughness of the loss along the weight gradient for each arm, and the step sizes taken."""
    walked = dict.fromkeys((tuple(one.step_sizes), tuple(one.multiples)) for one in found)
    return [
        _surface([one for one in found if (tuple(one.step_sizes), tuple(one.multiples)) == each]) for each in walked
    ]


def _surface(alike: Sequence[Surface]) -> Block:
    steps, multiples = (
        ", ".join(f"{size:.3g}" for size in sizes) for sizes in (alike[0].step_sizes, alike[0].multiples)
    )
    spans = [
        Column(time, [one.spans[i][j] for one in alike], group=SURFACE_TITLES[size])
        for i, size in enumerate(SIZES)
        for j, time in enumerate(("start", "end"))
    ]
    arms = [keys("arm", [one.arm for one in alike]), Column("seeds", [one.num_seeds for one in alike])]
    heading = f"loss surface along the weight gradient of a batch, at {steps} of it ({multiples} x lr)"
    return Block(heading, Table([*arms, *spans]))


def divergence_blocks(arm: Arm, max_layers: int | None = LONG) -> list[Block]:
    """Return the last recorded steps of an arm's first diverged run; empty if none diverged."""
    diverged = [run for run in arm.runs if run.summary["status"] == RunStatus.DIVERGED]
    if not diverged:
        return []
    more = f", as did {len(diverged) - 1} more of {len(arm.runs)} seeds" if len(diverged) > 1 else ""
    where = f"seed {diverged[0].seed} diverged at step {diverged[0].summary['step']}{more}"
    heading = f"{arm.name} · {where}; {STD} at the last recorded steps:"
    return [frames_block(heading, last_frames(diverged[0]), max_layers)]


def frames_block(heading: str, frames: Sequence[FrameLine], max_layers: int | None = LONG) -> Block:
    """Return the last recorded steps layer by layer, for a long network at both ends."""
    steps = list(dict.fromkeys(line.step for line in frames))
    by_step = [ends([line for line in frames if line.step == step], max_layers)[0] for step in steps]
    shown = [line for of_step in by_step for line in of_step if line is not None]
    columns = [
        Column("step", [str(line.step) for line in shown], is_key=True),
        keys("layer", [line.layer for line in shown]),
        *(
            Column(title, [getattr(line, name) for line in shown])
            for title, name in (("weight", "weight_std"), ("weight gradient", "grad_std"), ("output", "output_std"))
        ),
    ]
    return Block(heading, Table(columns))
