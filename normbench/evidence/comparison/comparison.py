"""Compares the arms of studies from their folders: a row per arm, and the settings in which they differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from normbench.errors import ComparisonError
from normbench.evidence.comparison.answer import Answer
from normbench.evidence.comparison.baselines import Baseline, read_baseline
from normbench.evidence.comparison.checks import read_seed_plan
from normbench.evidence.comparison.collapses import BY_TASK, CollapseRule, not_learned, read_collapse_rule
from normbench.evidence.comparison.rows import Row, read_row
from normbench.evidence.comparison.run_versions import Versions
from normbench.evidence.comparison.selection import Condition, read_conditions, refuse_empty_selection, select_arms
from normbench.evidence.metrics.run_metrics import OUTPUT_STDS, SURGE, check_metrics
from normbench.evidence.statistics.seed_plan import JUDGED_ONCE, SeedPlan
from normbench.storage.accepted_code import read_accepted_code
from normbench.storage.arm_id import ArmSet
from normbench.storage.choices import TUNING_SENSITIVITY
from normbench.storage.own_metric import NAME
from normbench.storage.run_folder import STUDY_JSON, Arm, Run
from normbench.storage.study_folder import KEPT_RUNS, StudyFolder, arm_folders
from normbench.storage.study_search import read_studies

DEFAULT_METRICS = ("test_dice", "test_accuracy", "test_loss", "noise_free_loss", "train_loss")
FIRST_TUNING_SEEDS = (1000, 1001)
"""Those of a study.json that names none, as it was written before there were four."""
SIGNAL_METRICS = (*OUTPUT_STDS, "output_mean_training", "output_mean_evaluation")
"""Default metrics of a dataset without a target."""
LATE_MARGIN = "margin_changed_after_runs"
"""Key of study.json: the margin is another than that with which runs of the study had finished."""


@dataclass(frozen=True)
class StudyComparison:
    """The arms of one study, a row for each.

    Attributes:
        study: The study's name.
        question: The first comment of its file.
        source: The file that it was run from.
        rows: One row per arm with finished runs.
        differing: Full keys of the settings in which the rows differ.
        is_plain: Whether the file has no arms, grid, zip or tune.
        runs_dir: The runs folder.
        set_: ``KEY=VALUE`` texts of the last command's ``--set``.
        baseline: The baseline as text for people.
        against: The baseline with full keys.
        axes: Full keys of ``grid:``, ``zip:`` and ``--vary``.
        named: Full keys that the arms under ``arms:`` set.
        missing: Labels of arms without a finished run.
        left_out: Names of folders of arms that the study no longer lists.
        unreadable: A line for each arm whose folder or settings cannot be read.
        accepted_code: Files and packages of the user's that were changed between runs, and accepted.
        tuned_keys: Keys whose values tuning chose for each arm.
        tuning_seeds: Seeds that they were chosen on.
        is_second_best: Whether tuned arms run at their second-best values.
        versions: All versions, devices and engines of the runs, by name.
        is_first_baseline: Whether the first row is the baseline because none is named.
        judges_collapse: Whether a run can collapse without diverging: it has a limit for its last loss or accuracy.
        collapse_rule: What the study counts as a collapse.
        is_rule_late: Whether the rule was changed after runs had finished.
        seed_plan: How the seeds were asked for, which decides how verdicts are made.
        margin: The smallest difference that matters; None where none is stated.
        is_margin_late: Whether the margin was stated or changed after runs had finished.
        has_own_metrics: Whether the metrics were named, and are not the usual ones.
        answer: Which arm to take; None before ``with_answer``, and where there is no answer.
    """

    study: str
    question: str
    source: str
    rows: Sequence[Row]
    differing: Sequence[str]
    is_plain: bool
    runs_dir: str = "runs"
    set_: Sequence[str] = ()
    baseline: str | None = None
    missing: Sequence[str] = ()
    left_out: Sequence[str] = field(default_factory=tuple)
    unreadable: Sequence[str] = ()
    accepted_code: Sequence[str] = ()
    tuned_keys: Sequence[str] = ()
    tuning_seeds: Sequence[int] = ()
    is_second_best: bool = False
    versions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    is_first_baseline: bool = False
    against: Baseline | None = None
    axes: Sequence[str] = ()
    named: Sequence[str] = ()
    judges_collapse: bool = False
    collapse_rule: CollapseRule = BY_TASK
    is_rule_late: bool = False
    seed_plan: SeedPlan = JUDGED_ONCE
    margin: float | None = None
    is_margin_late: bool = False
    has_own_metrics: bool = False
    answer: Answer | None = None

    @cached_property
    def arm_set(self) -> ArmSet:
        """The arms of all rows, for selectors to choose from."""
        return ArmSet([row.labelled for row in self.rows], self.axes, self.named)

    @property
    def is_evidence(self) -> bool:
        """Whether any arm has more than one seed."""
        return any(len(row.seeds) > 1 for row in self.rows)

    @property
    def not_learned(self) -> str:
        """A sentence where more than half of all runs collapsed: then there is no verdict; else ""."""
        collapsed, runs = sum(row.num_collapsed for row in self.rows), sum(len(row.seeds) for row in self.rows)
        return not_learned(collapsed, runs, "collapsed" if self.judges_collapse else "diverged")


def compare_runs(
    paths: Sequence[Path | str] = (),
    runs_dir: Path | str = "runs",
    metrics: Sequence[str] = (),
    where: Sequence[str] = (),
) -> list[StudyComparison]:
    """Compare the arms of each study found, from files alone.

    Args:
        paths: Study folders, or folders that hold some; ``runs_dir`` if empty.
        runs_dir: The runs folder.
        metrics: Metrics to compare, as ``read_metrics`` takes them; the usual losses and accuracies if empty.
        where: ``KEY=VALUE`` conditions; arms that do not meet all of them are left out.

    Raises:
        ComparisonError: There is nothing to compare, no such metric, or no such arm.
        RunFolderError: A run's file is missing or was changed.
    """
    studies = read_studies([Path(path) for path in paths or [runs_dir]])
    return [comparison for _, comparison in compare_studies(studies, metrics, where)]


def compare_studies(
    studies: Sequence[StudyFolder], metrics: Sequence[str] = (), where: Sequence[str] = ()
) -> list[tuple[StudyFolder, StudyComparison]]:
    """Compare the arms of studies that have been read; return each study with its comparison."""
    conditions = read_conditions(where)
    keeps_runs = sum(len(arm.runs) for study in studies for arm in study.arms) <= KEPT_RUNS
    compared = [(study, compare_study(study, metrics, conditions, keeps_runs=keeps_runs)) for study in studies]
    if conditions and not any(comparison.rows for _, comparison in compared):
        refuse_empty_selection([arm for study in studies for arm in study.arms], conditions)
    return [pair for pair in compared if pair[1].rows or not conditions]


def compare_study(
    study: StudyFolder, metrics: Sequence[str] = (), conditions: Sequence[Condition] = (), *, keeps_runs: bool = True
) -> StudyComparison:
    """Compare the arms of one study.

    Args:
        study: The study.
        metrics: As for ``compare_runs``.
        conditions: Conditions that an arm must meet.
        keeps_runs: Whether runs keep what was read of them, for claims and others that ask for it later.

    Raises:
        ComparisonError: No run has a metric.
        RunFolderError: A file is missing or was changed.
    """
    content, folder = study.content, study.folder
    planned = {arm: place for place, arm in enumerate(arm_folders(content))}
    arms = sorted(select_arms(study.arms, conditions), key=lambda arm: planned.get(arm.name, len(planned)))
    quotes = content.get("quotes", {})
    _check_metrics([arm.runs[0] for arm in arms], metrics)
    chosen = list(metrics) or _default_metrics(arms)
    seeds = {*content.get("seeds", ()), *(seed for arm in arms for seed in arm.seeds)}
    rule = read_collapse_rule(content, folder / STUDY_JSON)
    versions, rows, judges_collapse = Versions(), [], False
    for arm in arms:
        rows.append(read_row(arm, chosen, quotes.get(arm.name, ""), seeds, rule))
        versions.add(arm.runs)
        judges_collapse = judges_collapse or any(map(rule.limit_of, arm.runs))
        if not keeps_runs:
            arm.release()
    against = read_baseline(content)
    question = content.get("question", "")
    source = content.get("source", folder.name)
    return StudyComparison(
        study=folder.name,
        question=question,
        source=source,
        rows=rows,
        differing=_differing(arms),
        is_plain=content.get("is_plain", False),
        runs_dir=str(folder.parent),
        set_=tuple(content.get("set", ())),
        baseline=against.said if against else None,
        against=against,
        axes=content.get("axes", ()),
        named=content.get("named", ()),
        missing=study.missing,
        left_out=study.left_out,
        unreadable=list(study.unreadable.values()),
        accepted_code=list(dict.fromkeys(name for one in read_accepted_code(content) for name in one.changed)),
        tuned_keys=tuple(content.get("tune") or ()),
        tuning_seeds=tuple(content.get("tuning_seeds", FIRST_TUNING_SEEDS)),
        is_second_best=TUNING_SENSITIVITY in (content.get("options") or {}),
        versions=versions.by_name(),
        judges_collapse=judges_collapse,
        collapse_rule=rule,
        is_rule_late=content.get("collapse_changed_after_runs", False),
        seed_plan=read_seed_plan(content, {arm.identity for arm in arms}),
        margin=content.get("margin"),
        is_margin_late=content.get("margin_changed_after_runs", False),
        has_own_metrics=bool(metrics),
    )


def _check_metrics(runs: Sequence[Run], metrics: Sequence[str]) -> None:
    """Check the metrics in one run, and in all only if that one lacks them, as there may be a thousand arms."""
    if not runs or not metrics:
        return
    try:
        check_metrics(runs[:1], metrics)
    except ComparisonError:
        check_metrics(runs, metrics)


def _default_metrics(arms: Sequence[Arm]) -> list[str]:
    """Return the user's own metric first, then the usual ones; own functions may have no constant predictor."""
    found = {column for arm in arms for column in arm.runs[0].summary.get("constant_predictor", {})}
    with_own = [arm for arm in arms if arm.settings.get(NAME) or arm.settings.get("loss")]
    found |= {column for arm in with_own for column in arm.runs[0].summary.get("metrics", ())}
    own = [f"test_{name}" for name in dict.fromkeys(arm.settings.get(NAME) for arm in arms) if name]
    known = [metric for metric in (*own, *DEFAULT_METRICS) if metric in found]
    if not known:
        return list(SIGNAL_METRICS) if arms else []
    batches = any(arm.runs[0].summary.get("steps_per_epoch", 1) > 1 for arm in arms)
    return known + ([SURGE] if batches else [])


def _differing(arms: Sequence[Arm]) -> list[str]:
    """Return the settings in which arms differ, in the order of a config.

    A setting counts only if at least one arm has it at another value than its default.
    """
    changed = {key for arm in arms for key in arm.changed}
    order = list(dict.fromkeys(key for arm in arms for key in arm.settings))
    return [key for key in order if key in changed and len({str(arm.settings.get(key)) for arm in arms}) > 1]
