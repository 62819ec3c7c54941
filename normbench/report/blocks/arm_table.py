"""Writes the table of a study's arms: the judged metric with its effects, on request the others and what arms cost."""

from collections.abc import Sequence
from dataclasses import replace

from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.rows import Row
from normbench.evidence.comparison.split_data import SplitData
from normbench.evidence.metrics.directions import direction
from normbench.evidence.metrics.scales import is_accuracy
from normbench.evidence.statistics.paired_effect import Effect
from normbench.report.blocks.arm_names import baseline_name, has_own_names, setting_text
from normbench.report.blocks.block import Column, Table, keys, words
from normbench.report.blocks.failed_runs import failure_columns, failure_details
from normbench.report.blocks.finite_words import is_of_new_data, on_these, study_data
from normbench.report.blocks.numbers import metric_title
from normbench.storage.arm_labels import short_keys


def comparison_table(comparison: StudyComparison, *, details: bool = False) -> Table:
    """Return a study's arms as a table: differing settings, the judged metric with its effect, the other metrics."""
    rows = comparison.rows
    metrics, is_judged = shown_metrics(comparison, details=details), any(row.effect for row in rows)
    first, *others = (_metric(rows, metric) for metric in metrics)
    judged = _judged(comparison, details=details) if is_judged else []
    if is_judged and study_data(comparison) and not details:
        first = _means(rows, metrics[0])
    columns = [*_names(comparison, details=details), first, *judged, *others, *_seeds_column(rows)]
    columns += failure_columns(comparison)
    more = [*failure_details(comparison), *_details(rows)] if details else []
    return Table([*columns, *more, *_quotes(rows)])


def shown_metrics(comparison: StudyComparison, *, details: bool = False) -> list[str]:
    """Return the metrics of the table: the judged one, the others only if asked for, or if nothing is judged."""
    metrics = list(comparison.rows[0].figures)
    shows_all = details or comparison.has_own_metrics or not any(row.effect for row in comparison.rows)
    return metrics if shows_all else metrics[:1]


def _names(comparison: StudyComparison, *, details: bool) -> list[Column]:
    """Return the columns that name the rows: an arm's own name, or the settings in which arms differ."""
    rows, own = comparison.rows, has_own_names(comparison)
    named = [keys("arm", [row.arm for row in rows])] if own else []
    differing = comparison.differing if details or not own else ()
    titles = short_keys(differing)
    settings = [keys(titles[key], [setting_text(row.settings.get(key)) for row in rows]) for key in differing]
    tuned = [row.is_tuned for row in rows]
    is_mixed = not own and len(set(tuned)) > 1
    return [*named, *settings, *([keys("tuned", tuned)] if is_mixed else [])]


def _metric(rows: Sequence[Row], metric: str) -> Column:
    figures = [row.figures[metric] for row in rows]
    if metric in ("output_std_lowest", "output_std_highest"):
        end = min if metric == "output_std_lowest" else max
        return Column(metric_title(metric), [end(figure.values) for figure in figures], what=metric)
    return Column(metric_title(metric), figures, what=metric)


def _means(rows: Sequence[Row], metric: str) -> Column:
    """Return means without their spread: beside effects on these rows and on new data the table has no room for it."""
    return Column(metric_title(metric), [replace(row.figures[metric], std=None) for row in rows], what=metric)


def _judged(comparison: StudyComparison, *, details: bool) -> list[Column]:
    """Return the effect against the baseline, in how many seeds the arm is better, and the verdict."""
    rows, metric = comparison.rows, next(iter(comparison.rows[0].figures))
    way = "higher" if direction(metric) is None else "better"
    verdict = "verdict" if details else "verdict_word"
    effects = [row.effect or "" for row in rows]
    data = study_data(comparison)
    if data:
        return _judged_on_finite_data(comparison, data, f"{way} in seeds", details=details)
    return [
        _effects(comparison, metric),
        *([] if comparison.not_learned else [Column(f"{way} in seeds", effects, what="better_seeds")]),
        words("verdict", effects, what=verdict),
    ]


def _judged_on_finite_data(comparison: StudyComparison, data: SplitData, seeds: str, *, details: bool) -> list[Column]:
    """Return the effects on these rows and on new data; verdicts where there is room, or where there is but one."""
    effects = [row.effect for row in comparison.rows]
    has_new, is_judged = any(map(is_of_new_data, effects)), not comparison.not_learned
    blank, known = [effect or "" for effect in effects], _or_baseline(comparison)
    on_rows = words("verdict on these", blank, what="verdict" if details else "verdict_word")
    on_new_ones = words("verdict on new", blank, what="new_verdict")
    return [
        Column(on_these(data), known, what="points"),
        *([Column(f"on new {data.unit} like them", known, what="new_points" if details else "new_interval")] * has_new),
        *([Column(seeds, blank, what="better_seeds")] * is_judged),
        *([on_rows] if details or not has_new else []),
        *([on_new_ones] if details and has_new else []),
    ]


def finite_heading(comparison: StudyComparison) -> str:
    """Return what the table of a study on finite data shows: the metric, and what its effects are; "" without any."""
    if not any(row.effect for row in comparison.rows):
        return ""
    metric = next(iter(comparison.rows[0].figures))
    is_ratio = any(row.effect.is_ratio for row in comparison.rows if row.effect)
    what = f"{'ratio to' if is_ratio else 'points against' if is_accuracy(metric) else 'difference from'}"
    return f"{metric_title(metric)}, {what} {baseline_name(comparison)}, in a typical run, with 95 % intervals"


def _or_baseline(comparison: StudyComparison) -> list[Effect | str]:
    baseline = "baseline (first)" if comparison.is_first_baseline else "baseline"
    return [row.effect or baseline for row in comparison.rows]


def _effects(comparison: StudyComparison, metric: str) -> Column:
    effects = _or_baseline(comparison)
    unit = "points " * is_accuracy(metric)
    return Column(f"{unit}against {baseline_name(comparison)}", effects, what="points")


def _seeds_column(rows: Sequence[Row]) -> list[Column]:
    """Return the number of seeds where arms differ in it."""
    seeds = [len(row.seeds) for row in rows]
    return [Column("seeds", seeds)] if len(set(seeds)) > 1 else []


def _details(rows: Sequence[Row]) -> list[Column]:
    costs = [row.cpu_ms_per_step for row in rows]
    columns = [Column("parameters", [row.num_parameters for row in rows])]
    return columns + ([Column("CPU ms/step", costs)] if any(cost is not None for cost in costs) else [])


def _quotes(rows: Sequence[Row]) -> list[Column]:
    return [words("the document", [row.quote for row in rows])] if any(row.quote for row in rows) else []
