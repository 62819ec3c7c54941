"""normbench run: run what is missing of a study, then report."""

import json
import re
from dataclasses import asdict, dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from normbench.evidence.choices import Choice
    from normbench.findings import Level
    from normbench.making import Manner
    from normbench.report.progress import StudyProgress
    from normbench.scheduling import Progress
    from normbench.study import Study
    from normbench.workers import Workers


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
    import torch

    from normbench.interruption import Interruption
    from normbench.making import Manner
    from normbench.workers import Workers

    torch.set_num_threads(1)  # tiny networks are slower on several
    num_jobs = _num_jobs(jobs)
    studies = _load_all(configs, seeds=seeds, set_=set_ or [], vary=vary or [], tune=tune or [])
    if quick:
        studies = [_quick(study) for study in studies]
    if dry_run:
        _print_plan(studies, runs_dir, as_json=json_)
        return
    _print_findings(studies, "warning")
    interruption = Interruption()
    with interruption.listening(), Workers(num_jobs, interruption) as workers:
        how = _How(runs_dir, workers, Manner(force=force, checkpoint_s=checkpoint_every), fail_fast, quiet)
        show = _Show(all_layers=layers == "all", as_json=json_)
        failures = [line for path, study in zip(configs, studies, strict=True) for line in _run(path, study, how, show)]
    if json_:
        typer.echo(json.dumps(show.reports, indent=2))
    if failures:
        typer.echo("\n".join([f"{len(failures)} failed:", *failures]), err=True)
        raise typer.Exit(1)


@dataclass(frozen=True)
class _How:
    """How studies are run."""

    runs_dir: Path
    workers: "Workers"
    manner: "Manner"
    fail_fast: bool
    quiet: bool


@dataclass(frozen=True)
class _Show:
    """How a study is shown, and what was collected to be shown as JSON."""

    all_layers: bool
    as_json: bool
    reports: list[dict[str, Any]] = field(default_factory=list)


def _num_jobs(said: str) -> int:
    from normbench.errors import ConfigError
    from normbench.workers import num_cores

    if said == "auto":
        return num_cores()
    if re.fullmatch(r"[1-9][0-9]{0,3}", said):
        return int(said)
    raise ConfigError([f"--jobs {said}: must be a whole number from 1, or auto, got {said!r}. Example: --jobs auto"])


def _run(path: Path, given: "Study", how: _How, show: _Show) -> list[str]:
    """Run one study and report; return a line per failure. The next study is run whatever failed here."""
    from normbench.errors import RunFailedError, RunFolderError
    from normbench.making import said_in_a_line

    try:
        study, choices = _tune(given, how)
        results = _run_arms(study, how)
    except RunFailedError as error:
        if how.fail_fast:
            raise
        return [str(error)]
    failures = [f"{_label(p)}: {p.error}" for p in results if p.status == "failed"]
    try:
        _report(path, study, how.runs_dir, results, choices, show)
    except BrokenPipeError:  # whoever reads has seen enough
        raise
    except (OSError, RunFolderError) as error:  # the runs are there, and asking again reports
        failures.append(f"{study.name}: {said_in_a_line(error, how.runs_dir / study.name)}")
    return failures


def _load_all(configs: list[Path], **changes: Any) -> "list[Study]":
    from normbench.arms import load_study
    from normbench.errors import ConfigError

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
    from normbench.cost import estimate_cost
    from normbench.preflight import study_findings

    plans = [asdict(estimate_cost(study, runs_dir)) for study in studies]
    if as_json:
        for plan, study in zip(plans, studies, strict=True):
            plan["findings"] = [asdict(finding) for finding in study_findings(study)]
        typer.echo(json.dumps(plans, indent=2))
        return
    for plan in plans:
        typer.echo(f"{plan['study']}: {plan['num_arms']} x {plan['num_seeds']} runs (arms x seeds)")
        for arm in plan["arms"]:
            typer.echo(
                f"  {arm['arm']}: {arm['num_missing']} to run, about {arm['cpu_s_per_run']:.1f} CPU-seconds each"
            )
        if plan["num_tuning_runs"]:
            typer.echo(f"  tuning: {plan['num_tuning_runs']} runs first, more where the best lies at an end")
        typer.echo(
            f"  {plan['num_finished']} finished, {plan['num_missing']} to run, about {plan['cpu_s']:.0f} CPU-seconds"
        )
    _print_findings(studies, "warning", "note")


def _print_findings(studies: "list[Study]", *levels: "Level") -> None:
    from normbench.preflight import study_findings
    from normbench.report.findings_text import print_findings
    from normbench.report.tables import make_console

    for study in studies:
        print_findings(make_console(stderr=True), study.name, study_findings(study), len(study.arms), levels)


def _quick(study: "Study") -> "Study":
    from normbench.tuning import quick

    typer.echo(f"{study.name}: 2 seeds, a tenth of the steps, nothing tuned. This is a look, not evidence.", err=True)
    return quick(study)


def _tune(study: "Study", how: _How) -> "tuple[Study, dict[str, Choice]]":
    from normbench.report.progress import StudyProgress
    from normbench.tuning import missing_tuning_runs, tune_study, with_choices

    if not study.tune:
        return study, {}
    num_runs, numbers = sum(map(len, missing_tuning_runs(study, how.runs_dir).values())), count(1)
    with StudyProgress(f"{study.name}, tuning", num_runs, quiet=how.quiet) as bar:
        how.workers.tell = lambda run, step, total: bar.step(f"{run.arm}, seed {run.seed}", step, total)

        def report(progress: "Progress") -> None:
            if progress.status != "skipped":
                _advance(bar, replace(progress, number=next(numbers)))

        choices = tune_study(study, how.runs_dir, how.workers, report, manner=how.manner, fail_fast=how.fail_fast)
    return with_choices(study, choices), choices


def _run_arms(study: "Study", how: _How) -> "list[Progress]":
    from normbench.report.progress import StudyProgress
    from normbench.scheduling import run_study

    with StudyProgress(study.name, len(study.arms) * len(study.seeds), quiet=how.quiet) as bar:
        how.workers.tell = lambda run, step, total: bar.step(f"{run.arm}, seed {run.seed}", step, total)
        return run_study(
            study,
            how.runs_dir,
            manner=how.manner,
            fail_fast=how.fail_fast,
            workers=how.workers,
            report=lambda progress: _advance(bar, progress),
        )


def _advance(bar: "StudyProgress", progress: "Progress") -> None:
    bar.advance(progress.number, _label(progress), progress.status, progress.error, progress.notes)


def _label(progress: "Progress") -> str:
    return f"{progress.run.arm}, seed {progress.run.seed}"


def _report(
    path: Path,
    study: "Study",
    runs_dir: Path,
    results: "list[Progress]",
    choices: "dict[str, Choice]",
    show: _Show,
) -> None:
    from normbench.evidence.comparison import compare_study
    from normbench.evidence.effects import with_effects
    from normbench.evidence.json_files import json_ready
    from normbench.evidence.study_verdicts import study_verdicts
    from normbench.pictures import draw_study
    from normbench.report.claims_text import as_mapping
    from normbench.report.run_text import layer_reports, print_study
    from normbench.report.tables import make_console
    from normbench.report.tuning_text import print_choices

    folder = runs_dir / study.name
    names = list(dict.fromkeys(progress.run.folder.parent.name for progress in results))
    draw_study(study, folder, results)
    if not show.as_json:
        console = make_console()
        print_choices(console, [asdict(choice) for choice in choices.values()])
        print_study(console, folder, names, all_layers=show.all_layers, config=path)
        return
    runs = [{"folder": str(p.run.folder), "arm": p.run.arm, "seed": p.run.seed, "status": p.status} for p in results]
    layers = [asdict(report) for report in layer_reports(folder, names)]
    content: dict[str, Any] = json_ready(
        {
            "runs": runs,
            "tuning": [asdict(choice) for choice in choices.values()],
            "layers": layers,
            "comparison": asdict(with_effects(compare_study(folder))),
            "claims": [as_mapping(verdict) for verdict in study_verdicts(folder)],
        }
    )
    show.reports.append(content)
