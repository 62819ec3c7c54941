"""Writes the comparison of a study's arms: headline, answer, table, and notes on what it rests on."""

import math
from collections.abc import Sequence

from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.pivot import Pivot
from normbench.evidence.comparison.rows import Row
from normbench.evidence.statistics.paired_effect import Effect
from normbench.findings import name_some
from normbench.report.blocks.answer import answer_block
from normbench.report.blocks.arm_table import comparison_table, finite_heading, shown_metrics
from normbench.report.blocks.block import Block, Line, as_lines
from normbench.report.blocks.checks import how_judged, level_words
from normbench.report.blocks.failed_runs import failure_lines
from normbench.report.blocks.finite_words import is_of_new_data, overlap_words, splits_words, study_data, what_narrows
from normbench.report.blocks.next_steps import evidence_block
from normbench.report.blocks.numbers import CANNOT_TELL
from normbench.report.blocks.part_words import data_words, model_words
from normbench.report.blocks.pivot import pivot_blocks
from normbench.report.blocks.verdict_sentences import verdict_sentences

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
        found += what_narrows(comparison)
        failed = [Block(lines=as_lines(found), is_joined=True)] if found else []
        return [head, *answer_block(comparison), *pivot_blocks(pivots), *failed, *notes_blocks(comparison, pivots)]
    heading = finite_heading(comparison) if study_data(comparison) else ""
    table = Block(heading, comparison_table(comparison, details=details))
    shown = shown_metrics(comparison, details=details)
    notes_below = footnote(comparison, details=details)
    worth = as_lines([*failure_lines(comparison, shown), *what_narrows(comparison), *notes_below])
    below = [Block(lines=worth, is_joined=True)] if worth else []
    verdicts = [Block(lines=as_lines(verdict_sentences(comparison)))] if details else []
    notes = [*notes_blocks(comparison), *evidence_block(comparison)]
    return [head, *answer_block(comparison), table, *below, *verdicts, *notes]


def headline(comparison: StudyComparison) -> str:
    """Return the study's name and question, the number of arms, and the settings in which they differ."""
    rows = comparison.rows
    noun = "setting" if comparison.is_plain else "arm"
    data, family = study_data(comparison), comparison.answer.family if comparison.answer else ""
    splits = f", {splits_words(data)}" if data and comparison.is_evidence else ""
    parts = [f"{len(rows)} {noun}{'' if len(rows) == 1 else 's'}{_seed_counts(rows)}{splits}", *_common(rows)]
    parts += [f"same in all but {', '.join(comparison.differing)}"] * bool(comparison.differing)
    parts += [f"{family}, not tuned"] * bool(data and family.startswith("same"))
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
    models, sets = ({words(row.settings) for row in rows} for words in (model_words, data_words))
    shared = [*models, *sets] if len(models) == len(sets) == 1 else []
    return [" on ".join(shared)] if all(shared) and shared else []


def footnote(comparison: StudyComparison, *, details: bool = False) -> list[str]:
    """Return a note on intervals, tests and verdicts; empty with one seed per arm, on finite data only with details."""
    if not comparison.is_evidence:
        return []
    effects = [row.effect for row in comparison.rows if row.effect]
    if effects and study_data(comparison) and not details:
        return []
    if not effects:
        return ["Mean ± std over seeds (n - 1)."]
    many = f", Holm over {len(effects)}" if len(effects) > 1 and not comparison.not_learned else ""
    values = "their second-best settings" if comparison.is_second_best else "the settings chosen for them"
    tuned = f"; arms called tuned run at {values}" * any(row.is_tuned for row in comparison.rows)
    first = f"Mean ± std (n - 1). Effects: typical seed, paired, {level_words(effects)}{many}{tuned}."
    return [first, *_corrected_note(effects)]


def _corrected_note(effects: Sequence[Effect]) -> list[str]:
    """Return how effects on new data are judged; empty on generated data."""
    rules = [one.new_data.rule for one in effects if one.new_data and is_of_new_data(one) and not one.rule.why_not]
    if not rules:
        return []
    many = f", Holm over {len(rules)}" if len(rules) > 1 else ""
    overlap = overlap_words(effects[0].metric, max(rule.overlap for rule in rules), "rows")
    return [f"On new data: mean over splits, t corrected for {overlap}{many}."]


def notes_blocks(comparison: StudyComparison, pivots: Sequence[Pivot] = ()) -> list[Block]:
    """Return the notes of a comparison as blocks, with how verdicts were made if not once."""
    found = [*how_judged(comparison, pivots), *notes(comparison)]
    return [Block(lines=[Line(note) for note in found], is_joined=bool(comparison.rows))] if found else []


def notes(comparison: StudyComparison) -> list[str]:
    """Return what cannot be read, is missing or left out, what narrows the verdicts, several versions or engines."""
    missing = [f"{arm}: no finished run." for arm in comparison.missing]
    lacking = [f"{row.arm}: no run of {_seeds(row.missing_seeds)}." for row in comparison.rows if row.missing_seeds]
    paired = [f"{lacking[-1]} Only seeds that both arms have are compared."] if lacking else []
    left_out = _left_out_lines(comparison.left_out)
    late = ["The collapse rule was changed after runs had finished."] if comparison.is_rule_late else []
    late += (
        ["The margin was stated after runs had finished."] if comparison.is_margin_late and comparison.answer else []
    )
    accepted = [_accepted_line(comparison.accepted_code)] if comparison.accepted_code else []
    found = [
        *comparison.unreadable,
        *missing,
        *lacking[:-1],
        *paired,
        *left_out,
        *accepted,
        *late,
        *_two_questions(comparison),
    ]
    return [*found, *_not_finite(comparison), *_across_versions(comparison)]


def _left_out_lines(names: Sequence[str]) -> list[str]:
    """Return a line for each arm of earlier settings, or one line for all of them where they are many."""
    if len(names) > MAX_LEFT_OUT:
        return [f"{names[0]} and {len(names) - 1} more: left out, the study as last run does not name them."]
    return [f"{name}: left out, the study as last run does not name it." for name in names]


def _accepted_line(names: Sequence[str]) -> str:
    """Return that runs of several versions of the user's code count as one arm's."""
    return f"{name_some(names)} changed between runs: accepted, all count as made with the code as it is."


def _two_questions(comparison: StudyComparison) -> list[str]:
    """Return why an arm is beaten whose verdict cannot tell, where the two are read side by side."""
    found, rows = None if study_data(comparison) else comparison.answer, comparison.rows
    beaten = {arm for cell in found.cells for arm in cell.beaten} if found and len(rows) > MAX_PAIR else set()
    judged = {row.arm: row.effect.verdict_on_new for row in rows if row.effect}
    open_ = {arm for arm, verdict in judged.items() if verdict == CANNOT_TELL}
    is_baseline_beaten = bool(beaten.difference(judged))
    if not open_ or not (beaten & open_ or (is_baseline_beaten and len(open_) == len(judged))):
        return []
    return ["Beaten: in one direction, over all arms at once. Verdict: against the baseline, in both, corrected."]


def _across_versions(comparison: StudyComparison) -> list[str]:
    """Return a note if runs of several torch versions, machines or engines are compared: their numbers may differ."""
    names = {"torch": "versions of torch", "device": "kinds of machine", "engine": "engines"}
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
