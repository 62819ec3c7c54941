"""normbench run: make the missing runs of a study, then print its report."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from normbench.cli._before_runs import duration_line, print_durations, print_plan, print_warnings

if TYPE_CHECKING:
    from normbench.errors import RunFolderError
    from normbench.report.blocks.block import Block
    from normbench.scheduling.executors.base import Executor
    from normbench.scheduling.run_result import RunOptions
    from normbench.scheduling.studies import StudyRun, StudyRunner
    from normbench.storage.study_folder import StudyFolder
    from normbench.study.study import Study


def command(
    configs: Annotated[list[Path], typer.Argument(metavar="CONFIG", help="Study files, e.g. configs/lenet_bn.yaml.")],
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting of every arm.")
    ] = None,
    vary: Annotated[list[str] | None, typer.Option("--vary", metavar="KEY=A,B", help="One arm per value.")] = None,
    seeds: Annotated[
        str | None, typer.Option("--seeds", metavar="N", help="Seeds 0 .. N-1 instead of the file's.")
    ] = None,
    until_decided: Annotated[
        bool, typer.Option("--until-decided", help="Add seeds until decided: checked after 8, 16, 32 and 64.")
    ] = False,
    check_after: Annotated[
        str | None, typer.Option("--check-after", metavar="N,M,...", help="The same, checked after N, M, ... seeds.")
    ] = None,
    tune: Annotated[
        list[str] | None,
        typer.Option("--tune", metavar="KEY[=A,B]", help="Choose each arm's own value on validation data first."),
    ] = None,
    tuning_sensitivity: Annotated[
        bool, typer.Option("--tuning-sensitivity", help="Judge again with each tuned arm's second-best values.")
    ] = False,
    jobs: Annotated[
        str, typer.Option("--jobs", metavar="N|auto", help="Runs made at the same time; auto is one per core.")
    ] = "1",
    quick: Annotated[bool, typer.Option("--quick", help="2 seeds, a tenth of the steps: no evidence.")] = False,
    runs_dir: Annotated[Path, typer.Option("--runs-dir", help="Where runs are kept.")] = Path("runs"),
    layers: Annotated[
        Literal["ends", "all"], typer.Option("--layers", help="Layers shown of a long network.")
    ] = "ends",
    details: Annotated[
        bool, typer.Option("--details", help="Also each arm's layers, parameters and CPU time.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Run again; existing results are set aside.")] = False,
    accept_code: Annotated[
        bool, typer.Option("--accept-code", help="Runs of your code before its last change count; go on with them.")
    ] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first run that fails.")] = False,
    checkpoint_every: Annotated[
        float, typer.Option("--checkpoint-every", metavar="SECONDS", min=0, help="How often a run is saved.")
    ] = 30.0,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, only failures.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the runs to make, and their cost.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run what is missing of each study, then report.

    The report has losses, std per layer and the comparison. Finished runs are skipped, stopped ones continue from
    their last checkpoint. Ctrl-C once finishes the step, saves and exits with 130, twice stops now. A failed run does
    not stop the others; the exit code is then 1.

    Example: normbench run configs/lenet_bn.yaml --set norm=group_norm --seeds 3
    """
    from normbench.scheduling.executors.base import make_executor, num_jobs_of
    from normbench.scheduling.interruption import Interruption
    from normbench.scheduling.run_result import RunOptions
    from normbench.study.check_plan import read_check_after
    from normbench.study.options import read_seeds

    how_many = {
        "seeds": read_seeds(seeds),
        "check_after": read_check_after(check_after),
        "until_decided": until_decided,
    }
    interruption = Interruption()
    executor = make_executor(jobs, interruption)
    changes = {**how_many, "set_": set_ or [], "vary": vary or [], "tune": tune or [], "accept_code": accept_code}
    read = partial(_load_all, configs, changes, quick=quick, is_judged_again=tuning_sensitivity)
    if dry_run:
        print_plan(read(), runs_dir, as_json=json_, with_runner_ups=tuning_sensitivity)
        return
    with interruption.listening(), executor:
        studies = read()
        from normbench.study.data_memory import refuse_data_beyond_memory  # imports torch, where a signal may get lost

        refuse_data_beyond_memory(studies, num_jobs_of(jobs) or 1)
        interruption.raise_if_asked()
        num_warnings = print_warnings(studies, runs_dir)
        interruption.raise_if_asked()
        if not quiet:
            line_of = partial(duration_line, runs_dir, jobs, force=force, with_runner_ups=tuning_sensitivity)
            print_durations(studies, line_of, num_warnings)
        interruption.raise_if_asked()
        options = RunOptions(force=force, checkpoint_s=checkpoint_every)
        runner = _runner(runs_dir, executor, options, fail_fast=fail_fast, second=tuning_sensitivity, quiet=quiet)
        show_text = partial(_print_report, all_layers=layers == "all", details=details, num_before=num_warnings)
        show = _as_mapping if json_ else show_text
        failures, broken, reports = _run_all(configs, studies, runner, show)
    interruption.raise_if_asked()
    if json_:
        typer.echo(json.dumps(reports, indent=2))
    _print_failures(failures, broken)


def _runner(
    runs_dir: Path, executor: "Executor", options: "RunOptions", *, fail_fast: bool, second: bool, quiet: bool
) -> "StudyRunner":
    from normbench.report.terminal.progress import StudyProgress
    from normbench.scheduling.studies import StudyRunner

    return StudyRunner(runs_dir, executor, options, partial(StudyProgress, quiet=quiet), fail_fast, second)


def _run_all(
    paths: list[Path],
    studies: "list[Study]",
    runner: "StudyRunner",
    show: "Callable[[Path, StudyRun, StudyFolder], Any]",
) -> tuple[list[str], list[str], list[Any]]:
    """Run and show one study after another; a failed one does not stop the next.

    Returns:
        A line per failure, a line per study that could not be written or read, and the result of ``show`` for each.
    """
    from normbench.errors import RunFolderError
    from normbench.scheduling.study_pictures import draw_study

    failures: list[str] = []
    broken: list[str] = []
    reports = []
    for path, study in zip(paths, studies, strict=True):
        run = _run_study(study, runner, failures, broken)
        if run:
            try:
                reports.append(show(path, run, draw_study(run.study, run.folder, run.results)))
            except (OSError, RunFolderError) as error:  # the runs are complete; the next command shows them
                _add_failure(error, run, failures, broken)
    return failures, broken, reports


def _add_failure(error: "OSError | RunFolderError", run: "StudyRun", failures: list[str], broken: list[str]) -> None:
    """Add the reason why a study could not be shown to ``failures`` or ``broken``; a closed pipe is no failure."""
    from normbench.scheduling.one_run import error_line
    from normbench.storage.files.atomic import os_error_line
    from normbench.storage.files.streams import STDOUT, discard_output

    if isinstance(error, BrokenPipeError):
        discard_output()
    elif isinstance(error, OSError) and error.filename == STDOUT:
        broken.append(os_error_line(error, STDOUT))
    else:
        failures.append(f"{run.study.name}: {error_line(error, run.folder)}")


def _run_study(study: "Study", runner: "StudyRunner", failures: list[str], broken: list[str]) -> "StudyRun | None":
    """Run one study and add its failures to the lists; return None if it could not be run to its end."""
    from normbench.errors import RunFailedError, RunFolderError

    try:
        run = runner.run(study)
    except RunFolderError as error:
        broken.append(str(error))
        return None
    except RunFailedError as error:
        if runner.fail_fast:
            raise
        failures.append(str(error))
        return None
    failures += run.failures
    return run


def _load_all(
    configs: list[Path], changes: "Mapping[str, Any]", *, quick: bool, is_judged_again: bool
) -> "list[Study]":
    from normbench.errors import ConfigError
    from normbench.study.load import load_study
    from normbench.study.options import refuse_untuned

    studies: list[Study] = []
    complaints: list[str] = []
    for path in configs:
        try:
            studies.append(load_study(path, **changes))
        except ConfigError as error:
            complaints += error.complaints
    if complaints:
        raise ConfigError(complaints)
    if is_judged_again:
        refuse_untuned(studies, quick=quick)
    return [_make_quick(study) for study in studies] if quick else studies


def _make_quick(study: "Study") -> "Study":
    from normbench.scheduling.quick_study import quick_study

    typer.echo(f"{study.name}: 2 seeds, a tenth of the steps, nothing tuned. This is no evidence.", err=True)
    return quick_study(study)


def _print_report(
    path: Path,
    run: "StudyRun",
    found: "StudyFolder",
    *,
    all_layers: bool,
    details: bool,
    num_before: "Mapping[str, int]",
) -> None:
    """Print a study's report; together with the lines printed before, it fits on a screen."""
    from normbench.report.blocks.checks import end_text
    from normbench.report.blocks.layers import LONG
    from normbench.report.blocks.run import screen_blocks
    from normbench.report.terminal.console import make_console
    from normbench.report.terminal.render import MAX_LINES, fit_blocks, print_blocks

    console = make_console()
    choices = list(run.choices.values())
    end = end_text(run.end.why, run.end.after, run.end.last) if run.end else ""

    def build(max_layers: int | None) -> "list[Block]":
        rows = None if all_layers else max_layers or LONG
        return screen_blocks(found, run.arm_names, path, choices, max_layers=rows, details=details, end=end)

    blocks = (
        build(None)
        if all_layers or details
        else fit_blocks(build, console.width, MAX_LINES - num_before.get(run.study.name, 0))
    )
    print_blocks(console, blocks)


def _as_mapping(path: Path, run: "StudyRun", found: "StudyFolder") -> dict[str, Any]:
    """Return the results of a study that was run, for JSON."""
    from normbench.report.pages.json_text import study_mapping

    results = [
        {"folder": str(p.run.folder), "arm": p.run.arm, "seed": p.run.seed, "status": p.status} for p in run.results
    ]
    end = asdict(run.end) if run.end else None
    return study_mapping(found, run.arm_names, list(run.choices.values()), results, path) | {"end": end}


def _print_failures(failures: list[str], broken: list[str]) -> None:
    """Print all failures and exit with code 1, or 2 if a study could not be written or read; else return."""
    if failures:
        typer.echo("\n".join([f"{len(failures)} failed:", *failures]), err=True)
    for line in broken:
        typer.echo(line, err=True)
    if failures or broken:
        raise typer.Exit(2 if broken else 1)
