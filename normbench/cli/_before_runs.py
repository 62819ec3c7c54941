"""Prints what a user should know before runs are made: their cost, checks, changed defaults, warnings, their time."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import typer

from normbench.cli._format import print_result

if TYPE_CHECKING:
    from normbench.findings import Finding
    from normbench.study.study import Study

MAX_WARNING_LINES = 2
"""Before a study's report, beside which it fits on a screen."""


def print_plan(studies: "list[Study]", runs_dir: Path, *, format_: str, with_runner_ups: bool) -> None:
    """Print the runs to make and their cost, with all findings."""
    from normbench.inspection.preflight import study_findings
    from normbench.report.blocks.findings import BEFORE_TRAINING, findings_blocks
    from normbench.report.blocks.plan import plan_block
    from normbench.report.pages.plans import plans_result
    from normbench.report.terminal.console import make_console
    from normbench.report.terminal.render import print_blocks
    from normbench.scheduling.cost import estimate_cost
    from normbench.scheduling.ownership import refuse_another_files_folder
    from normbench.scheduling.timings import Timings

    width = make_console(stderr=True).width
    for study in studies:
        refuse_another_files_folder(study, runs_dir / study.name)
        for line in _wrapped(texts_before_runs(study, runs_dir), width):
            typer.echo(line, err=True)
    with Timings(runs_dir) as timings:
        costs = [estimate_cost(study, runs_dir, timings, with_runner_ups=with_runner_ups) for study in studies]
    plans = [asdict(cost) for cost in costs]
    found = [study_findings(study) for study in studies]
    blocks = [plan_block(plan) for plan in plans]
    if format_:
        print_result(plans_result(plans, found, blocks), format_)
        return
    print_blocks(make_console(), blocks)
    for study, findings in zip(studies, found, strict=True):
        make_blocks = partial(findings_blocks, findings, BEFORE_TRAINING, levels=("warning", "note"))
        print_blocks(make_console(stderr=True), make_blocks(study=study.name, num_arms=len(study.arms)))


@dataclass(frozen=True)
class Told:
    """What is told of a study before its runs are made.

    Attributes:
        study: The study's name.
        texts: How it is checked, changed defaults, swapped norms, changed code.
        findings: What may go wrong in its networks, of which warnings are told.
    """

    study: str
    texts: Sequence[str]
    findings: "Sequence[Finding]"

    def lines(self) -> list[str]:
        """Return texts and warnings in lines that fit the terminal."""
        from normbench.report.blocks.findings import short_findings
        from normbench.report.terminal.console import make_console

        width = make_console(stderr=True).width
        warned = short_findings(self.study, self.findings, "warning", width)
        return [*_wrapped(self.texts, width), *filter(None, warned.split("\n"))]


def what_to_tell(study: "Study", runs_dir: Path) -> Told:
    """Return what is told of a study before its runs are made."""
    from normbench.inspection.preflight import study_findings

    return Told(study.name, texts_before_runs(study, runs_dir), study_findings(study))


def print_told(told: Sequence[Told], unfinished: Sequence[str] = ()) -> dict[str, int]:
    """Print unfinished files, then texts and warnings of each study; return the number of lines for each by name."""
    lines = {one.study: one.lines() for one in told}
    for line in [*unfinished, *(line for listed in lines.values() for line in listed)]:
        typer.echo(line, err=True)
    return {name: len(unfinished) + len(listed) for name, listed in lines.items()}


def unfinished_lines() -> list[str]:
    """Return a line for each check, measure and executor whose file is not finished."""
    from normbench.inspection.checks.base import unfinished_checks
    from normbench.inspection.measures.base import unfinished_measures
    from normbench.scheduling.executors.base import unfinished_executors

    return [*unfinished_checks(), *unfinished_measures(), *unfinished_executors()]


def print_durations(studies: "list[Study]", line_of: "Callable[[Study], str]", num_lines: dict[str, int]) -> None:
    """Print how long each study will take, where warnings leave room for it, and add it to the lines printed."""
    for study in studies:
        line = line_of(study) if num_lines[study.name] < MAX_WARNING_LINES else ""
        if line:
            typer.echo(line, err=True)
            num_lines[study.name] += 1


def duration_line(runs_dir: Path, num_jobs: int, study: "Study", *, force: bool, with_runner_ups: bool) -> str:
    """Return how long a study will take; empty where it is short, or where something is wrong with it."""
    from normbench.report.blocks.plan import duration_text
    from normbench.scheduling.duration import estimate_duration

    try:
        found = estimate_duration(study, runs_dir, num_jobs, force=force, with_runner_ups=with_runner_ups)
    except Exception:  # noqa: BLE001 - what is wrong with a study is told where it is run
        return ""
    up_to = "up to " if study.until_decided else ""
    return f"{study.name}: {up_to}{duration_text(found.num_runs, found.seconds, found.quick_s)}" if found else ""


def texts_before_runs(study: "Study", runs_dir: Path) -> list[str]:
    """Return how the study is checked, its changed code and defaults, its swapped norms and left-out histograms."""
    return [
        *_code_lines(study, runs_dir),
        *_check_lines(study, runs_dir),
        *_fitted_default_lines(study),
        *_swap_lines(study),
        *_histogram_lines(study),
        *_engine_lines(study),
    ]


def _wrapped(texts: Sequence[str], width: int) -> list[str]:
    return [line for text in texts for line in wrap(text, width, subsequent_indent="  ", break_on_hyphens=False)]


def _code_lines(study: "Study", runs_dir: Path) -> list[str]:
    """Return which code and data of the user's changed since the study's runs, and what becomes of these."""
    from normbench.report.blocks.changed_code import change_text
    from normbench.scheduling.changed_code import find_changes

    return [f"{study.name}: {change_text(change)}." for change in find_changes(study, runs_dir)]


def _check_lines(study: "Study", runs_dir: Path) -> list[str]:
    """Return when the study is checked, or why its verdicts are made in another way than once; mostly nothing."""
    from normbench.errors import RunFolderError
    from normbench.evidence.statistics.planned_checks.levels import check_levels
    from normbench.report.blocks.checks import anytime_text, levels_text, not_judged_text
    from normbench.scheduling.planned_verdicts import nums_of_comparisons, planned_verdicts
    from normbench.study.check_plan import FEWEST

    try:
        plan = planned_verdicts(study, runs_dir)
    except RunFolderError:  # the study's turn comes, and it is told then
        return []
    rule = plan.rule(study.seeds)
    if plan.kind == "checks" and study.until_decided:
        texts = [levels_text(plan.counts, check_levels(plan.counts, num)) for num in nums_of_comparisons(study)]
    elif plan.kind == "any time" and len(study.seeds) >= FEWEST:
        texts = [anytime_text(plan)]
    else:
        texts = [not_judged_text(len(study.seeds), rule)] * (plan.kind == "checks" and bool(rule.why_not))
    return [f"{study.name}: {text}." for text in texts]


def _swap_lines(study: "Study") -> list[str]:
    """Return a line on the norms that are replaced in the user's own network; none where nothing is."""
    from normbench.report.blocks.audit import swap_line
    from normbench.study.audits import study_audits

    if not any(config.model.name == "own" and config.norm.name != "kept" for config in study.arms.values()):
        return []  # a network that keeps its norms may be one in which none can be replaced
    line = swap_line([one.as_mapping() for one in study_audits(study)])
    return [f"{study.name}: {line}."] if line else []


def _histogram_lines(study: "Study") -> list[str]:
    """Return a line on the histograms that are left out of many runs; none where nothing is."""
    from normbench.report.blocks.plan import scalars_alone_text
    from normbench.scheduling.kept_histograms import leaves_out_histograms

    return [f"{study.name}: {scalars_alone_text()}."] if leaves_out_histograms(study) else []


def _fitted_default_lines(study: "Study") -> list[str]:
    """Return a line for each default that was changed to fit."""
    return [f"{study.name}: {line}." for line in study.fitted_defaults]


def _engine_lines(study: "Study") -> list[str]:
    """Return why the runs are trained one by one, where only some arms stand in the way."""
    return [f"{study.name}: trained one by one: {study.why_loop}."] if study.why_loop else []
