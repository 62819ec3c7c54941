"""Makes the sections on what the layers do: std over layers and steps, distributions, what stands out."""

from collections.abc import Callable, Iterable
from functools import partial

from normbench.report.blocks.block import Block, as_lines
from normbench.report.blocks.layers import standouts_block
from normbench.report.charts.distributions import draw_distributions
from normbench.report.charts.heat_map import draw_layers
from normbench.report.pages.html.section import FoldedPart, Part, Section, block_parts, charts_parts
from normbench.report.pages.html.study_report import StudyReport
from normbench.storage.run_folder import Arm

QUANTITIES = ("output std", "gradient std")
KINDS = ("weight", "grad")
OWN_SHADES = "Each chart has shades of its own: compare charts by the numbers below them, not by their colours."
MAX_OPEN = 3
"""Arms whose charts are not folded."""


def layer_sections(report: StudyReport) -> list[Section]:
    """Return the sections on the layers, those that have something to show."""
    charts = _per_arm(report, partial(_stds, report))
    about = [Block(lines=as_lines([OWN_SHADES]))] if len(charts) > 1 else []
    stds = [*block_parts(about), *charts, *block_parts(_standouts(report))]
    sections = [
        Section("layers", "Std per layer, forward and backward", stds),
        Section("distributions", "Weights and gradients of each layer", _per_arm(report, _distributions)),
    ]
    return [section for section in sections if section.parts]


def _per_arm(report: StudyReport, draw: Callable[[Arm], Iterable[str]]) -> list[Part]:
    """Return the charts of each drawn arm; of many arms those after the first few are folded."""
    parts: list[Part] = []
    for number, arm in enumerate(report.drawn_arms):
        charts = charts_parts(draw(arm))
        parts += [FoldedPart(arm.name, charts)] if charts and number >= MAX_OPEN else charts
    return parts


def _stds(report: StudyReport, arm: Arm) -> Iterable[str]:
    return (draw_layers(arm, quantity, report.findings[arm.name]) for quantity in QUANTITIES)


def _distributions(arm: Arm) -> Iterable[str]:
    return (draw_distributions(arm, kind) for kind in KINDS)


def _standouts(report: StudyReport) -> list[Block]:
    found = [one for of_arm in report.findings.values() for one in of_arm]
    return [standouts_block(found)] if found or report.has_diagnostics else []
