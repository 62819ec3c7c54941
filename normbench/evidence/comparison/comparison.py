"""Arms of a study side by side, from files alone: what differs, mean, std and interval over seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from normbench.errors import ComparisonError
from normbench.evidence.comparison.baselines import Baseline, baseline_of
from normbench.evidence.comparison.rows import Row, arm_row
from normbench.evidence.comparison.selection import Condition, check_some_left, read_conditions, select_arms
from normbench.evidence.metrics.run_metrics import OUTPUT_STDS, SURGE, check_metrics
from normbench.storage.arm_id import ArmSet
from normbench.storage.run_folder import STUDY_JSON, Arm, Run
from normbench.storage.study_folder import StudyFolder, axes_and_named_keys, read_studies

DEFAULT_METRICS = ("test_accuracy", "test_loss", "noise_free_loss", "train_loss")
SIGNAL_METRICS = (*OUTPUT_STDS, "output_mean_training", "output_mean_evaluation")
"""What is read of a signal without a target."""


@dataclass(frozen=True)
class StudyComparison:
    """One study's arms side by side.

    Attributes:
        study: Its name.
        question: Its first line.
        source: The file it was run from.
        rows: One per arm with finished runs.
        differing: The settings in which the rows differ.
        is_plain: The file names no arms.
        runs_dir: Where it lies.
        set_: ``KEY=VALUE`` changes of the command that ran it last.
        baseline: What the others are judged against, for people.
        against: The same with its keys in full.
        axes: The keys that a grid sets, in full.
        named: The keys that arms under ``arms:`` set.
        missing: Arms without a finished run.
        left_out: Folders of arms that the study no longer names so.
        tuned_keys: Settings that were chosen for each arm by tuning.
        versions: Of what the runs used, and their devices: all that occur.
        is_first_baseline: No baseline is named, and the first row serves as one.
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
    tuned_keys: Sequence[str] = ()
    versions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    is_first_baseline: bool = False
    against: Baseline | None = None
    axes: Sequence[str] = ()
    named: Sequence[str] = ()

    @cached_property
    def arm_set(self) -> ArmSet:
        """The rows' arms, as selectors choose from them."""
        return ArmSet([row.labelled for row in self.rows], self.axes, self.named)

    @property
    def is_evidence(self) -> bool:
        """Whether any arm has more than one seed; one seed each is none."""
        return any(len(row.seeds) > 1 for row in self.rows)


def compare_runs(
    paths: Sequence[Path] = (), runs_dir: Path = Path("runs"), metrics: Sequence[str] = (), where: Sequence[str] = ()
) -> list[StudyComparison]:
    """Compare the arms of each study found; reads files only.

    Args:
        paths: Study folders, or folders that hold some; ``runs_dir`` if empty.
        runs_dir: Where runs are kept.
        metrics: What to compare, as ``read_metrics`` takes it; the usual losses and accuracies if empty.
        where: ``KEY=VALUE`` conditions; only arms that meet them all, and studies with such arms.

    Raises:
        ComparisonError: Nothing to compare there, no such metric, or no such arm.
        RunFolderError: A run's file is missing or was changed.
    """
    return [comparison for _, comparison in compare_studies(read_studies(paths or [runs_dir]), metrics, where)]


def compare_studies(
    studies: Sequence[StudyFolder], metrics: Sequence[str] = (), where: Sequence[str] = ()
) -> list[tuple[StudyFolder, StudyComparison]]:
    """Compare the arms of studies that were read, as ``compare_runs`` does; each is returned beside its comparison."""
    conditions = read_conditions(where)
    compared = [(study, compare_study(study, metrics, conditions)) for study in studies]
    if conditions and not any(comparison.rows for _, comparison in compared):
        check_some_left([arm for study in studies for arm in study.arms], conditions)
    return [pair for pair in compared if pair[1].rows or not conditions]


def compare_study(
    study: StudyFolder, metrics: Sequence[str] = (), conditions: Sequence[Condition] = ()
) -> StudyComparison:
    """Compare the arms of one study.

    Raises:
        ComparisonError: No such metric.
        RunFolderError: A file is missing or was changed.
    """
    said, folder = study.content, study.folder
    planned = {entry["arm"]: place for place, entry in enumerate(said.get("arms", ()))}
    arms = sorted(select_arms(study.arms, conditions), key=lambda arm: planned.get(arm.name, len(planned)))
    quotes = said.get("quotes", {})
    _check_metrics([arm.runs[0] for arm in arms], metrics)
    chosen = list(metrics) or _metrics(arms)
    seeds = {*said.get("seeds", ()), *(seed for arm in arms for seed in arm.seeds)}
    rows = [arm_row(arm, chosen, quotes.get(arm.name, ""), seeds) for arm in arms]
    against = baseline_of(said, folder / STUDY_JSON)
    axes, named = axes_and_named_keys(said)
    question = said.get("question", "")
    source = said.get("source", f"configs/{folder.name}.yaml")
    return StudyComparison(
        study=folder.name,
        question=question,
        source=source,
        rows=rows,
        differing=_differing(arms),
        is_plain=bool(said.get("is_plain")),
        runs_dir=str(folder.parent),
        set_=tuple(said.get("set", ())),
        baseline=against.said if against else None,
        against=against,
        axes=axes,
        named=named,
        missing=study.missing,
        left_out=study.left_out,
        tuned_keys=tuple(said.get("tune") or ()),
        versions=_versions(arms),
    )


def _check_metrics(runs: Sequence[Run], metrics: Sequence[str]) -> None:
    """Look for the metrics in one arm, and only where one is not there in all: of a thousand arms that is seen."""
    if not runs or not metrics:
        return
    try:
        check_metrics(runs[:1], metrics)
    except ComparisonError:
        check_metrics(runs, metrics)


def _metrics(arms: Sequence[Arm]) -> list[str]:
    found = {column for arm in arms for column in arm.runs[0].summary.get("constant_predictor", {})}
    known = [metric for metric in DEFAULT_METRICS if metric in found]
    if not known:
        return list(SIGNAL_METRICS) if arms else []
    batches = any(arm.runs[0].summary.get("steps_per_epoch", 1) > 1 for arm in arms)
    return known + ([SURGE] if batches else [])


def _versions(arms: Sequence[Arm]) -> dict[str, list[str]]:
    found: dict[str, dict[str, None]] = {}
    for arm in arms:
        for run in arm.runs:
            said = {key: run.environment.get(key) for key in ("python", "device")} | run.environment.get("versions", {})
            for name, version in said.items():
                if version:
                    found.setdefault(name, {})[str(version)] = None
    return {name: list(versions) for name, versions in found.items()}


def _differing(arms: Sequence[Arm]) -> list[str]:
    """Return the settings in which arms differ, in the order of a config.

    A setting that only some variants of a part have counts where someone set it.
    """
    said = {key for arm in arms for key in arm.changed}
    order = list(dict.fromkeys(key for arm in arms for key in arm.settings))
    return [key for key in order if key in said and len({str(arm.settings.get(key)) for arm in arms}) > 1]
