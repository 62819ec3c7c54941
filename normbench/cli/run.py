"""normbench run: run what is missing of a study, then report."""

import json
from dataclasses import asdict, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from normbench.evidence.choices import Choice
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
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Runs made at the same time.")] = 1,
    quick: Annotated[
        bool, typer.Option("--quick", help="2 seeds, a tenth of the steps: a look, not evidence.")
    ] = False,
    runs_dir: Annotated[Path, typer.Option("--runs-dir", help="Where runs are kept.")] = Path("runs"),
    layers: Annotated[
        Literal["ends", "all"], typer.Option("--layers", help="Layers shown of a long network.")
    ] = "ends",
    force: Annotated[bool, typer.Option("--force", help="Run again; what is there is set aside.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would run, and its cost.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run what is missing of each study, then print losses, std per layer and the comparison.

    Example: normbench run configs/lenet_bn.yaml --set norm=group_norm --seeds 3
    """
    import torch

    from normbench.workers import Workers

    torch.set_num_threads(1)  # tiny networks are slower on several
    studies = _load_all(configs, seeds=seeds, set_=set_ or [], vary=vary or [], tune=tune or [])
    if quick:
        studies = [_quick(study) for study in studies]
    if dry_run:
        _print_plan(studies, runs_dir, as_json=json_)
        return
    failures = 0
    reports = []
    with Workers(jobs) as workers:
        for path, given in zip(configs, studies, strict=True):
            study, choices = _tune(given, runs_dir, workers)
            results = _run(study, runs_dir, workers, force=force)
            failures += sum(progress.status == "failed" for progress in results)
            report = _report(path, study, runs_dir, results, choices, all_layers=layers == "all", as_json=json_)
            reports.append(report)
    if json_:
        typer.echo(json.dumps(reports, indent=2))
    if failures:
        raise typer.Exit(1)


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

    plans = [asdict(estimate_cost(study, runs_dir)) for study in studies]
    if as_json:
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


def _quick(study: "Study") -> "Study":
    from normbench.tuning import quick

    typer.echo(f"{study.name}: 2 seeds, a tenth of the steps, nothing tuned. This is a look, not evidence.", err=True)
    return quick(study)


def _tune(study: "Study", runs_dir: Path, workers: "Workers") -> "tuple[Study, dict[str, Choice]]":
    from normbench.report.progress import StudyProgress
    from normbench.tuning import missing_tuning_runs, tune_study, with_choices

    if not study.tune:
        return study, {}
    num_runs, numbers = sum(map(len, missing_tuning_runs(study, runs_dir).values())), count(1)
    with StudyProgress(f"{study.name}, tuning", num_runs) as bar:

        def report(progress: "Progress") -> None:
            if progress.status != "skipped":
                _advance(bar, replace(progress, number=next(numbers)))

        choices = tune_study(study, runs_dir, workers, report)
    return with_choices(study, choices), choices


def _run(study: "Study", runs_dir: Path, workers: "Workers", *, force: bool) -> "list[Progress]":
    from normbench.report.progress import StudyProgress
    from normbench.scheduling import run_study

    with StudyProgress(study.name, len(study.arms) * len(study.seeds)) as bar:
        return run_study(study, runs_dir, force=force, workers=workers, report=lambda p: _advance(bar, p))


def _advance(bar: "StudyProgress", progress: "Progress") -> None:
    bar.advance(progress.number, f"{progress.run.arm}, seed {progress.run.seed}", progress.status, progress.error)


def _report(
    path: Path,
    study: "Study",
    runs_dir: Path,
    results: "list[Progress]",
    choices: "dict[str, Choice]",
    *,
    all_layers: bool,
    as_json: bool,
) -> dict[str, Any]:
    from normbench.evidence.comparison import compare_study
    from normbench.evidence.effects import with_effects
    from normbench.evidence.run_folder import json_ready
    from normbench.evidence.standouts import study_standouts
    from normbench.evidence.study_verdicts import study_verdicts
    from normbench.report.claims_text import as_mapping
    from normbench.report.run_text import layer_reports, print_study
    from normbench.report.tables import make_console
    from normbench.report.tuning_text import print_choices

    folder = runs_dir / study.name
    names = list(dict.fromkeys(progress.run.folder.parent.name for progress in results))
    _draw(study, folder, names, results)
    _average(folder, results)
    if not as_json:
        console = make_console()
        print_choices(console, [asdict(choice) for choice in choices.values()])
        print_study(console, folder, names, all_layers=all_layers, config=path)
        return {}
    runs = [{"folder": str(p.run.folder), "arm": p.run.arm, "seed": p.run.seed, "status": p.status} for p in results]
    layers = [asdict(report) for report in layer_reports(folder, names)]
    content: dict[str, Any] = json_ready(
        {
            "runs": runs,
            "tuning": [asdict(choice) for choice in choices.values()],
            "layers": layers,
            "standouts": [asdict(found) for found in study_standouts(folder)],
            "comparison": asdict(with_effects(compare_study(folder))),
            "claims": [as_mapping(verdict) for verdict in study_verdicts(folder)],
        }
    )
    return content


def _draw(study: "Study", folder: Path, names: list[str], results: "list[Progress]") -> None:
    """Draw the fitted curves anew for the seeds in which something ran."""
    from normbench.evidence.study_folder import read_study_arms
    from normbench.report.figures import curve_seeds, draw_curves, save_last
    from normbench.training.recording import write_pictures

    if not all(config.recording.figures for config in study.arms.values()):
        return
    arms = [arm for arm in read_study_arms(folder)[1] if arm.folder.name in names]
    fresh = {progress.run.seed for progress in results if progress.status != "skipped"}
    for seed in sorted(fresh.intersection(curve_seeds(arms))):
        pictures = draw_curves(arms, seed)
        save_last(pictures, folder / f"curves-seed-{seed}.png")
        write_pictures(folder / "curves" / f"seed-{seed}", "fitted curves", pictures)


def _average(folder: Path, results: "list[Progress]") -> None:
    """Write the mean curves over seeds anew where something ran."""
    from normbench.evidence.study_folder import read_study_arms
    from normbench.training.aggregate_curves import SUMMARY, write_aggregate_curves

    if any(progress.status != "skipped" for progress in results) or not (folder / SUMMARY).exists():
        write_aggregate_curves(folder, read_study_arms(folder)[1])
