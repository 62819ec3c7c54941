"""Prints what a user should know before runs are made: their cost, checks, changed defaults, warnings, their time."""

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from normbench.study.study import Study

MAX_WARNING_LINES = 2
"""Before a study's report, beside which it fits on a screen."""


def print_plan(studies: "list[Study]", runs_dir: Path, *, as_json: bool, with_runner_ups: bool) -> None:
    """Print the runs to make and their cost, with all findings."""
    from normbench.inspection.preflight import study_findings
    from normbench.report.blocks.findings import BEFORE_TRAINING, findings_blocks
    from normbench.report.blocks.plan import plan_block
    from normbench.report.terminal.console import make_console
    from normbench.report.terminal.render import print_blocks
    from normbench.scheduling.cost import estimate_cost
    from normbench.scheduling.ownership import refuse_another_files_folder
    from normbench.scheduling.timings import Timings

    for study in studies:
        refuse_another_files_folder(study, runs_dir / study.name)
        for line in _changed_lines(study, runs_dir):
            typer.echo(line, err=True)
    with Timings(runs_dir) as timings:
        costs = [estimate_cost(study, runs_dir, timings, with_runner_ups=with_runner_ups) for study in studies]
    plans = [asdict(cost) for cost in costs]
    found = [study_findings(study) for study in studies]
    if as_json:
        for plan, findings in zip(plans, found, strict=True):
            plan["findings"] = [asdict(finding) for finding in findings]
        typer.echo(json.dumps(plans, indent=2))
        return
    print_blocks(make_console(), [plan_block(plan) for plan in plans])
    for study, findings in zip(studies, found, strict=True):
        make_blocks = partial(findings_blocks, findings, BEFORE_TRAINING, levels=("warning", "note"))
        print_blocks(make_console(stderr=True), make_blocks(study=study.name, num_arms=len(study.arms)))


def print_warnings(studies: "list[Study]", runs_dir: Path) -> dict[str, int]:
    """Print unfinished files, checks, changed defaults and warnings; return the number of lines for each study."""
    from normbench.inspection.checks.base import unfinished_checks
    from normbench.inspection.measures.base import unfinished_measures
    from normbench.inspection.preflight import study_findings
    from normbench.report.blocks.findings import short_findings
    from normbench.report.terminal.console import make_console
    from normbench.scheduling.executors.base import unfinished_executors

    width = make_console(stderr=True).width
    unfinished = [*unfinished_checks(), *unfinished_measures(), *unfinished_executors()]
    warned = {study.name: short_findings(study.name, study_findings(study), "warning", width) for study in studies}
    lines_by_study = {
        study.name: [*_changed_lines(study, runs_dir), *filter(None, warned[study.name].split("\n"))]
        for study in studies
    }
    for line in [*unfinished, *(line for lines in lines_by_study.values() for line in lines)]:
        typer.echo(line, err=True)
    return {name: len(unfinished) + len(lines) for name, lines in lines_by_study.items()}


def print_durations(studies: "list[Study]", line_of: "Callable[[Study], str]", num_lines: dict[str, int]) -> None:
    """Print how long each study will take, where warnings leave room for it, and add it to the lines printed."""
    for study in studies:
        line = line_of(study) if num_lines[study.name] < MAX_WARNING_LINES else ""
        if line:
            typer.echo(line, err=True)
            num_lines[study.name] += 1


def duration_line(runs_dir: Path, jobs: str, study: "Study", *, force: bool, with_runner_ups: bool) -> str:
    """Return how long a study will take; empty where it is short, or where something is wrong with it."""
    from normbench.report.blocks.plan import duration_text
    from normbench.scheduling.duration import estimate_duration
    from normbench.scheduling.executors.base import num_jobs_of

    num_jobs = num_jobs_of(jobs) or 1
    try:
        found = estimate_duration(study, runs_dir, num_jobs, force=force, with_runner_ups=with_runner_ups)
    except Exception:  # noqa: BLE001 - what is wrong with a study is told where it is run
        return ""
    up_to = "up to " if study.until_decided else ""
    return f"{study.name}: {up_to}{duration_text(found.num_runs, found.seconds, found.quick_s)}" if found else ""


def _changed_lines(study: "Study", runs_dir: Path) -> list[str]:
    """Return how the study is checked, its changed defaults and swapped norms, in lines that fit the terminal."""
    from normbench.report.terminal.console import make_console

    width = make_console(stderr=True).width
    texts = [
        *_code_lines(study, runs_dir),
        *_check_lines(study, runs_dir),
        *_fitted_default_lines(study),
        *_swap_lines(study),
    ]
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


def _fitted_default_lines(study: "Study") -> list[str]:
    """Return a line for each default that was changed to fit."""
    return [f"{study.name}: {line}." for line in study.fitted_defaults]
