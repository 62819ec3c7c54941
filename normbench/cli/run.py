"""normbench run: make the missing runs of a study, then print its report."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from normbench.cli._format import AsJson, Format, chosen_format

if TYPE_CHECKING:
    from normbench.cli._after_runs import Ended, View
    from normbench.cli._before_runs import Told
    from normbench.scheduling.executors.base import Executor
    from normbench.scheduling.nothing_to_do import AskedStudy
    from normbench.scheduling.run_result import RunOptions
    from normbench.scheduling.studies import StudyRun, StudyRunner
    from normbench.storage.finished_study import FinishedStudy, Screen
    from normbench.study.study import Study

GROUP = "Start"
PLACE = 2


def command(
    configs: Annotated[
        list[Path], typer.Argument(readable=False, metavar="CONFIG", help="Study files, or names of normbench configs.")
    ],
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
    second_run: Annotated[
        bool, typer.Option("--second-run", help="Run studies whose claims were decided once more, on new seeds.")
    ] = False,
    jobs: Annotated[
        str | None,
        typer.Option(
            "--jobs", metavar="N|auto", help="Runs made at the same time: 1 if not said, with auto one per core."
        ),
    ] = None,
    executor_: Annotated[
        str, typer.Option("--executor", metavar="auto|ray", help="auto: on this machine; ray: on a Ray cluster.")
    ] = "auto",
    share: Annotated[
        str, typer.Option("--share", metavar="cpu=A,gpu=B", help="What each run holds of a Ray cluster's machine.")
    ] = "",
    engine: Annotated[
        Literal["auto", "loop", "stacked"] | None,
        typer.Option("--engine", metavar="ENGINE", help="auto, loop (runs one by one) or stacked (seeds as one)."),
    ] = None,
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
    format_: Format = None,
    json_: AsJson = False,
) -> None:
    """Run what is missing of each study, then report.

    The report has losses, std per layer and the comparison. Finished runs are skipped, stopped ones continue from
    their last checkpoint. Ctrl-C once finishes the step, saves and exits with 130, twice stops now. A failed run does
    not stop the others; the exit code is then 1.

    Example: normbench run lenet_bn --set norm=group_norm --seeds 3
    """
    from normbench.cli._after_runs import View, print_end
    from normbench.cli._before_runs import (
        duration_line,
        print_durations,
        print_plan,
        print_told,
        unfinished_lines,
        what_to_tell,
    )
    from normbench.cli._torch import import_torch
    from normbench.report.terminal.starting import starting_workers
    from normbench.scheduling.executors.base import make_executor
    from normbench.scheduling.interruption import Interruption
    from normbench.scheduling.nothing_to_do import find_finished, read_asked
    from normbench.scheduling.run_result import RunOptions
    from normbench.study.check_plan import read_check_after
    from normbench.study.options import read_seeds, refuse_beside_second_run

    chosen = chosen_format(format_, json=json_)
    how_many = {
        "seeds": read_seeds(seeds),
        "check_after": read_check_after(check_after),
        "until_decided": until_decided,
    }
    interruption = Interruption()
    executor = make_executor(jobs, interruption, executor_, share)
    axes = {"set_": set_ or [], "vary": vary or [], "tune": tune or []}
    changes = {**how_many, **axes, "accept_code": accept_code, "engine": engine}
    seeds_again: dict[Path, int] = {}
    if second_run:
        refuse_beside_second_run({**how_many, **axes, "quick": quick, "tuning_sensitivity": tuning_sensitivity})
        seeds_again = _decided_studies(configs, runs_dir)
        configs = list(seeds_again)
        if not configs:
            return
    asked = read_asked(configs, runs_dir, changes | {"quick": quick, "second_run": second_run, "jobs": jobs or "1"})
    read = partial(
        _load_all, configs, changes, runs_dir, quick=quick, is_judged_again=tuning_sensitivity, seeds_again=seeds_again
    )
    if dry_run:
        print_plan(read(), runs_dir, format_=chosen, with_runner_ups=tuning_sensitivity)
        return
    view = View(all_layers=layers == "all", details=details, format_=chosen)
    if not (force or tuning_sensitivity or second_run) and (finished := find_finished(asked)):
        print_end(_show_finished(asked, finished, view), chosen)
        return
    with interruption.listening(), executor:
        with starting_workers(executor.num_jobs_here, quiet=quiet):
            import_torch()
        studies = read()
        from normbench.scheduling.stacks import num_together  # imports torch, where a signal may get lost
        from normbench.study.data_memory import refuse_data_beyond_memory

        refuse_data_beyond_memory(studies, executor.num_jobs_here, num_together)
        interruption.raise_if_asked()
        told = [what_to_tell(study, runs_dir) for study in studies]
        num_lines = print_told(told, unfinished_lines())
        interruption.raise_if_asked()
        if not quiet:
            line_of = partial(
                duration_line, runs_dir, executor.num_jobs, force=force, with_runner_ups=tuning_sensitivity
            )
            print_durations(studies, line_of, num_lines)
        interruption.raise_if_asked()
        options = RunOptions(force=force, checkpoint_s=checkpoint_every)
        runner = _runner(runs_dir, executor, options, fail_fast=fail_fast, second=tuning_sensitivity, quiet=quiet)
        ended = _run_all(asked, studies, told, runner, view, num_lines)
    interruption.raise_if_asked()
    print_end(ended, chosen)


def _runner(
    runs_dir: Path, executor: "Executor", options: "RunOptions", *, fail_fast: bool, second: bool, quiet: bool
) -> "StudyRunner":
    from normbench.report.terminal.progress import StudyProgress
    from normbench.scheduling.studies import StudyRunner

    display = partial(StudyProgress, quiet=quiet, num_workers=executor.num_jobs_here)
    return StudyRunner(runs_dir, executor, options, display, fail_fast, second)


def _run_all(
    asked: "list[AskedStudy]",
    studies: "list[Study]",
    told: "list[Told]",
    runner: "StudyRunner",
    view: "View",
    num_before: Mapping[str, int],
) -> "Ended":
    """Run and show one study after another; a failed one does not stop the next."""
    from normbench.cli._after_runs import Ended, add_failure, shown_run
    from normbench.cli._before_runs import texts_before_runs
    from normbench.cli._report_page import write_page_after_runs
    from normbench.errors import RunFolderError
    from normbench.scheduling.study_pictures import draw_study

    ended = Ended()
    for one, study, known in zip(asked, studies, told, strict=True):
        run = _run_study(study, runner, ended)
        if run:
            shown = shown_run(one.path, run)
            try:
                found = draw_study(run.study, run.folder, run.results, partial(typer.echo, err=True))
                shown = replace(shown, page=write_page_after_runs(found, shown.arm_names))
                ended.reports.append(view.show(shown, found, num_before[study.name]))
                again = replace(known, texts=texts_before_runs(study, one.folder.parent))
                _leave(one, run, again, partial(view.screen, shown, found))
            except (OSError, RunFolderError) as error:  # the runs are complete; the next command shows them
                add_failure(error, run.folder, ended)
    return ended


def _leave(asked: "AskedStudy", run: "StudyRun", again: "Told", screen: "Callable[[int], Screen | None]") -> None:
    """Leave what a repetition of this command shows, which then need not load torch."""
    from normbench.cli._before_runs import unfinished_lines
    from normbench.scheduling.leaving_finished import leave_finished

    if not (run.failures or unfinished_lines()):
        leave_finished(asked, run, again.texts, again.findings, screen(len(again.lines())))


def _show_finished(asked: "list[AskedStudy]", finished: "list[FinishedStudy]", view: "View") -> "Ended":
    """Show studies of which all runs were finished before, as ``_run_all`` does."""
    from normbench.cli._after_runs import Ended, add_failure, shown_finished
    from normbench.cli._before_runs import Told, print_told
    from normbench.errors import RunFolderError
    from normbench.storage.names import QUICK
    from normbench.storage.study_folder import read_study

    for one in asked:
        if one.options["quick"]:
            _say_quick(one.folder.name.removesuffix(QUICK))
    ended = Ended()
    told = [Told(one.folder.name, study.texts, study.findings) for one, study in zip(asked, finished, strict=True)]
    num_before = print_told(told)
    for one, study in zip(asked, finished, strict=True):
        shown, num_lines = shown_finished(one, study), num_before[one.folder.name]
        try:
            if not view.show_again(shown, study.screen, num_lines):
                ended.reports.append(view.show(shown, read_study(one.folder), num_lines))
        except (OSError, RunFolderError) as error:
            add_failure(error, one.folder, ended)
    return ended


def _run_study(study: "Study", runner: "StudyRunner", ended: "Ended") -> "StudyRun | None":
    """Run one study and add its failures to the lists; return None if it could not be run to its end."""
    from normbench.errors import RunFailedError, RunFolderError

    try:
        run = runner.run(study)
    except RunFolderError as error:
        ended.broken.append(str(error))
        return None
    except RunFailedError as error:
        if runner.fail_fast:
            raise
        ended.failures.append(str(error))
        return None
    ended.failures += run.failures
    return run


def _load_all(
    configs: list[Path],
    changes: "Mapping[str, Any]",
    runs_dir: Path,
    *,
    quick: bool,
    is_judged_again: bool,
    seeds_again: Mapping[Path, int],
) -> "list[Study]":
    """Read the study files, and choose device and engine of each study."""
    from normbench.cli._torch import import_torch
    from normbench.errors import ConfigError

    import_torch()
    from normbench.scheduling.plan import on_device
    from normbench.scheduling.quick_study import quick_study
    from normbench.scheduling.second_study import second_study
    from normbench.study.load import load_study
    from normbench.study.options import refuse_untuned

    given: list[Study] = []
    studies: list[Study] = []
    complaints: list[str] = []
    for path in configs:
        try:
            given.append(load_study(path, **changes))
            study = quick_study(given[-1]) if quick else given[-1]
            study = second_study(study, seeds_again[path]) if seeds_again else study
            studies.append(on_device(study, runs_dir)[0])
        except ConfigError as error:
            complaints += error.complaints
    if complaints:
        raise ConfigError(complaints)
    if is_judged_again:
        refuse_untuned(given, quick=quick)
    for study in given if quick else ():
        _say_quick(study.name)
    return studies


def _decided_studies(configs: list[Path], runs_dir: Path) -> dict[Path, int]:
    """Return the studies with decided claims, each with its number of seeds; say which have none."""
    from normbench.errors import ConfigError
    from normbench.evidence.second_look.second_run import num_decided_seeds

    found: dict[Path, int] = {}
    complaints: list[str] = []
    for path in configs:
        try:
            found[path] = num_decided_seeds(path, runs_dir)
        except ConfigError as error:
            complaints += error.complaints
    if complaints:
        raise ConfigError(complaints)
    for path in [path for path, count in found.items() if not count]:
        typer.echo(f"{path}: no claim is decided, so nothing is run a second time.", err=True)
    return {path: count for path, count in found.items() if count}


def _say_quick(name: str) -> None:
    typer.echo(f"{name}: 2 seeds, a tenth of the steps, nothing tuned. This is no evidence.", err=True)
