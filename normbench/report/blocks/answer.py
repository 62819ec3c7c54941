"""Writes the answer of a comparison: which arm to take, who is beaten, who cannot be told apart."""

from functools import partial

from normbench.evidence.comparison.answer import Answer, CellAnswer
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.metrics.scales import is_accuracy
from normbench.evidence.statistics.paired_effect import Effect
from normbench.report.blocks.arm_names import Names, answer_names, listed
from normbench.report.blocks.block import Block, Line
from normbench.report.blocks.checks import not_judged_text
from normbench.report.blocks.effect_text import distance_text
from normbench.report.blocks.finite_words import is_of_new_data, where_words
from normbench.report.blocks.numbers import CANNOT_TELL, metric_title
from normbench.report.blocks.verdict_sentences import baseline_sentence, power_of, rows_sentences, verdict_sentences

MAX_CELLS = 8
UNLEARNED_WAY_OUT = "No verdict. More num_steps, or --tune optimizer.lr, may help."
ONE_SEED = "Cannot tell: one seed each is no evidence."


def answer_block(comparison: StudyComparison) -> list[Block]:
    """Return the answer as a block, with a line per value of a second axis; empty where there is none."""
    texts = answer_lines(comparison)
    return [Block(lines=[Line(text, "" if i else "ANSWER") for i, text in enumerate(texts)])] if texts else []


def answer_lines(comparison: StudyComparison) -> list[str]:
    """Return the answer's paragraphs: one, or with a second axis one for each of its values."""
    if comparison.not_learned:
        return [f"{comparison.not_learned} {UNLEARNED_WAY_OUT}"]
    if len(comparison.rows) > 1 and not comparison.is_evidence:
        return [ONE_SEED]
    found = comparison.answer
    if found is None:
        return [text] if (text := baseline_sentence(comparison)) else []
    names = answer_names(comparison, found)
    if len(found.cells) == 1:
        parts = [cell_text(found.cells[0], found, names), *_told_apart(comparison, found)]
        return [" ".join([*parts, *same_lr_sentences(comparison, found)])]
    return [*_cell_lines(found, names), *same_lr_sentences(comparison, found)]


def _told_apart(comparison: StudyComparison, answer: Answer) -> list[str]:
    """Return the verdict against the baseline, where there are two arms in all."""
    cell = answer.cells[0]
    is_judged = not (cell.seeds_needed or cell.rule.why_not or cell.not_learned)
    is_pair = len(comparison.rows) == 2 == len(cell.arms) and is_judged
    effects = [row.effect for row in comparison.rows if row.effect]
    if not is_pair or not effects:
        return []
    if is_of_new_data(effects[0]):
        return _beside_new_data(comparison, cell, effects[0])
    is_open = effects[0].verdict == CANNOT_TELL
    if cell.beaten and is_open:
        return [two_sided_sentence(effects[0].p)]
    return [power_of(effects[0])] if is_open and not effects[0].failed else verdict_sentences(comparison)


def _beside_new_data(comparison: StudyComparison, cell: CellAnswer, effect: Effect) -> list[str]:
    """Return what two arms on finite data say beside the answer, which is about new data: what holds on these rows."""
    is_open = effect.verdict_on_new == CANNOT_TELL
    two_sided = [two_sided_sentence(effect.new_data.p)] if effect.new_data and cell.beaten and is_open else []
    return [*two_sided, *rows_sentences(comparison)]


def two_sided_sentence(p: float) -> str:
    """Return why an arm is beaten and yet has no verdict: who asks which arm to take asks for one direction."""
    return f"The verdict, which asks for both directions, cannot tell (p {p:.2g})."


def _cell_lines(answer: Answer, names: Names) -> list[str]:
    shown = answer.cells[:MAX_CELLS]
    lines = [f"At {cell_name(cell)}: {_lowered(cell_text(cell, answer, names))}" for cell in shown]
    more = len(answer.cells) - len(shown)
    rest = [f"{more} more: normbench compare --json has them all."] if more else []
    return [*lines, *rest, *([depends_sentence(answer)] if answer.depends_on else [])]


def _lowered(text: str) -> str:
    return text[0].lower() + text[1:]


def cell_name(cell: CellAnswer) -> str:
    """Return the settings that the arms of one answer share: "batch_size 4"."""
    return ", ".join(f"{key} {value}" for key, value in cell.settings.items())


def cell_text(cell: CellAnswer, answer: Answer, names: Names) -> str:
    """Return one answer: whom to take, or why nobody; ties, the beaten, and those that cannot be told apart."""
    if cell.not_learned:
        return f"{cell.not_learned} No verdict."
    if cell.rule.why_not:
        return f"Cannot tell yet: {not_judged_text(len(cell.seeds), cell.rule)}."
    if cell.seeds_needed:
        return too_few_sentence(cell)
    if cell.taken is None:
        return "Cannot tell: no distance to the best is bounded, since runs of every arm diverged."
    take = cycle_sentence if cell.is_cycle else take_sentence
    others = (
        collapse_sentence,
        passed_over_sentence,
        tie_sentence,
        beaten_sentence,
        partial(equal_sentence, answer=answer),
        not_told_apart_sentence,
    )
    parts = [take(cell, answer, names), *(of(cell, names) for of in others)]
    return " ".join(part for part in parts if part)


def too_few_sentence(cell: CellAnswer) -> str:
    """Return how many seeds an answer takes."""
    return f"Too few seeds for an answer: {cell.seeds_needed} are needed."


def take_sentence(cell: CellAnswer, answer: Answer, names: Names) -> str:
    """Return whom to take, how it was trained, and how far behind the best it is at most, or ahead at least."""
    words = "" if cell.data and answer.family.startswith("same") else family_words(answer)  # told in the headline
    how = f" ({words})" if words else ""
    return f"Take {names[cell.taken or '']}{how}: {_distance(cell, answer, names)} (95 %)."


def _distance(cell: CellAnswer, answer: Answer, names: Names) -> str:
    """Return the bound on the distance of the arm to take, from the one other arm or from the best."""
    distance, others = cell.behind[cell.taken or ""], [arm for arm in cell.arms if arm != cell.taken]
    of, where = metric_title(answer.metric), where_words(cell)
    text = distance_text(answer.metric, distance, is_ratio=cell.is_ratio)
    if text.startswith("0 ") or text == "0":
        return f"{where} not behind {names[others[0]] if len(others) == 1 else 'any of the others'} in {of}"
    if not _is_ahead(cell):
        best = names[others[0]] if len(others) == 1 else f"the best of the {len(cell.arms)}"
        is_plain = cell.data is not None and is_accuracy(answer.metric)  # its points are told over the table
        return f"{where} at most {text}{f' of {of}' * (not is_plain)} behind {best}"
    than = names[others[0]] if len(others) == 1 else "each of the others"
    is_bounded = distance > (0.0 if cell.is_ratio else float("-inf"))
    return f"{where} better in {of} than {than}" + f", by {text} at least" * is_bounded


def _is_ahead(cell: CellAnswer) -> bool:
    """Return whether the arm to take is above each of the others, which are then beaten."""
    return cell.behind[cell.taken or ""] < (1.0 if cell.is_ratio else 0.0)


def family_words(answer: Answer) -> str:
    """Return how the arms were trained: "same lr, not tuned", "own lr", or nothing where the lr is in question."""
    return f"{answer.family}, not tuned" if answer.family.startswith("same") else answer.family


def cycle_sentence(cell: CellAnswer, answer: Answer, names: Names) -> str:
    """Return that every arm is beaten by some other, and which is least behind."""
    first = f"No arm is best: each of the {len(cell.arms)} is beaten by another, in a cycle."
    return f"{first} Least behind is {names[cell.taken or '']}: {_distance(cell, answer, names)} (95 %)."


def passed_over_sentence(cell: CellAnswer, names: Names) -> str:
    """Return which arms are not taken though they are no further behind, since most of their runs collapsed."""
    if not cell.passed_over:
        return ""
    return f"Most runs of {listed([names[arm] for arm in cell.passed_over])} collapsed, so it is not taken."


def collapse_sentence(cell: CellAnswer, _: Names) -> str:
    """Return how many runs of the arm to take collapsed, where any did."""
    if not cell.num_collapsed:
        return ""
    return f"{cell.num_collapsed} of its {len(cell.seeds)} runs collapsed."


def tie_sentence(cell: CellAnswer, names: Names) -> str:
    """Return the arms that come as close, and why they were not taken."""
    if not cell.tie_break:
        return ""
    who, comes = listed([names[arm] for arm in cell.as_close]), "comes" if len(cell.as_close) == 1 else "come"
    why = {"collapses": "more of its runs collapsed", "parameters": "it has more parameters"}[cell.tie_break]
    many = {"collapses": "more of their runs collapsed", "parameters": "they have more parameters"}[cell.tie_break]
    return f"{who} {comes} as close, but {why if comes == 'comes' else many}."


def beaten_sentence(cell: CellAnswer, names: Names) -> str:
    """Return who is beaten by some other arm, the arm to take among them if so."""
    if cell.is_cycle or _is_ahead(cell):
        return ""
    above, below = ([names[arm] for arm in arms] for arms in (cell.taken_beaten_by, cell.beaten))
    taken = [f"It is beaten by {listed(above)}, which may be further behind another."] if above else []
    others = [f"{listed(below)} {'is' if len(below) == 1 else 'are'} beaten."] if below else []
    return " ".join([*taken, *others])


def equal_sentence(cell: CellAnswer, names: Names, *, answer: Answer) -> str:
    """Return who equals the arm to take within the margin that was stated."""
    if not cell.equal_to:
        return ""
    margin = 1 + (answer.margin or 0.0) if cell.is_ratio else answer.margin or 0.0
    within = distance_text(answer.metric, margin, is_ratio=cell.is_ratio)
    verb = "is" if len(cell.equal_to) == 1 else "are"
    return f"{listed([names[arm] for arm in cell.equal_to])} {verb} equal to {names[cell.taken or '']} within {within}."


def not_told_apart_sentence(cell: CellAnswer, names: Names) -> str:
    """Return who cannot be told apart from the arm to take."""
    if not cell.not_told_apart:
        return ""
    return f"{listed([names[arm] for arm in cell.not_told_apart])} cannot be told apart from {names[cell.taken or '']}."


def same_lr_sentences(comparison: StudyComparison, answer: Answer) -> list[str]:
    """Return whom to take at the same lr, where arms at their own lr decide and it would be another."""
    if answer.other is None:
        return []
    mine, theirs = answer_names(comparison, answer), answer_names(comparison, answer.other)
    given = {tuple(cell.settings.items()): cell.taken for cell in answer.other.cells}
    cells = [(cell, given.get(tuple(cell.settings.items()))) for cell in answer.cells]
    others = [(cell, arm) for cell, arm in cells if cell.taken and arm and mine[cell.taken] != theirs[arm]]
    return [same_lr_sentence(answer.other.family, theirs[arm], cell) for cell, arm in others if arm]


def same_lr_sentence(family: str, name: str, cell: CellAnswer) -> str:
    """Return whom to take at the same lr, at the settings of a cell."""
    at = f" at {cell_name(cell)}" if cell.settings else ""
    return f"At the {family or 'given lr'} it would be {name}{at}."


def depends_sentence(answer: Answer) -> str:
    """Return along which settings some pair of arms changes its order."""
    return f"Which is better depends on {' and '.join(answer.depends_on)}: some pair of arms changes its order."
