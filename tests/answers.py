"""Arms and studies for tests of the answer, from values that a test writes."""

from dataclasses import replace

from normbench.evidence.comparison.answer_cells import with_answer
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.effects import resolve_baseline_option, with_effects, with_first_baseline
from normbench.evidence.comparison.rows import Row, SeedSummary
from normbench.evidence.statistics.seed_plan import JUDGED_ONCE

SEEDS = tuple(range(8))


def arm(label, values, metric="test_accuracy", *, parameters=10, collapsed=(), tuned=(), seeds=None, **settings):
    """Return one arm; ``batch__size`` stands for the dotted key ``batch.size``, a label with "=" is a grid's."""
    dotted = {key.replace("__", "."): value for key, value in settings.items()}
    seeds = tuple(range(len(values))) if seeds is None else seeds
    figures = {metric: SeedSummary.of(values, metric)}
    made = Row(label, dotted, seeds, 0, figures, parameters, None, name="" if "=" in label else label)
    return replace(made, tuned=tuned, num_collapsed=len(collapsed), collapsed_seeds=collapsed)


def answered(*rows, baseline=None, by=(), margin=None, axes=(), tuned_keys=(), plan=JUDGED_ONCE):
    """Return the comparison of these arms with effects and answer."""
    differing = sorted({key for row in rows for key in row.settings})
    made = StudyComparison("made_up", "", "made_up.yaml", rows, differing, False, axes=axes, tuned_keys=tuned_keys)
    made = replace(
        made, seed_plan=plan, baseline=baseline, against=baseline and resolve_baseline_option(made, baseline)
    )
    based = with_effects(made) if baseline else with_first_baseline(made)
    return with_answer(based, by, margin)


def shifted(by, start=0.5):
    """Return accuracies of eight seeds, ``by`` higher than those of an arm that is shifted by 0."""
    return [start + 0.01 * seed + by + 0.0001 * seed for seed in SEEDS]
