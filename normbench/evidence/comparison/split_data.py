"""SplitData: the finite data of an arm and how its seeds split them; whether anything can be said of new data.

Generated data are drawn anew by each seed, so there the seeds themselves are new data. Of finite data each seed is a
split of the same rows. The rules are in docs/methods.md, "10. Finite data".
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from normbench.errors import RunFolderError
from normbench.evidence.metrics.bounded import rows_read
from normbench.evidence.statistics.means import mean_of
from normbench.evidence.statistics.seed_plan import SeedPlan
from normbench.storage.contents.summary import SummaryContent
from normbench.storage.run_folder import SUMMARY_JSON, Arm, Run

FIX = "fix"
ONE_SPLIT, IN_STEPS, OTHER_DATA = "one split", "moves in steps", "different data"
"""Why nothing is said of new data."""


@dataclass(frozen=True)
class SplitData:
    """Finite data, and the splits of an arm's runs.

    Attributes:
        num_rows: Number of rows, or images, of all splits together.
        unit: What they are called, in the plural: images, rows.
        splits: folds: seed s is fold s mod K of repetition s // K. random: each seed draws a split. fixed: the user's.
        num_folds: K; None where there are no folds.
        is_one_split: Whether all seeds have the same split.
        overlaps: What splits of the same rows leave of the spread, by what is read: for "test" and "validation" their
            rows for each training row, for "train" n_train / (num_rows - n_train); means over the runs.
    """

    num_rows: int
    unit: str
    splits: str
    num_folds: int | None = None
    is_one_split: bool = False
    overlaps: Mapping[str, float] = field(default_factory=dict, compare=False)


def read_split_data(arm: Arm) -> SplitData | None:
    """Return the finite data of an arm's runs; None where each seed draws new data.

    Raises:
        RunFolderError: A summary says something else of its data.
    """
    said = arm.runs[0].summary.get("finite") if arm.runs else None
    if said is None:
        return None
    for run in arm.runs:
        other = run.summary.get("finite")
        if other is None or other["num_rows"] != said["num_rows"]:
            raise _of_other_data(run, said["num_rows"])
    return SplitData(
        num_rows=said["num_rows"],
        unit=said["unit"],
        splits=said["splits"],
        num_folds=said.get("num_folds"),
        is_one_split=said["splits"] == "fixed" or "data" in (arm.settings.get(FIX) or ()),
        overlaps=_overlaps([run.summary for run in arm.runs], said["num_rows"]),
    )


def _overlaps(sizes: Sequence[SummaryContent], num_rows: int) -> dict[str, float]:
    """Return the overlaps of splits; with finite data every summary has their sizes."""
    return {
        "test": mean_of([of["num_test"] / of["num_train"] for of in sizes]),
        "validation": mean_of([of["num_validation"] / of["num_train"] for of in sizes]),
        "train": mean_of([of["num_train"] / (num_rows - of["num_train"]) for of in sizes]),
    }


def _of_other_data(run: Run, num_rows: int) -> RunFolderError:
    rule = f"finite.num_rows: must be {num_rows} as in the other runs of its arm"
    way_out = f"Delete {run.folder} and run its study again."
    return RunFolderError(f"{run.folder / SUMMARY_JSON}: {rule}, got something else. {way_out}")


def why_not_new(data: Collection[SplitData | None], metrics: Sequence[str]) -> str:
    """Return why nothing is said of new data from arms on finite data; "" where something is, and on generated data.

    Args:
        data: The data of each arm.
        metrics: What is read off their runs.
    """
    known = [one for one in data if one is not None]
    if not known:
        return ""
    if any(one != known[0] for one in data):
        return OTHER_DATA
    if known[0].is_one_split:
        return ONE_SPLIT
    return "" if all(map(rows_read, metrics)) else IN_STEPS


def new_data_plan(data: Sequence[SplitData | None], metrics: Sequence[str], plan: SeedPlan) -> SeedPlan | None:
    """Return the plan for verdicts about new data; None on generated data, and where nothing is said of new data."""
    if not data or data[0] is None or why_not_new(data, metrics):
        return None
    return plan.on_new_data(max(data[0].overlaps[rows_read(metric)] for metric in metrics))
