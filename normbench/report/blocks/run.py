"""Writes the final report of `normbench run`: one run's losses and layers, or a study's comparison."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from normbench.evidence.claims.study_verdicts import study_verdicts
from normbench.evidence.comparison.answer_cells import with_answer
from normbench.evidence.comparison.comparison import compare_study
from normbench.evidence.comparison.effects import with_first_baseline
from normbench.evidence.layers.layer_report import report_layers
from normbench.evidence.layers.standouts import has_diagnostics, standouts
from normbench.evidence.layers.surface_report import surfaces
from normbench.evidence.tuning.sensitivity import tuning_sensitivity
from normbench.findings import Finding
from normbench.report.blocks.block import Block, Line
from normbench.report.blocks.claims import claims_blocks
from normbench.report.blocks.comparison import comparison_blocks
from normbench.report.blocks.layers import (
    LONG,
    divergence_blocks,
    layers_block,
    standouts_block,
    summary_line,
    surfaces_blocks,
)
from normbench.report.blocks.next_steps import run_pointers, study_pointers
from normbench.report.blocks.one_run import diverged_blocks, header_block, losses_blocks
from normbench.report.blocks.tuning import sensitivity_blocks, tuning_blocks
from normbench.storage.choices import Choice
from normbench.storage.run_folder import METRICS_CSV, Arm
from normbench.storage.study_folder import StudyFolder


def screen_blocks(
    study: StudyFolder,
    arm_names: Sequence[str],
    config: Path,
    choices: Sequence[Choice] = (),
    *,
    max_layers: int | None = LONG,
    details: bool = False,
    end: str = "",
) -> list[Block]:
    """Return the report of the arms that were just run.

    Args:
        study: The study, read from its folder.
        arm_names: Names of the folders of the arms that were just run.
        config: The file that was run, for the next steps.
        choices: The choices of tuning.
        max_layers: Most rows of a table of layers; None for all.
        details: Whether to add each arm's layers, parameters and CPU time.
        end: Why no more seeds were added, of a study that is run check by check.
    """
    folder = study.folder
    mine = [arm for arm in study.arms if arm.folder.name in arm_names]
    if not mine:
        text = f"{folder.name}: no run finished; error.txt in each run's folder says why."
        return [Block(lines=[Line(text)])]
    if len(mine) == 1 and len(mine[0].runs) == 1:
        blocks = _one_run_blocks(folder.name, mine[0], max_layers, details=details)
    else:
        blocks = _study_blocks(study, _by_folder(mine), choices, max_layers, details=details)
    measured = [arm for arm in _by_folder(mine) if has_diagnostics(arm.settings)]
    found = [one for arm in measured for one in standouts(arm)]
    in_full = [standouts_block(found)] if measured and (details or len(mine) == 1 or not found) else []
    verdicts = study_verdicts(study)
    claims = claims_blocks(verdicts, with_origin=False) if verdicts else []
    return [
        *blocks,
        *in_full,
        *surfaces_blocks(surfaces(_by_folder(mine))),
        *claims,
        *_pointers(folder, _by_folder(mine), study.content, config, end, None if details else found),
    ]


def _one_run_blocks(study: str, arm: Arm, max_layers: int | None, *, details: bool) -> list[Block]:
    metrics = arm.runs[0].table(METRICS_CSV)
    layers = layers_block(report_layers(arm), max_layers, with_arm=False)
    return [
        header_block(study, arm, details=details),
        *losses_blocks(metrics),
        *diverged_blocks(arm),
        layers,
        *divergence_blocks(arm, max_layers),
    ]


def _study_blocks(
    study: StudyFolder, arms: Sequence[Arm], choices: Sequence[Choice], max_layers: int | None, *, details: bool
) -> list[Block]:
    comparison = with_answer(with_first_baseline(compare_study(study)))
    blocks = comparison_blocks(comparison, details=details)
    blocks += [*tuning_blocks(choices, details=details), *sensitivity_blocks(tuning_sensitivity(study))]
    for arm in arms if details or len(arms) == 1 else ():
        blocks += [layers_block(report_layers(arm), max_layers), *divergence_blocks(arm, max_layers)]
    return blocks


def _pointers(
    folder: Path,
    arms: Sequence[Arm],
    study: Mapping[str, Any],
    config: Path,
    end: str,
    found: Sequence[Finding] | None,
) -> list[Block]:
    """Return a run's or study's folder and next steps, after a line on the layers unless ``found`` is None."""
    if len(arms) == 1 and len(arms[0].runs) == 1:
        return [run_pointers(arms[0], study, config)]
    is_told = len(arms) > 1 and found is not None
    layers = [summary_line([report_layers(arm) for arm in arms], found or ())] if is_told else []
    return [study_pointers(folder, arms, [*([Line(end, "checks")] if end else []), *layers])]


def _by_folder(arms: Sequence[Arm]) -> list[Arm]:
    """Return the arms with each folder once, since a tuned arm may share the runs of the given one."""
    found: dict[Path, Arm] = {}
    for arm in arms:
        found.setdefault(arm.folder, arm)
    return list(found.values())
