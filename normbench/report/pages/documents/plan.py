"""The JSON of `normbench run --dry-run`: an object per study, its runs to make and their cost."""

from collections.abc import Sequence

from typing_extensions import TypedDict

from normbench.findings import Finding
from normbench.report.pages.documents.base import Document


class ArmPlan(TypedDict):
    """The cost of one arm.

    Attributes:
        arm: The arm's label.
        num_missing: Number of missing runs, tuned ones included.
        num_missing_at_first_check: The same of the seeds up to the first check.
        cpu_s_per_run: CPU seconds per run.
        num_tuning_missing: Number of missing tuning runs.
        cpu_s_per_tuning_run: CPU seconds per tuning run, the mean over the values that are tried.
        num_runner_up_missing: Number of missing runs at second-best values, with --tuning-sensitivity.
    """

    arm: str
    num_missing: int
    num_missing_at_first_check: int
    cpu_s_per_run: float
    num_tuning_missing: int
    cpu_s_per_tuning_run: float
    num_runner_up_missing: int


class StudyPlan(TypedDict):
    """The cost of a study.

    Attributes:
        study: The study's name.
        num_arms: Number of arms in the file.
        num_seeds: Number of seeds of each arm.
        num_runs: Number of runs, tuned ones included.
        num_finished: Number of runs with a result.
        num_missing: Number of runs without a result, with all tuned runs of arms that are not tuned yet.
        num_tuning_runs: Number of tuning runs still to make, if no list is widened.
        num_runner_up_runs: Number of runs still to make at second-best values, with --tuning-sensitivity.
        cpu_s: CPU seconds of all these runs.
        arms: The cost of each arm in the file.
        check_after: Numbers of seeds after which checks are made; empty where there are none.
        num_missing_at_first_check: Number of runs without a result up to the first check.
        cpu_s_to_first_check: CPU seconds of these and of all tuning runs.
        findings: What may go wrong in its networks.
    """

    study: str
    num_arms: int
    num_seeds: int
    num_runs: int
    num_finished: int
    num_missing: int
    num_tuning_runs: int
    num_runner_up_runs: int
    cpu_s: float
    arms: Sequence[ArmPlan]
    check_after: Sequence[int]
    num_missing_at_first_check: int
    cpu_s_to_first_check: float
    findings: Sequence[Finding]


DOCUMENT = Document(
    "plan", "normbench run --dry-run", "The runs of a study to make, and their cost.", (StudyPlan,), is_list=True
)
