"""Writes the final report of `normbench run`: one run's losses and layers, or a study's comparison."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from normbench.evidence.claims.study_verdicts import study_verdicts
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.evidence.comparison.answer_cells import with_answer
from normbench.evidence.comparison.comparison import StudyComparison, compare_study
from normbench.evidence.comparison.effects import with_first_baseline
from normbench.evidence.layers.layer_report import LayerReport, report_layers
from normbench.evidence.layers.standouts import has_diagnostics, standouts
from normbench.evidence.layers.surface_report import Surface, surfaces
from normbench.evidence.tuning.sensitivity import Sensitivity, tuning_sensitivity
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
    page: str = "",
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
        page: The study's HTML page; "" where none was written.
    """
    return Screen(study, arm_names, config, choices, details=details, end=end, page=page).blocks(max_layers)


@dataclass(frozen=True)
class Screen:
    """The report of the arms that were just run, whose runs are read once for blocks of any length.

    The attributes are the arguments of ``screen_blocks``.
    """

    study: StudyFolder
    arm_names: Sequence[str]
    config: Path
    choices: Sequence[Choice] = ()
    details: bool = False
    end: str = ""
    page: str = ""

    def blocks(self, max_layers: int | None = LONG) -> list[Block]:
        """Return the report with at most so many rows of layers; None for all."""
        folder, arms = self.study.folder, self._arms
        if not arms:
            text = f"{folder.name}: no run finished; error.txt in each run's folder says why."
            return [Block(lines=[Line(text)])]
        found = self._standouts
        measured = any(has_diagnostics(arm.settings) for arm in arms)
        in_full = measured and (self.details or self._num_asked == 1 or not found)
        return [
            *(self._one_run_blocks(max_layers) if self._is_one_run else self._study_blocks(max_layers)),
            *([standouts_block(found)] if in_full else []),
            *surfaces_blocks(self._surfaces),
            *(claims_blocks(self._verdicts, with_origin=False) if self._verdicts else []),
            *self._pointers(),
        ]

    @cached_property
    def _num_asked(self) -> int:
        return sum(arm.folder.name in self.arm_names for arm in self.study.arms)

    @cached_property
    def _arms(self) -> list[Arm]:
        """The arms that were just run, each folder once, since a tuned arm may share the runs of the given one."""
        found: dict[Path, Arm] = {}
        for arm in self.study.arms:
            if arm.folder.name in self.arm_names:
                found.setdefault(arm.folder, arm)
        return list(found.values())

    @cached_property
    def _is_one_run(self) -> bool:
        return self._num_asked == 1 and len(self._arms[0].runs) == 1

    @cached_property
    def _comparison(self) -> StudyComparison:
        return with_answer(with_first_baseline(compare_study(self.study, keeps_runs=not self.study.is_large)))

    @cached_property
    def _sensitivity(self) -> Sensitivity | None:
        return tuning_sensitivity(self.study)

    @cached_property
    def _layers(self) -> list[LayerReport]:
        reports = []
        for arm in self._arms:
            reports.append(report_layers(arm))
            if self.study.is_large:
                arm.release()
        return reports

    @cached_property
    def _standouts(self) -> list[Finding]:
        return [one for arm in self._arms if has_diagnostics(arm.settings) for one in standouts(arm)]

    @cached_property
    def _surfaces(self) -> list[Surface]:
        return surfaces(self._arms)

    @cached_property
    def _verdicts(self) -> list[ClaimVerdict]:
        return study_verdicts(self.study)

    def _one_run_blocks(self, max_layers: int | None) -> list[Block]:
        (arm,) = self._arms
        return [
            header_block(self.study.folder.name, arm, details=self.details),
            *losses_blocks(arm.runs[0].table(METRICS_CSV)),
            *diverged_blocks(arm),
            layers_block(self._layers[0], max_layers, with_arm=False),
            *divergence_blocks(arm, max_layers),
        ]

    def _study_blocks(self, max_layers: int | None) -> list[Block]:
        blocks = comparison_blocks(self._comparison, details=self.details)
        blocks += [*tuning_blocks(self.choices, details=self.details), *sensitivity_blocks(self._sensitivity)]
        if self.details or len(self._arms) == 1:
            for arm, layers in zip(self._arms, self._layers, strict=True):
                blocks += [layers_block(layers, max_layers), *divergence_blocks(arm, max_layers)]
        return blocks

    def _pointers(self) -> list[Block]:
        """Return a run's or study's folder and next steps, after a line on the layers unless details show them."""
        folder, arms = self.study.folder, self._arms
        if len(arms) == 1 and len(arms[0].runs) == 1:
            return [run_pointers(arms[0], self.study.content, self.config)]
        is_told = len(arms) > 1 and not self.details
        layers = [summary_line(self._layers, self._standouts)] if is_told else []
        lines = [*([Line(self.end, "checks")] if self.end else []), *layers]
        return [study_pointers(folder, arms, lines, self.page)]
