"""Words for finite data: these 400 images, new images like these, one split; and what can narrow an interval."""

from normbench.evidence.comparison.answer import CellAnswer
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.split_data import IN_STEPS, ONE_SPLIT, OTHER_DATA, SplitData
from normbench.evidence.metrics.bounded import rows_read
from normbench.evidence.statistics.paired_effect import Effect

PARTS = dict(enumerate(("half", "third", "quarter", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"), start=2))
TYPICAL = "on the typical seed"
WHY_NOT = {
    ONE_SPLIT: "One split: says nothing of other splits",
    IN_STEPS: "Moves in steps: says nothing of new {unit}",
    OTHER_DATA: "Different data: says nothing of new {unit}",
}
"""Why an effect or an answer says nothing of new data."""


def study_data(comparison: StudyComparison) -> SplitData | None:
    """Return the finite data of the arms, the first where they have different ones; None on generated data."""
    return next((row.data for row in comparison.rows if row.data), None)


def is_of_new_data(effect: Effect | None) -> bool:
    """Return whether an effect on new data stands beside the one on these rows."""
    return bool(effect and effect.new_data and not effect.new_data.why_not)


def on_these(data: SplitData) -> str:
    """Return where effects over the seeds hold.

    Example:
        >>> on_these(SplitData(400, "images", "folds", 8)), on_these(SplitData(400, "rows", "fixed", is_one_split=True))
        ('on these 400 images', 'on this split of these 400 rows')
    """
    return f"on {'this split of ' * data.is_one_split}these {data.num_rows:,} {data.unit}"


def on_new(data: SplitData) -> str:
    """Return where effects by the corrected t hold: "on new images like these"."""
    return f"on new {data.unit} like these"


def where_words(cell: CellAnswer) -> str:
    """Return where an answer holds: on the typical seed; on new images like these; or on these 400 images."""
    if cell.data is None:
        return TYPICAL
    return f"{on_these(cell.data)}, {TYPICAL}," if cell.why_not_new else on_new(cell.data)


def what_narrows(comparison: StudyComparison) -> list[str]:
    """Return what can narrow an interval on new data, or why there is none; empty on generated data."""
    data, news = study_data(comparison), [row.effect.new_data for row in comparison.rows if row.effect]
    cells = comparison.answer.all_cells if comparison.answer else ()
    reasons = [*(cell.why_not_new for cell in cells if cell.data), *(new.why_not for new in news if new)]
    if data is None or not reasons or comparison.not_learned:
        return []
    if "" in reasons:
        return [f"More seeds cannot narrow the interval for new {data.unit}; more {data.unit} can."]
    return [f"{WHY_NOT[reasons[0]].format(unit=data.unit)}."]


def overlap_words(metric: str, overlap: float, unit: str) -> str:
    """Return what the t of a metric is corrected for.

    Example:
        >>> overlap_words("test_loss", 1 / 6, "images")
        '0.17 test images for each training one'
        >>> overlap_words("train_loss", 1.5, "images")
        '1.5 training images that two splits share for each that they do not'
    """
    rows = rows_read(metric)
    if rows == "train":
        return f"{overlap:.2g} training {unit} that two splits share for each that they do not"
    return f"{overlap:.2g} {rows} {unit} for each training one"


def splits_words(data: SplitData) -> str:
    """Return which rows the runs of an arm are tested on.

    Example:
        >>> splits_words(SplitData(400, "images", "folds", 8)), splits_words(SplitData(178, "rows", "random"))
        ('tested on another eighth of 400 images', 'another random split of 178 rows each')
        >>> splits_words(SplitData(178, "rows", "fixed", is_one_split=True))
        'one split of 178 rows'
    """
    of = f"{data.num_rows:,} {data.unit}"
    if data.is_one_split:
        return f"one split of {of}"
    if data.num_folds is None:
        return f"another random split of {of} each"
    return f"tested on another {PARTS.get(data.num_folds, f'1/{data.num_folds}')} of {of}"
