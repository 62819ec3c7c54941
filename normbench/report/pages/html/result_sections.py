"""Makes the sections on a study's result: effects, table, losses over the steps, table by two settings."""

from dataclasses import replace

from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.telling_arms import first_arms, ranked_rows
from normbench.report.blocks.arm_table import comparison_table, finite_heading
from normbench.report.blocks.block import Block, Line, as_lines
from normbench.report.blocks.comparison import footnote, notes_blocks
from normbench.report.blocks.finite_words import what_narrows
from normbench.report.blocks.next_steps import evidence_block
from normbench.report.blocks.numbers import metric_title
from normbench.report.blocks.pivot import pivot_blocks
from normbench.report.blocks.tuning import sensitivity_blocks
from normbench.report.blocks.verdict_sentences import verdict_sentences
from normbench.report.charts.effects import draw_effects
from normbench.report.charts.losses import draw_losses
from normbench.report.charts.pivot import draw_pivot
from normbench.report.pages.html.section import BlockPart, FoldedPart, Section, block_parts, charts_parts
from normbench.report.pages.html.study_report import StudyReport
from normbench.storage.run_folder import METRICS_CSV

MAX_ROWS = 24
"""Arms in the chart of effects, and in the table before the rest is folded."""
LOSSES = ("test_loss", "train_loss")


def result_sections(report: StudyReport) -> list[Section]:
    """Return the sections on the result, those that have something to show."""
    found = [_effects(report), _table(report), _losses(report), _pivot(report)]
    return [section for section in found if section.parts]


def _effects(report: StudyReport) -> Section:
    comparison, metric = _in_order(report.comparison), report.metric
    heading = f"Effect of each arm on {metric_title(metric or '')}"
    if metric is None:
        return Section("effects", heading, [])
    shown = set(first_arms(comparison, MAX_ROWS))
    some = replace(comparison, rows=[row for row in comparison.rows if row.arm in shown])
    is_cut = len(some.rows) < len(comparison.rows)
    told = f"The best {len(some.rows)} of {len(comparison.rows)} arms; the table has all."
    cut = [BlockPart(Block(lines=[Line(told)]))] if is_cut else []
    return Section("effects", heading, [*charts_parts([draw_effects(some, metric)]), *cut])


def _table(report: StudyReport) -> Section:
    found = _in_order(report.comparison)
    block = Block(finite_heading(found), comparison_table(found, details=True))
    below = as_lines([*what_narrows(found), *footnote(found, details=True)])
    sentences = [Block(lines=as_lines(texts))] if (texts := verdict_sentences(found)) else []
    folded = [FoldedPart("A sentence on each verdict", block_parts(sentences))] if sentences else []
    notes = [Block(lines=below), *sensitivity_blocks(report.sensitivity), *notes_blocks(found), *evidence_block(found)]
    return Section("arms", "All arms", [BlockPart(block, "All arms", MAX_ROWS), *block_parts(notes), *folded])


def _in_order(comparison: StudyComparison) -> StudyComparison:
    """Return the comparison with the best arms first, where they do not all fit into the table."""
    is_long = len(comparison.rows) > MAX_ROWS
    return replace(comparison, rows=ranked_rows(comparison)) if is_long else comparison


def _losses(report: StudyReport) -> Section:
    charts = charts_parts(draw_losses(report.drawn_arms, column) for column in _columns(report))
    return Section("losses", "Over the steps", charts)


def _columns(report: StudyReport) -> list[str]:
    """Return the columns to draw: that of the metric that decides, then the losses that were recorded."""
    recorded = {column for arm in report.drawn_arms for column in arm.runs[0].table(METRICS_CSV).columns}
    judged = [report.metric] if report.metric else []
    return [column for column in dict.fromkeys([*judged, *LOSSES]) if column in recorded]


def _pivot(report: StudyReport) -> Section:
    charts = charts_parts(map(draw_pivot, report.pivots))
    tables = [BlockPart(block, max_rows=MAX_ROWS) for block in pivot_blocks(report.pivots)]
    return Section("settings", f"By {' and '.join(report.pivots[0].by)}" if tables else "", [*charts, *tables])
