"""Writes a paragraph for a paper on how a comparison was made."""

from collections.abc import Sequence
from importlib.metadata import version

from normbench.evidence.comparison.answer import Answer
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.pivot import Pivot
from normbench.evidence.comparison.rows import Row
from normbench.evidence.statistics.paired_effect import Effect
from normbench.report.blocks.finite_words import overlap_words, study_data
from normbench.report.blocks.numbers import metric_title

INTERVALS = (
    "Figures are means over seeds with 95 % intervals: for losses the modified Cox interval of a log-normal mean "
    "(Olsson, 2005), for accuracies Student's t on logits, else Student's t."
)
SEEDS_FLIPPED = "a test of signed ranks over its rivals, by flipping whole seeds (Westfall and Young, 1993), with signs"
ANY_TIME = (
    "Seeds were added without a plan, so verdicts rest on the sign e-process (Robbins, 1970), which is right at any "
    "number of seeds:"
)
SPLITS = {
    "folds": "each seed tested on another of {} folds, drawn anew after so many seeds",
    "random": "split at random by each seed",
    "fixed": "split alike for all seeds",
}
MACHINE = ("device", "python")


def methods_paragraph(comparison: StudyComparison, pivots: Sequence[Pivot] = ()) -> str:
    """Return one paragraph: arms, setting, seeds, tuning, intervals, test, answer, failed runs, versions."""
    if not comparison.rows:
        return f"{comparison.study}: no finished run."
    sentences = [
        _arms(comparison),
        _setting(comparison.rows),
        _seeds(comparison),
        _tuning(comparison),
        INTERVALS,
        _test(comparison, pivots),
        _new_data(comparison),
        _trends(pivots),
        _answer(comparison.answer),
        _collapsed(comparison),
        _diverged(comparison),
        f"{comparison.not_learned} No verdict is given." if comparison.not_learned else "",
        _versions(comparison),
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _arms(comparison: StudyComparison) -> str:
    count = len(comparison.rows)
    what = f"{count} arms that differ in {_listed(comparison.differing)}" if comparison.differing else "one arm"
    return f"Study {comparison.study} compares {what}; all other settings are equal."


def _setting(rows: Sequence[Row]) -> str:
    """Return model, data, steps, optimizer and batch size where all arms share them; "" where none is known."""
    model, dataset, optimizer = (_shared(rows, key) for key in ("model", "dataset", "optimizer"))
    lr, batch, steps = _shared(rows, "optimizer.lr"), _shared(rows, "batch_size"), {row.total_steps for row in rows}
    parts = [
        f"{model} on {dataset}" if model and dataset else "",
        f"{next(iter(steps)):,} steps" if len(steps) == 1 and None not in steps else "",
        f"{optimizer}{f' at lr {lr}' if lr else ''}" if optimizer else "",
        f"batch size {batch}" if batch else "",
    ]
    known = [part for part in parts if part]
    return f"All arms share: {', '.join(known)}." if known else ""


def _shared(rows: Sequence[Row], key: str) -> str:
    """Return a setting's value where all arms share it, else ""."""
    found = {str(row.settings.get(key)) for row in rows}
    return found.pop() if len(found) == 1 and None not in [row.settings.get(key) for row in rows] else ""


def _seeds(comparison: StudyComparison) -> str:
    counts = sorted({len(row.seeds) for row in comparison.rows})
    number = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    missing = " An arm is compared over the seeds that both arms have." * any(r.missing_seeds for r in comparison.rows)
    same = "a seed decides data, initial weights, batch order and dropout, the same in every arm where shapes agree"
    return f"Each arm was trained with n = {number} seed{'s' if counts[-1] > 1 else ''}; {same}.{missing}"


def _tuning(comparison: StudyComparison) -> str:
    if not comparison.tuned_keys:
        return "Nothing was tuned: every arm runs at its given settings."
    keys, seeds = _listed(comparison.tuned_keys), _listed([str(seed) for seed in comparison.tuning_seeds])
    has_given = any(not row.is_tuned for row in comparison.rows)
    rank = "second-best" if comparison.is_second_best else "best"
    how = f"the value with the {rank} median final validation loss over tuning seeds {seeds}"
    given = " Arms not called tuned run at their given settings." if has_given else ""
    return f"{keys} was chosen for each arm, {how}, before any run that is reported.{given}"


def _test(comparison: StudyComparison, pivots: Sequence[Pivot]) -> str:
    families = _families(comparison, pivots)
    if not families or comparison.not_learned:
        return ""
    return f"{_against(comparison, families[0][0])} {_p_values(families)}"


def _families(comparison: StudyComparison, pivots: Sequence[Pivot]) -> list[list[Effect]]:
    """Return the effects that are corrected together: a study's, or with tables those in cells and those along rows."""
    found = [[row.effect for row in comparison.rows]]
    if pivots:
        cells = [[cell.effect for line in pivot.lines for cell in line.cells if cell] for pivot in pivots]
        found = [*cells, *([line.change for line in pivot.lines] for pivot in pivots)]
    families = [[effect for effect in family if effect] for family in found]
    return [family for family in families if family]


def _against(comparison: StudyComparison, effect: Effect) -> str:
    kind = "ratios" if effect.is_ratio else "differences"
    against = f" against {comparison.baseline}" if comparison.baseline else ""
    of = "log ratios" if effect.is_ratio else "differences"
    return (
        f"Effects on {metric_title(effect.metric)}{against} are {kind} on the typical seed: pseudo-medians of the "
        f"{of}, paired by seed (Hodges and Lehmann, 1963), with the 95 % intervals of the test."
    )


def _p_values(families: Sequence[Sequence[Effect]]) -> str:
    sizes, effects = [len(family) for family in families], [effect for family in families for effect in family]
    apart = ", each table's for themselves" if len(sizes) > 1 else ""
    over = _listed([f"{size}" for size in sizes])
    many = f"corrected by Holm's method over the {over} comparisons{apart}" if max(sizes) > 1 else "not corrected"
    if any(effect.rule.kind == "any time" for effect in effects):
        return f"{ANY_TIME} p is 2 over the largest value so far, {many}; a verdict is given where p <= 0.05."
    test = "the larger of the p of exact signed ranks (Wilcoxon, 1945) and half the p of the exact sign test, two-sided"
    level = _level(effects)
    return f"p is {test}, {many}; a verdict is given where p <= {level}."


def _new_data(comparison: StudyComparison) -> str:
    """Return how the data were split, and how verdicts on new data were made; "" on generated data."""
    data = study_data(comparison)
    if data is None:
        return ""
    start = f"The data are {data.num_rows:,} {data.unit}, {SPLITS[data.splits].format(data.num_folds)}"
    news = [row.effect.new_data for row in comparison.rows if row.effect and row.effect.new_data]
    judged = [new for new in news if new.rule.kind == "new data"]
    if not judged or comparison.not_learned:
        return f"{start}."
    overlap, metric = max(new.rule.overlap for new in judged), next(iter(comparison.rows[0].figures))
    many = f", corrected by Holm's method over the {len(judged)} comparisons" if len(judged) > 1 else ""
    return (
        f"{start}. Effects over seeds hold on these {data.unit}. On new {data.unit} like these: means over splits by "
        f"the corrected resampled t (Nadeau and Bengio, 2003), variance (1/n + {overlap:.2g}) s^2, as there are "
        f"{overlap_words(metric, overlap, data.unit)}, n - 1 degrees of freedom{many}; a failed run counts as the "
        "constant predictor."
    )


def _level(effects: Sequence[Effect]) -> str:
    """Return what p is compared with: 0.05, or the levels of planned checks."""
    levels = sorted({effect.rule.level for effect in effects if effect.rule.kind == "check"})
    checked = " or ".join(f"{level:.4f}" for level in levels)
    return f"{checked}, the level of this check of several that were planned" if levels else "0.05"


def _answer(answer: Answer | None) -> str:
    """Return how the arm to take is chosen, who is beaten, and what equal means; "" where there is no answer."""
    rules = [cell.rule for cell in answer.cells if cell.taken] if answer else []
    if answer is None or not rules:
        return ""
    by, joint = f"one-sided signed ranks at {rules[0].level:.4g} / (k - 1) and signs", SEEDS_FLIPPED
    if rules[0].kind == "new data":
        by, joint = f"the corrected t at {rules[0].level:.4g} / (k - 1), one-sided", "the same test"
    if rules[0].kind == "any time":
        by, joint = "the sign e-process", "the sign e-process, at 5 % for all its rivals,"
    bound = "the smallest upper bound of its distance to the best of the k arms (Hsu, 1984)"
    equal = f" Arms are equal where two one-sided tests (Schuirmann, 1987) keep them within {answer.margin}."
    told = equal if answer.margin is not None else ""
    return f"The arm to take has {bound}, by {by}. An arm is beaten if {joint} finds another above it.{told}"


def _trends(pivots: Sequence[Pivot]) -> str:
    trends = [pivot.trend or line.trend for pivot in pivots for line in pivot.lines]
    if not any(trends):
        return ""
    return "A metric falls or rises along a setting where the same test of Kendall's tau of each seed says so (Holm)."


def _collapsed(comparison: StudyComparison) -> str:
    """Return the number of collapsed runs and what a collapse is; "" where only diverging is one."""
    if not comparison.judges_collapse:
        return ""
    count, runs = sum(row.num_collapsed for row in comparison.rows), sum(len(row.seeds) for row in comparison.rows)
    return f"A run counts as collapsed if it {comparison.collapse_rule}: {count} of {runs} did."


def _diverged(comparison: StudyComparison) -> str:
    count, runs = sum(row.num_diverged for row in comparison.rows), sum(len(row.seeds) for row in comparison.rows)
    rule = "counts as the worst possible"
    return f"{count} of {runs} runs diverged; a diverged run stays in n and {rule}."


def _versions(comparison: StudyComparison) -> str:
    versions = comparison.versions
    used = [f"{name} {' or '.join(found)}" for name, found in versions.items() if name not in MACHINE]
    python = [f"Python {' or '.join(versions['python'])}"] if "python" in versions else []
    device = f" on {' or '.join(versions['device'])}" if "device" in versions else ""
    own = f"normbench {version('normbench')}"
    return f"Computed with {', '.join([own, *python, *used])}{device}."


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else names[0]
