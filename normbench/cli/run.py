"""normbench run: make the missing runs of a study, then print its report."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from normbench.cli._format import AsJson, Format, chosen_format

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
    from normbench.cli._asked_runs import AskedRuns
    from normbench.cli._before_runs import print_plan
    from normbench.cli._finished_runs import show_finished
    from normbench.cli._make_runs import MadeRuns
    from normbench.cli._second_run import studies_run_again
    from normbench.scheduling.executors.base import make_executor
    from normbench.scheduling.interruption import Interruption
    from normbench.scheduling.nothing_to_do import find_finished
    from normbench.scheduling.run_result import RunOptions
    from normbench.study.check_plan import read_check_after
    from normbench.study.options import read_seeds

    chosen = chosen_format(format_, json=json_)
    new_seeds = {"seeds": read_seeds(seeds), "check_after": read_check_after(check_after)}
    changes: dict[str, Any] = {
        **new_seeds,
        "until_decided": until_decided,
        "set_": set_ or [],
        "vary": vary or [],
        "tune": tune or [],
    }
    interruption = Interruption()
    executor = make_executor(jobs, interruption, executor_, share)
    seeds_again: dict[Path, int] = {}
    if second_run:
        options = {**changes, "quick": quick, "tuning_sensitivity": tuning_sensitivity}
        seeds_again = studies_run_again(configs, runs_dir, options)
        configs = list(seeds_again)
        if not configs:
            return
    changes |= {"accept_code": accept_code, "engine": engine}
    runs = AskedRuns(configs, runs_dir, changes, quick, tuning_sensitivity, seeds_again)
    asked = runs.without_torch(jobs or "1")
    if dry_run:
        print_plan(runs.studies(), runs_dir, format_=chosen, with_runner_ups=tuning_sensitivity)
        return
    view = View(all_layers=layers == "all", details=details, format_=chosen)
    if not (force or tuning_sensitivity or second_run) and (finished := find_finished(asked)):
        print_end(show_finished(asked, finished, view), chosen)
        return
    with interruption.listening(), executor:
        how = RunOptions(force=force, checkpoint_s=checkpoint_every)
        ended = MadeRuns(runs, executor, how, view, fail_fast, quiet).make(asked)
    interruption.raise_if_asked()
    print_end(ended, chosen)
