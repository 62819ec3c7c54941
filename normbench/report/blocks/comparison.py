"""Writes the comparison of a study's arms: headline, answer, table, and notes on what it rests on."""

import math
from collections.abc import Sequence

from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.pivot import Pivot
from normbench.evidence.comparison.rows import Row
from normbench.evidence.metrics.directions import direction
from normbench.evidence.metrics.scales import is_accuracy
from normbench.report.blocks.answer import answer_block
from normbench.report.blocks.arm_names import baseline_name, has_own_names, setting_text
from normbench.report.blocks.block import Block, Column, Line, Table, as_lines, keys, words
from normbench.report.blocks.checks import how_judged, level_words
from normbench.report.blocks.failed_runs import failure_columns, failure_details, failure_lines
from normbench.report.blocks.next_steps import evidence_block
from normbench.report.blocks.numbers import CANNOT_TELL, metric_title
from normbench.report.blocks.pivot import pivot_blocks
from normbench.report.blocks.verdict_sentences import verdict_sentences
from normbench.storage.arm_labels import short_keys

MAX_SEEDS_SHOWN = 12
MAX_PAIR = 2
MAX_LEFT_OUT = 2
"""Arms of earlier settings that are named one by one."""


def comparison_blocks(
    comparison: StudyComparison, pivots: Sequence[Pivot] = (), *, details: bool = False
) -> list[Block]:
    """Return the blocks of a study's comparison.

    Args:
        comparison: With or without effects.
        pivots: Tables by settings, which replace the table of arms.
        details: Also a sentence on each verdict, p, other metrics, parameters, CPU time, every setting that differs.
    """
    head = Block(lines=[Line(line) for line in headline(comparison).split("\n")])
    if not comparison.rows:
        return [head, *notes_blocks(comparison), *evidence_block(comparison)]
    if pivots:
        found = failure_lines(comparison, [pivots[0].metric])
        failed = [Block(lines=as_lines(found), is_joined=True)] if found else []
        return [head, *answer_block(comparison), *pivot_blocks(pivots), *failed, *notes_blocks(comparison, pivots)]
    table = Block(table=comparison_table(comparison, details=details))
    shown = shown_metrics(comparison, details=details)
    worth = as_lines([*failure_lines(comparison, shown), *footnote(comparison)])
    below = [Block(lines=worth, is_joined=True)] if worth else []
    verdicts = [Block(lines=as_lines(verdict_sentences(comparison)))] if details else []
    notes = [*notes_blocks(comparison), *evidence_block(comparison)]
    return [head, *answer_block(comparison), table, *below, *verdicts, *notes]


def headline(comparison: StudyComparison) -> str:
    """Return the study's name and question, the number of arms, and the settings in which they differ."""
    rows = comparison.rows
    noun = "setting" if comparison.is_plain else "arm"
    parts = [f"{len(rows)} {noun}{'' if len(rows) == 1 else 's'}{_seed_counts(rows)}", *_common(rows)]
    parts += [f"same in all but {', '.join(comparison.differing)}"] * bool(comparison.differing)
    question = f" · {comparison.question}" if comparison.question else ""
    return f"{comparison.study}{question}\n  {' · '.join(parts)}"


def _seed_counts(rows: Sequence[Row]) -> str:
    counts = sorted({len(row.seeds) for row in rows})
    if not counts:
        return ""
    number = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else str(counts[0])
    return f", {number} seed{'' if counts == [1] else 's'} each"


def _common(rows: Sequence[Row]) -> list[str]:
    """Return model and dataset where all arms share them."""
    found = {key: {str(row.settings.get(key)) for row in rows if row.settings.get(key)} for key in ("model", "dataset")}
    model, dataset = (next(iter(names)) if len(names) == 1 else "" for names in found.values())
    return [f"{model} on {dataset}"] if model and dataset else []


def comparison_table(comparison: StudyComparison, *, details: bool = False) -> Table:
    """Return a study's arms as a table: differing settings, the judged metric with its effect, the other metrics."""
    rows = comparison.rows
    first, *others = (_metric(rows, metric) for metric in shown_metrics(comparison, details=details))
    judged = _judged(comparison, details=details) if any(row.effect for row in rows) else []
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


def _judged(comparison: StudyComparison, *, details: bool) -> list[Column]:
    """Return the effect against the baseline, in how many seeds the arm is better, and the verdict."""
    rows, metric = comparison.rows, next(iter(comparison.rows[0].figures))
    way = "higher" if direction(metric) is None else "better"
    verdict = "verdict" if details else "verdict_word"
    effects = [row.effect or "" for row in rows]
    return [
        _effects(comparison, metric),
        *([] if comparison.not_learned else [Column(f"{way} in seeds", effects, what="better_seeds")]),
        words("verdict", effects, what=verdict),
    ]


def _effects(comparison: StudyComparison, metric: str) -> Column:
    baseline = "baseline (first)" if comparison.is_first_baseline else "baseline"
    effects = [row.effect or baseline for row in comparison.rows]
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


def footnote(comparison: StudyComparison) -> list[str]:
    """Return a note on intervals, tests and verdicts; empty with one seed per arm."""
    if not comparison.is_evidence:
        return []
    effects = [row.effect for row in comparison.rows if row.effect]
    if not effects:
        return ["Mean ± std over seeds (n - 1)."]
    many = f", Holm over {len(effects)}" if len(effects) > 1 and not comparison.not_learned else ""
    values = "their second-best settings" if comparison.is_second_best else "the settings chosen for them"
    tuned = f"; arms called tuned run at {values}" * any(row.is_tuned for row in comparison.rows)
    return [f"Mean ± std (n - 1). Effects: typical seed, paired, {level_words(effects)}{many}{tuned}."]


def notes_blocks(comparison: StudyComparison, pivots: Sequence[Pivot] = ()) -> list[Block]:
    """Return the notes of a comparison as blocks, with how verdicts were made if not once."""
    found = [*how_judged(comparison, pivots), *notes(comparison)]
    return [Block(lines=[Line(note) for note in found], is_joined=bool(comparison.rows))] if found else []


def notes(comparison: StudyComparison) -> list[str]:
    """Return what is missing, left out or not compared, a late rule of collapse, and several torch versions."""
    missing = [f"{arm}: no finished run." for arm in comparison.missing]
    lacking = [f"{row.arm}: no run of {_seeds(row.missing_seeds)}." for row in comparison.rows if row.missing_seeds]
    paired = [f"{lacking[-1]} Only seeds that both arms have are compared."] if lacking else []
    left_out = _left_out_lines(comparison.left_out)
    late = ["The collapse rule was changed after runs had finished."] if comparison.is_rule_late else []
    late += (
        ["The margin was stated after runs had finished."] if comparison.is_margin_late and comparison.answer else []
    )
    found = [*missing, *lacking[:-1], *paired, *left_out, *late, *_two_questions(comparison)]
    return [*found, *_not_finite(comparison), *_across_versions(comparison)]


def _left_out_lines(names: Sequence[str]) -> list[str]:
    """Return a line for each arm of earlier settings, or one line for all of them where they are many."""
    if len(names) > MAX_LEFT_OUT:
        return [f"{names[0]} and {len(names) - 1} more: left out, the study as last run does not name them."]
    return [f"{name}: left out, the study as last run does not name it." for name in names]


def _two_questions(comparison: StudyComparison) -> list[str]:
    """Return why an arm is beaten whose verdict cannot tell, where the two are read side by side."""
    found, rows = comparison.answer, comparison.rows
    beaten = {arm for cell in found.cells for arm in cell.beaten} if found and len(rows) > MAX_PAIR else set()
    judged = {row.arm: row.effect.verdict for row in rows if row.effect}
    open_ = {arm for arm, verdict in judged.items() if verdict == CANNOT_TELL}
    is_baseline_beaten = bool(beaten.difference(judged))
    if not open_ or not (beaten & open_ or (is_baseline_beaten and len(open_) == len(judged))):
        return []
    return ["Beaten: in one direction, over all arms at once. Verdict: against the baseline, in both, corrected."]


def _across_versions(comparison: StudyComparison) -> list[str]:
    """Return a note if runs of several torch versions or machines are compared, since their numbers may differ."""
    names = {"torch": "versions of torch", "device": "kinds of machine"}
    several = {key: found for key in names if len(found := comparison.versions.get(key, ())) > 1}
    return [f"Runs of several {names[key]} are compared: {', '.join(found)}." for key, found in several.items()]


def _not_finite(comparison: StudyComparison) -> list[str]:
    """Return a note on metrics that cannot be compared, because a run's number is inf or nan."""
    lines = []
    for row in comparison.rows:
        broken = [metric for metric, figure in row.figures.items() if not all(map(math.isfinite, figure.values))]
        values = [value for metric in broken for value in row.figures[metric].values]
        if row.num_diverged * len(broken) or any(map(math.isinf, values)):
            reason = f"not compared by {', '.join(broken)}: not a finite number in some of its runs"
            lines.append(f"{row.arm}: {reason}.")
    return lines


def _seeds(seeds: Sequence[int]) -> str:
    """Return seeds as text: "seed 3", "seeds 3, 4, 5 and 12 more"."""
    shown = ", ".join(str(seed) for seed in seeds[:MAX_SEEDS_SHOWN])
    more = f" and {len(seeds) - MAX_SEEDS_SHOWN} more" if len(seeds) > MAX_SEEDS_SHOWN else ""
    return f"seed{'s' if len(seeds) > 1 else ''} {shown}{more}"
