"""normbench run: run what is missing of a study, then report."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from normbench.errors import RunFolderError
    from normbench.findings import Level
    from normbench.scheduling.studies import StudyRun, StudyRunner
    from normbench.study.config import Study


def command(
    configs: Annotated[list[Path], typer.Argument(metavar="CONFIG", help="Study files, e.g. configs/lenet_bn.yaml.")],
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting of every arm.")
    ] = None,
    vary: Annotated[list[str] | None, typer.Option("--vary", metavar="KEY=A,B", help="One arm per value.")] = None,
    seeds: Annotated[int | None, typer.Option("--seeds", min=1, help="Seeds 0 .. N-1 instead of the file's.")] = None,
    tune: Annotated[
        list[str] | None,
        typer.Option("--tune", metavar="KEY[=A,B]", help="Choose each arm's own value on validation data first."),
    ] = None,
    jobs: Annotated[
        str, typer.Option("--jobs", metavar="N|auto", help="Runs made at the same time; auto is one per core.")
    ] = "1",
    quick: Annotated[
        bool, typer.Option("--quick", help="2 seeds, a tenth of the steps: a look, not evidence.")
    ] = False,
    runs_dir: Annotated[Path, typer.Option("--runs-dir", help="Where runs are kept.")] = Path("runs"),
    layers: Annotated[
        Literal["ends", "all"], typer.Option("--layers", help="Layers shown of a long network.")
    ] = "ends",
    force: Annotated[bool, typer.Option("--force", help="Run again; what is there is set aside.")] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first run that fails.")] = False,
    checkpoint_every: Annotated[
        float, typer.Option("--checkpoint-every", metavar="SECONDS", min=0, help="How often a run is saved.")
    ] = 30.0,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, only failures.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would run, and its cost.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run what is missing of each study, then print losses, std per layer and the comparison.

    What is finished is skipped, what was stopped goes on from its last checkpoint. Ctrl-C once finishes the step, saves
    and exits with 130, twice stops now. A failed run lets the others go on, and exits with 1.

    Example: normbench run configs/lenet_bn.yaml --set norm=group_norm --seeds 3
    """
    from normbench.scheduling.executors.process_start import get_ready

    num_jobs = _num_jobs(jobs)
    if num_jobs > 1 and not dry_run:
        get_ready()
    import torch

    from normbench.scheduling.executors.processes import Workers
    from normbench.scheduling.interruption import Interruption
    from normbench.scheduling.one_run import Manner
    from normbench.scheduling.studies import StudyRunner

    torch.set_num_threads(1)  # tiny networks are slower on several
    studies = _load_all(configs, seeds=seeds, set_=set_ or [], vary=vary or [], tune=tune or [])
    for line in dict.fromkeys(f"{study.name}: {line}" for study in studies for line in study.fits):
        typer.echo(f"{line}.", err=True)
    if quick:
        studies = [_quick(study) for study in studies]
    if dry_run:
        _print_plan(studies, runs_dir, as_json=json_)
        return
    _print_findings(studies, "warning")
    interruption = Interruption()
    with interruption.listening(), Workers(num_jobs, interruption) as workers:
        runner = StudyRunner(runs_dir, workers, Manner(force=force, checkpoint_s=checkpoint_every), fail_fast, quiet)
        show = _as_mapping if json_ else partial(_print, all_layers=layers == "all")
        failures, broken, reports = _run_all(configs, studies, runner, show)
        if interruption.is_asked:
            raise KeyboardInterrupt
    if json_:
        typer.echo(json.dumps(reports, indent=2))
    _tell_failures(failures, broken)


def _run_all(
    paths: list[Path], studies: "list[Study]", runner: "StudyRunner", show: "Callable[[Path, StudyRun], Any]"
) -> tuple[list[str], list[str], list[Any]]:
    """Run and show one study after another, whatever becomes of those before.

    Returns:
        A line per failure, a line per study that could not be written or read, and what showing each gave.
    """
    from normbench.errors import RunFolderError
    from normbench.scheduling.study_pictures import draw_study

    failures: list[str] = []
    broken: list[str] = []
    reports = []
    for path, study in zip(paths, studies, strict=True):
        run = _run(study, runner, failures, broken)
        if run:
            try:
                draw_study(run.study, run.folder, run.results)
                reports.append(show(path, run))
            except (OSError, RunFolderError) as error:  # the runs are there, and asking again shows them
                _note(error, run, failures, broken)
    return failures, broken, reports


def _note(error: "OSError | RunFolderError", run: "StudyRun", failures: list[str], broken: list[str]) -> None:
    """Note why a study could not be shown; nothing where whoever reads has seen enough, and the next one is run."""
    from normbench.scheduling.one_run import said_in_a_line
    from normbench.storage.files.atomic import refusal
    from normbench.storage.files.streams import STDOUT, discard_output

    if isinstance(error, BrokenPipeError):
        discard_output()
    elif isinstance(error, OSError) and error.filename == STDOUT:
        broken.append(refusal(error, STDOUT))
    else:
        failures.append(f"{run.study.name}: {said_in_a_line(error, run.folder)}")


def _tell_failures(failures: list[str], broken: list[str]) -> None:
    if failures:
        typer.echo("\n".join([f"{len(failures)} failed:", *failures]), err=True)
    for line in broken:
        typer.echo(line, err=True)
    if failures or broken:
        raise typer.Exit(2 if broken else 1)


def _run(study: "Study", runner: "StudyRunner", failures: list[str], broken: list[str]) -> "StudyRun | None":
    """Run one study, noting what fails; None if it could not be run to its end."""
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


def _print(path: Path, run: "StudyRun", *, all_layers: bool) -> None:
    from normbench.report.blocks.tables import make_console
    from normbench.report.terminal.run import print_study
    from normbench.report.terminal.tuning import print_choices

    console = make_console()
    print_choices(console, [asdict(choice) for choice in run.choices.values()])
    print_study(console, run.folder, run.arm_names, all_layers=all_layers, config=path)


def _as_mapping(_path: Path, run: "StudyRun") -> dict[str, Any]:
    from normbench.report.terminal.run_output import study_as_mapping

    results = [
        {"folder": str(p.run.folder), "arm": p.run.arm, "seed": p.run.seed, "status": p.status} for p in run.results
    ]
    return study_as_mapping(run.folder, run.arm_names, list(run.choices.values()), results)


def _num_jobs(said: str) -> int:
    from normbench.errors import ConfigError
    from normbench.scheduling.executors.process_start import num_cores

    if said == "auto":
        return num_cores()
    if re.fullmatch(r"[1-9][0-9]{0,3}", said):
        return int(said)
    raise ConfigError([f"--jobs {said}: must be a whole number from 1, or auto, got {said!r}. Example: --jobs auto"])


def _load_all(configs: list[Path], **changes: Any) -> "list[Study]":
    from normbench.errors import ConfigError
    from normbench.study.load import load_study

    studies: list[Study] = []
    complaints: list[str] = []
    for path in configs:
        try:
            studies.append(load_study(path, **changes))
        except ConfigError as error:
            complaints += error.complaints
    if complaints:
        raise ConfigError(complaints)
    return studies


def _print_plan(studies: "list[Study]", runs_dir: Path, *, as_json: bool) -> None:
    from normbench.inspection.preflight import study_findings
    from normbench.report.terminal.run_output import plan_lines
    from normbench.scheduling.cost import estimate_cost
    from normbench.scheduling.ownership import refuse_another_files_folder

    for study in studies:
        refuse_another_files_folder(study, runs_dir)
    plans = [asdict(estimate_cost(study, runs_dir)) for study in studies]
    if as_json:
        for plan, study in zip(plans, studies, strict=True):
            plan["findings"] = [asdict(finding) for finding in study_findings(study)]
        typer.echo(json.dumps(plans, indent=2))
        return
    typer.echo("\n".join(line for plan in plans for line in plan_lines(plan)))
    _print_findings(studies, "warning", "note")


def _print_findings(studies: "list[Study]", *levels: "Level") -> None:
    from normbench.inspection.checks.base import unfinished_checks
    from normbench.inspection.measures.base import unfinished_measures
    from normbench.inspection.preflight import study_findings
    from normbench.report.blocks.tables import make_console
    from normbench.report.terminal.findings import print_findings

    for line in [*unfinished_checks(), *unfinished_measures()]:
        typer.echo(line, err=True)
    for study in studies:
        print_findings(make_console(stderr=True), study.name, study_findings(study), len(study.arms), levels)


def _quick(study: "Study") -> "Study":
    from normbench.scheduling.tuning import quick

    typer.echo(f"{study.name}: 2 seeds, a tenth of the steps, nothing tuned. This is a look, not evidence.", err=True)
    return quick(study)
