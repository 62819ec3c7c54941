"""Arms of a study side by side, from files alone: what differs, mean and std over seeds."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from normbench.errors import ComparisonError
from normbench.evidence.metrics import OUTPUT_STDS, SURGE, check_metrics, read_metrics
from normbench.evidence.paired import Effect
from normbench.evidence.run_folder import (
    ARM_JSON,
    STUDY_JSON,
    Arm,
    read_arm,
    read_json,
)

DEFAULT_METRICS = ("test_accuracy", "test_loss", "noise_free_loss", "train_loss")
SIGNAL_METRICS = (*OUTPUT_STDS, "output_mean_training", "output_mean_evaluation")
"""What is read of a signal without a target."""


@dataclass(frozen=True)
class Figure:
    """One metric of one arm over its seeds.

    Attributes:
        values: One number per seed.
        mean: Their mean.
        std: Their sample standard deviation (n - 1), None with one seed.
    """

    values: tuple[float, ...]
    mean: float
    std: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> "Figure":
        """Summarise the values of an arm's seeds."""
        std = statistics.stdev(values) if len(values) > 1 and all(map(math.isfinite, values)) else None
        return cls(tuple(values), math.fsum(values) / len(values) if values else math.nan, std)


@dataclass(frozen=True)
class Row:
    """One arm in a comparison."""

    arm: str
    settings: Mapping[str, Any]
    seeds: tuple[int, ...]
    num_diverged: int
    figures: Mapping[str, Figure]
    num_parameters: int
    cpu_ms_per_step: float | None
    quote: str = ""
    effect: Effect | None = None


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
        baseline: What the others are judged against.
        missing: Arms without a finished run.
        left_out: Folders of arms that the study no longer names so.
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

    @property
    def is_evidence(self) -> bool:
        """Whether any arm has more than one seed; one seed each is a look."""
        return any(len(row.seeds) > 1 for row in self.rows)


def compare_runs(
    paths: Sequence[Path] = (), runs_dir: Path = Path("runs"), metrics: Sequence[str] = ()
) -> list[StudyComparison]:
    """Compare the arms of each study found; reads files only.

    Args:
        paths: Study folders, or folders that hold some; ``runs_dir`` if empty.
        runs_dir: Where runs are kept.
        metrics: What to compare, as ``read_metrics`` takes it; the usual losses and accuracies if empty.

    Raises:
        ComparisonError: Nothing to compare there, or no such metric.
        RunFolderError: A run's file is missing or was changed.
    """
    folders = [folder for path in paths or [runs_dir] for folder in find_studies(path)]
    return [compare_study(folder, metrics) for folder in dict.fromkeys(folders)]


def find_studies(path: Path) -> list[Path]:
    """Return the study folders at or in ``path``.

    Raises:
        ComparisonError: There is none.
    """
    if (path / STUDY_JSON).is_file():
        return [path]
    found = sorted(inner.parent for inner in path.glob(f"*/{STUDY_JSON}"))
    if not found:
        way_out = "Run a config first: normbench run configs/lenet_bn.yaml"
        raise ComparisonError(f"{path}: must hold runs of a study, got none. {way_out}")
    return found


def read_study_arms(folder: Path) -> tuple[dict[str, Any], list[Arm], list[str], list[str]]:
    """Return study.json, the arms it is about, the arms without runs, and the folders left out."""
    study = read_json(folder / STUDY_JSON)
    found = {path.parent.name: path.parent for path in sorted(folder.glob(f"*/{ARM_JSON}"))}
    named = [f"{arm['arm']}-{arm['hash']}" for arm in study.get("arms", [])]
    others = [name for name in found if name not in named]
    wanted = sorted(found) if study.get("is_plain") else [name for name in named if name in found]
    arms = [read_arm(found[name]) for name in wanted]
    gone = [] if study.get("is_plain") else [name.rpartition("-")[0] for name in named if name not in found]
    missing = [*(arm.name for arm in arms if not arm.runs), *gone]
    left_out = [] if study.get("is_plain") else others
    return study, [arm for arm in arms if arm.runs], missing, left_out


def compare_study(folder: Path, metrics: Sequence[str] = ()) -> StudyComparison:
    """Compare the arms of one study.

    Raises:
        RunFolderError: A file is missing or was changed.
    """
    study, arms, missing, left_out = read_study_arms(folder)
    quotes = study.get("quotes", {})
    check_metrics([arm.runs[0] for arm in arms] if metrics else [], metrics if arms else [])
    chosen = list(metrics) or _metrics(arms)
    rows = [_row(arm, chosen, quotes.get(arm.name, "")) for arm in arms]
    question = study.get("question", "")
    source = study.get("source", f"configs/{folder.name}.yaml")
    return StudyComparison(
        study=folder.name,
        question=question,
        source=source,
        rows=rows,
        differing=_differing(arms),
        is_plain=bool(study.get("is_plain")),
        runs_dir=str(folder.parent),
        set_=tuple(study.get("set", ())),
        baseline=study.get("baseline"),
        missing=missing,
        left_out=left_out,
    )


def _metrics(arms: Sequence[Arm]) -> list[str]:
    found = {column for arm in arms for column in arm.runs[0].summary.get("constant_predictor", {})}
    known = [metric for metric in DEFAULT_METRICS if metric in found]
    if not known:
        return list(SIGNAL_METRICS) if arms else []
    batches = any(arm.runs[0].summary.get("steps_per_epoch", 1) > 1 for arm in arms)
    return known + ([SURGE] if batches else [])


def _row(arm: Arm, metrics: Sequence[str], quote: str) -> Row:
    values = [read_metrics(run, metrics) for run in arm.runs]
    costs = [cost for run in arm.runs if (cost := run.environment.get("cpu_s_per_step")) is not None]
    return Row(
        arm=arm.name,
        settings=arm.settings,
        seeds=arm.seeds,
        num_diverged=sum(run.summary.get("status") == "diverged" for run in arm.runs),
        figures={metric: Figure.of([found[metric] for found in values]) for metric in metrics},
        num_parameters=arm.runs[0].summary.get("num_parameters", 0),
        cpu_ms_per_step=1000 * statistics.fmean(costs) if costs else None,
        quote=quote,
    )


def _differing(arms: Sequence[Arm]) -> list[str]:
    """Return the settings in which arms differ, in the order of a config.

    A setting that only some variants of a part have counts where someone set it.
    """
    said = {key for arm in arms for key in arm.changed}
    order = list(dict.fromkeys(key for arm in arms for key in arm.settings))
    return [key for key in order if key in said and len({str(arm.settings.get(key)) for arm in arms}) > 1]
