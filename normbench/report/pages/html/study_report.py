"""StudyReport: all that the page of one study shows, read from its folder."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from normbench.errors import ComparisonError
from normbench.evidence.claims.study_verdicts import study_verdicts
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.evidence.comparison.answer_cells import with_answer
from normbench.evidence.comparison.comparison import StudyComparison, compare_study
from normbench.evidence.comparison.costs import ArmCost, read_cost
from normbench.evidence.comparison.effects import main_metric, with_first_baseline
from normbench.evidence.comparison.pivot import Pivot, make_pivots
from normbench.evidence.comparison.pivot_axes import is_number
from normbench.evidence.comparison.telling_arms import telling_arms
from normbench.evidence.layers.layer_findings import layer_findings
from normbench.evidence.layers.layer_report import report_layers
from normbench.evidence.layers.standouts import has_diagnostics, standouts
from normbench.evidence.tuning.sensitivity import Sensitivity, tuning_sensitivity
from normbench.findings import Finding
from normbench.storage.run_folder import Arm
from normbench.storage.study_folder import StudyFolder

MAX_ARMS = 8
"""Arms whose losses, layers and distributions are drawn."""


@dataclass(frozen=True)
class StudyReport:
    """A study with its comparison; the rest is read when it is asked for.

    Attributes:
        study: The study's folder.
        comparison: The comparison of its arms, with effects and answer.
        asked_arms: Labels of the arms to draw; those that tell the result if empty.
    """

    study: StudyFolder
    comparison: StudyComparison
    asked_arms: Sequence[str] = field(default_factory=tuple)

    def with_arms(self, labels: Sequence[str]) -> "StudyReport":
        """Return the report with these arms drawn; those that tell the result if there are none."""
        return StudyReport(self.study, self.comparison, tuple(labels))

    @property
    def metric(self) -> str | None:
        """The metric that decides; None for a dataset without a target."""
        return main_metric(self.comparison)

    @cached_property
    def pivots(self) -> list[Pivot]:
        """The tables by the first two settings of a grid, or by its only one where that is a number.

        Empty where there are no such settings, and where arms would share a cell.
        """
        axes = list(self.comparison.axes)[:2]
        if not axes or self.metric is None or (len(axes) == 1 and not self._is_sweep(axes[0])):
            return []
        try:
            return make_pivots(self.comparison, axes)
        except ComparisonError:
            return []

    def _is_sweep(self, key: str) -> bool:
        """Return whether a setting has at least three values, all of them numbers."""
        values = [row.settings.get(key) for row in self.comparison.rows]
        return all(map(is_number, values)) and len(set(values)) > 2

    @cached_property
    def drawn_arms(self) -> list[Arm]:
        """The arms whose losses, layers and distributions are drawn."""
        chosen = set(self.asked_arms or telling_arms(self.comparison, MAX_ARMS))
        arms = {arm.name: arm for arm in self.study.arms}
        return [arms[row.arm] for row in self.comparison.rows if row.arm in chosen]

    @cached_property
    def verdicts(self) -> list[ClaimVerdict]:
        """The verdicts of the study's claims."""
        return study_verdicts(self.study)

    @cached_property
    def sensitivity(self) -> Sensitivity | None:
        """What verdicts become at second-best values; None where the study was not run at these."""
        return tuning_sensitivity(self.study)

    @cached_property
    def findings(self) -> dict[str, list[Finding]]:
        """What is wrong in the layers of each drawn arm, by label: outputs, and with diagnostics what stands out."""
        return {arm.name: [*layer_findings(report_layers(arm)), *standouts(arm)] for arm in self.drawn_arms}

    @property
    def has_diagnostics(self) -> bool:
        """Whether any drawn arm recorded diagnostics."""
        return any(has_diagnostics(arm.settings) for arm in self.drawn_arms)

    @cached_property
    def costs(self) -> list[ArmCost]:
        """What the runs of each arm cost."""
        found = []
        for arm in self.study.arms:
            found.append(read_cost(arm))
            if self.study.is_large:
                arm.release()
        return found


def read_report(study: StudyFolder) -> StudyReport:
    """Compare the arms of a study for its page.

    Raises:
        RunFolderError: A file is missing or was changed.
    """
    return StudyReport(study, with_answer(with_first_baseline(compare_study(study, keeps_runs=not study.is_large))))
