"""Prints the plan, warnings, reports and failures of `normbench run`."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from normbench.report.blocks.block import Block
    from normbench.scheduling.studies import StudyRun
    from normbench.storage.study_folder import StudyFolder
    from normbench.study.config import Study


def print_report(
    path: Path,
    run: "StudyRun",
    found: "StudyFolder",
    *,
    all_layers: bool,
    details: bool,
    num_before: "Mapping[str, int]",
) -> None:
    """Print a study's report; together with the lines printed before, it fits on a screen."""
    from normbench.report.blocks.layers import LONG
    from normbench.report.blocks.run import screen_blocks
    from normbench.report.terminal.console import make_console
    from normbench.report.terminal.render import MAX_LINES, fit_blocks, print_blocks

    console = make_console()
    choices = list(run.choices.values())

    def build(max_layers: int | None) -> "list[Block]":
        rows = None if all_layers else max_layers or LONG
        return screen_blocks(found, run.arm_names, path, choices, max_layers=rows, details=details)

    blocks = (
        build(None)
        if all_layers or details
        else fit_blocks(build, console.width, MAX_LINES - num_before.get(run.study.name, 0))
    )
    print_blocks(console, blocks)


def run_mapping(path: Path, run: "StudyRun", found: "StudyFolder") -> dict[str, Any]:
    """Return the results of a study that was run, for JSON."""
    from normbench.report.pages.json_text import study_mapping

    results = [
        {"folder": str(p.run.folder), "arm": p.run.arm, "seed": p.run.seed, "status": p.status} for p in run.results
    ]
    return study_mapping(found, run.arm_names, list(run.choices.values()), results, path)


def print_plan(studies: "list[Study]", runs_dir: Path, *, as_json: bool) -> None:
    """Print the runs to make and their cost, with all findings."""
    from normbench.inspection.preflight import study_findings
    from normbench.report.blocks.findings import BEFORE_TRAINING, findings_blocks
    from normbench.report.blocks.plan import plan_block
    from normbench.report.terminal.console import make_console
    from normbench.report.terminal.render import print_blocks
    from normbench.scheduling.cost import estimate_cost
    from normbench.scheduling.ownership import refuse_another_files_folder

    for study in studies:
        refuse_another_files_folder(study, runs_dir / study.name)
        for line in _fitted_default_lines(study):
            typer.echo(line, err=True)
    plans = [asdict(estimate_cost(study, runs_dir)) for study in studies]
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


def print_warnings(studies: "list[Study]") -> dict[str, int]:
    """Print unfinished files, changed defaults and warnings; return the number of lines printed for each study."""
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
        study.name: [*_fitted_default_lines(study), *filter(None, [warned[study.name]])] for study in studies
    }
    for line in [*unfinished, *(line for lines in lines_by_study.values() for line in lines)]:
        typer.echo(line, err=True)
    return {name: len(unfinished) + len(lines) for name, lines in lines_by_study.items()}


def _fitted_default_lines(study: "Study") -> list[str]:
    """Return a line for each default that was changed to fit."""
    return [f"{study.name}: {line}." for line in study.fitted_defaults]


def print_failures(failures: list[str], broken: list[str]) -> None:
    """Print all failures and exit with code 1, or 2 if a study could not be written or read; else return."""
    if failures:
        typer.echo("\n".join([f"{len(failures)} failed:", *failures]), err=True)
    for line in broken:
        typer.echo(line, err=True)
    if failures or broken:
        raise typer.Exit(2 if broken else 1)
