"""What `normbench run` prints when all is done: losses, std per layer, comparison, where to look next."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from normbench.evidence.claims.study_verdicts import study_verdicts
from normbench.evidence.comparison.comparison import compare_study
from normbench.evidence.comparison.effects import with_effects
from normbench.evidence.layers.layer_report import LayerReport, report_layers
from normbench.evidence.layers.standouts import has_diagnostics, standouts
from normbench.evidence.layers.surface_report import surfaces
from normbench.report.blocks.run_header import header
from normbench.report.blocks.tables import print_layers, print_losses
from normbench.report.terminal.claims import print_claims
from normbench.report.terminal.comparison import print_comparisons
from normbench.report.terminal.layers import print_divergence, print_standouts, print_surfaces
from normbench.storage.files.plain_text import command_line
from normbench.storage.run_folder import METRICS_CSV, Arm
from normbench.storage.study_folder import read_study_arms


def print_study(console: Console, folder: Path, arm_names: Sequence[str], *, all_layers: bool, config: Path) -> None:
    """Print the report of the arms just run.

    Args:
        console: Where to.
        folder: The study's folder.
        arm_names: ``<arm>-<hash>`` of each arm the command was about.
        all_layers: Show every layer of a long network.
        config: The file that was run, for the lines that say what to do next.
    """
    study, arms, _, _ = read_study_arms(folder)
    mine = [arm for arm in arms if arm.folder.name in arm_names]
    if not mine:
        console.print(f"{folder.name}: no run finished; why stands in error.txt in each run's folder.", soft_wrap=True)
        return
    if len(mine) == 1 and len(mine[0].runs) == 1:
        _print_single(console, folder.name, mine[0])
    else:
        console.print(_study_line(folder.name, str(study.get("question", "")), mine), soft_wrap=True)
    for arm in _by_folder(mine):
        console.print()
        print_layers(console, report_layers(arm), show_all=all_layers)
        print_divergence(console, arm, show_all=all_layers)
    if len(mine) > 1 or any(len(arm.runs) > 1 for arm in mine):
        console.print()
        print_comparisons([with_effects(compare_study(folder))], console)
    measured = [arm for arm in _by_folder(mine) if has_diagnostics(arm.settings)]
    if measured:
        console.print()
        print_standouts(console, [found for arm in measured for found in standouts(arm)])
    walked = surfaces(_by_folder(mine))
    if walked:
        console.print()
        print_surfaces(console, walked)
    verdicts = study_verdicts(folder)
    if verdicts:
        console.print()
        print_claims(verdicts, console)
    console.print()
    console.print("\n".join(_pointers(folder, mine, config)), soft_wrap=True)


def _study_line(name: str, question: str, arms: Sequence[Arm]) -> str:
    counts = sorted({len(arm.runs) for arm in arms})
    seeds = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else str(counts[0])
    size = f"{len(arms)} arm{'' if len(arms) == 1 else 's'}, {seeds} seed{'' if counts == [1] else 's'} each"
    return " · ".join(part for part in (name, question, size) if part)


def layer_reports(folder: Path, arm_names: Sequence[str]) -> list[LayerReport]:
    """Return the std-per-layer reports of the arms just run."""
    _, arms, _, _ = read_study_arms(folder)
    return [report_layers(arm) for arm in _by_folder(arms) if arm.folder.name in arm_names]


def _by_folder(arms: Sequence[Arm]) -> list[Arm]:
    """Return the arms, each folder once: a tuned arm may share the runs of the given one."""
    found: dict[Path, Arm] = {}
    for arm in arms:
        found.setdefault(arm.folder, arm)
    return list(found.values())


def _print_single(console: Console, study: str, arm: Arm) -> None:
    run = arm.runs[0]
    console.print(header(study, arm), soft_wrap=True)
    print_losses(console, run.rows(METRICS_CSV))
    if run.summary["status"] == "diverged":
        console.print(
            f"Diverged: the loss of step {run.summary['step']} was not finite. A smaller optimizer.lr may help."
        )


def _pointers(folder: Path, arms: Sequence[Arm], config: Path) -> list[str]:
    runs_dir = folder.parent
    if len(arms) == 1:
        saved = arms[0].runs[0].folder if len(arms[0].runs) == 1 else arms[0].folder
        other = "norm=batch_norm" if arms[0].settings.get("norm") == "none" else "norm=none"
        run, compare = (
            command_line("run", config, "--set", other, runs_dir=runs_dir),
            command_line("compare", runs_dir=runs_dir),
        )
        following = f"{run}     then     {compare}"
    else:
        saved, following = folder, command_line("compare", folder)
    look = command_line("tensorboard", runs_dir=runs_dir)
    return [f"saved    {shlex.quote(str(saved))}", f"look     {look}", f"next     {following}"]
