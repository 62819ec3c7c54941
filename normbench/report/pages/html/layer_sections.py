"""Makes the sections on what the layers do: std over layers and steps, distributions, what stands out."""

from collections.abc import Callable, Iterator

from normbench.report.blocks.block import Block
from normbench.report.blocks.layers import standouts_block
from normbench.report.charts.distributions import draw_distributions
from normbench.report.charts.heat_map import draw_layers
from normbench.report.pages.html.section import ChartPart, FoldedPart, Part, Section, block_parts
from normbench.report.pages.html.study_report import StudyReport
from normbench.storage.run_folder import Arm

FORWARD, BACKWARD = "output std", "gradient std"
DISTRIBUTIONS = {"weight": "weights", "grad": "gradients of the weights"}
MAX_OPEN = 3
"""Arms whose charts are not folded."""


def layer_sections(report: StudyReport) -> list[Section]:
    """Return the sections on the layers, those that have something to show."""
    heat_maps = [*_per_arm(report, lambda arm: _heat_maps(report, arm)), *block_parts(_standouts(report))]
    sections = [
        Section("layers", "Std per layer, forward and backward", heat_maps),
        Section("distributions", "Weights and gradients of each layer", _per_arm(report, _distributions)),
    ]
    return [section for section in sections if section.parts]


def _per_arm(report: StudyReport, draw: Callable[[Arm], Iterator[ChartPart]]) -> list[Part]:
    """Return the charts of each drawn arm; of many arms those after the first few are folded."""
    parts: list[Part] = []
    for number, arm in enumerate(report.drawn_arms):
        charts = list(draw(arm))
        is_folded = number >= MAX_OPEN and bool(charts)
        parts += [FoldedPart(arm.name, charts)] if is_folded else charts
    return parts


def _heat_maps(report: StudyReport, arm: Arm) -> Iterator[ChartPart]:
    for quantity in (FORWARD, BACKWARD):
        svg = draw_layers(arm, quantity, report.findings.get(arm.name, ()))
        if svg:
            yield ChartPart(svg, f"{arm.name}: {quantity} of each layer over the steps.")


def _distributions(arm: Arm) -> Iterator[ChartPart]:
    for kind, words in DISTRIBUTIONS.items():
        svg = draw_distributions(arm, kind)
        if svg:
            yield ChartPart(svg, f"{arm.name}: {words} of each layer over the steps.")


def _standouts(report: StudyReport) -> list[Block]:
    found = [one for of_arm in report.findings.values() for one in of_arm]
    return [standouts_block(found)] if report.findings else []
