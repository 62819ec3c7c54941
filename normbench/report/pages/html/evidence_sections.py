"""Makes the sections on what a result rests on: claims, failed seeds, settings, cost, methods, commands."""

from normbench.report.blocks.block import Block, Line
from normbench.report.blocks.claims import claims_blocks
from normbench.report.blocks.costs import costs_block
from normbench.report.blocks.failed_seeds import failed_seeds_blocks
from normbench.report.blocks.made_again import again_block
from normbench.report.blocks.settings import settings_blocks
from normbench.report.pages.bibtex import bibtex_of
from normbench.report.pages.html.section import BlockPart, CopyPart, FoldedPart, Section, block_parts
from normbench.report.pages.html.study_report import StudyReport
from normbench.report.pages.methods import methods_paragraph


def evidence_sections(report: StudyReport) -> list[Section]:
    """Return the sections on what the result rests on; that on claims where there are some."""
    claims = [_claims(report)] if report.verdicts else []
    return [*claims, _failed(report), _settings(report), _cost(report), _methods(report), _again(report)]


def _claims(report: StudyReport) -> Section:
    return Section("claims", "Claims", block_parts(claims_blocks(report.verdicts)))


def _failed(report: StudyReport) -> Section:
    blocks = failed_seeds_blocks(report.comparison)
    return Section("failed", "Collapsed and diverged seeds", block_parts(blocks, "Collapsed and diverged seeds"))


def _settings(report: StudyReport) -> Section:
    parts = [BlockPart(block, block.heading) for block in settings_blocks(report.comparison.rows)]
    return Section("all-settings", "All settings", [FoldedPart("Every setting of every arm", parts)])


def _cost(report: StudyReport) -> Section:
    block = costs_block(report.costs)
    total = BlockPart(Block(lines=block.lines))
    by_arm = [FoldedPart("By arm", [BlockPart(Block(table=block.table), "CPU seconds of each arm")])]
    return Section("cost", "Cost", [total, *(by_arm if block.table else [])])


def _methods(report: StudyReport) -> Section:
    paragraph = methods_paragraph(report.comparison, report.pivots)
    folded = FoldedPart("BibTeX", [CopyPart(bibtex_of(paragraph))])
    return Section("methods", "Methods", [BlockPart(Block(lines=[Line(paragraph)])), folded])


def _again(report: StudyReport) -> Section:
    return Section("again", "Make it again", [BlockPart(again_block(report.study.folder, report.study.content))])
