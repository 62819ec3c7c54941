"""normbench run: run what is missing of a study, then report."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from normbench.scheduling import Progress
    from normbench.study import Study


def command(
    configs: Annotated[list[Path], typer.Argument(metavar="CONFIG", help="Study files, e.g. configs/lenet_bn.yaml.")],
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting of every arm.")
    ] = None,
    vary: Annotated[list[str] | None, typer.Option("--vary", metavar="KEY=A,B", help="One arm per value.")] = None,
    seeds: Annotated[int | None, typer.Option("--seeds", min=1, help="Seeds 0 .. N-1 instead of the file's.")] = None,
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

    torch.set_num_threads(1)  # tiny networks are slower on several
    studies = _load_all(configs, set_ or [], vary or [], seeds)
    if dry_run:
        _print_plan(studies, runs_dir, as_json=json_)
        return
    failures = 0
    reports = []
    for path, study in zip(configs, studies, strict=True):
        results = _run(study, runs_dir, force=force)
        failures += sum(progress.status == "failed" for progress in results)
        reports.append(_report(path, study, runs_dir, results, all_layers=layers == "all", as_json=json_))
    if json_:
        typer.echo(json.dumps(reports, indent=2))
    if failures:
        raise typer.Exit(1)


def _load_all(configs: list[Path], set_: list[str], vary: list[str], seeds: int | None) -> "list[Study]":
    from normbench.arms import load_study
    from normbench.errors import ConfigError

    studies: list[Study] = []
    complaints: list[str] = []
    for path in configs:
        try:
            studies.append(load_study(path, set_=set_, vary=vary, seeds=seeds))
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
        typer.echo(
            f"  {plan['num_finished']} finished, {plan['num_missing']} to run, about {plan['cpu_s']:.0f} CPU-seconds"
        )


def _run(study: "Study", runs_dir: Path, *, force: bool) -> "list[Progress]":
    from normbench.report.progress import StudyProgress
    from normbench.scheduling import run_study

    with StudyProgress(study.name, len(study.arms) * len(study.seeds)) as bar:
        return run_study(
            study,
            runs_dir,
            force=force,
            report=lambda p: bar.advance(p.number, f"{p.run.arm}, seed {p.run.seed}", p.status, p.error),
        )


def _report(
    path: Path, study: "Study", runs_dir: Path, results: "list[Progress]", *, all_layers: bool, as_json: bool
) -> dict[str, Any]:
    from normbench.evidence.comparison import compare_study
    from normbench.evidence.effects import with_effects
    from normbench.evidence.run_folder import json_ready
    from normbench.report.run_text import layer_reports, print_study
    from normbench.report.tables import make_console

    folder = runs_dir / study.name
    names = list(dict.fromkeys(progress.run.folder.parent.name for progress in results))
    _draw(study, folder, names, results)
    if not as_json:
        print_study(make_console(), folder, names, all_layers=all_layers, config=path)
        return {}
    runs = [{"folder": str(p.run.folder), "arm": p.run.arm, "seed": p.run.seed, "status": p.status} for p in results]
    layers = [asdict(report) for report in layer_reports(folder, names)]
    content: dict[str, Any] = json_ready(
        {"runs": runs, "layers": layers, "comparison": asdict(with_effects(compare_study(folder)))}
    )
    return content


def _draw(study: "Study", folder: Path, names: list[str], results: "list[Progress]") -> None:
    """Draw the fitted curves anew for the seeds in which something ran."""
    from normbench.evidence.comparison import read_study_arms
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
