"""Writes what several tasks say together: the answer, a table of the arms over all tasks, on request each task."""

from collections.abc import Sequence

from normbench.evidence.comparison.pool import Pool, PooledArm
from normbench.evidence.metrics.scales import is_accuracy
from normbench.evidence.statistics.paired_effect import Effect
from normbench.evidence.statistics.pooled_effect import NOT_JUDGED, TOO_FEW_TASKS, OtherTasks
from normbench.evidence.statistics.run_scores import ScoreInterval
from normbench.evidence.statistics.verdict_words import DEPENDS, TOO_FEW
from normbench.report.blocks.block import Block, Column, Line, Table, as_lines, keys, words
from normbench.report.blocks.checks import anytime_text, level_text
from normbench.report.blocks.numbers import metric_title
from normbench.report.blocks.pool_answer import NOT_YET, answers, side_words, tasks_found

TASKS_HEADING = "In each task, verdicts after Holm over the tasks"
SCORE_NOTE = "Score: mean of the middle half of runs, 0 the constant predictor, 100 no error."


def pool_blocks(pool: Pool, notes: Sequence[str] = (), *, details: bool = False) -> list[Block]:
    """Return the blocks of several tasks.

    Args:
        pool: The arms over all tasks.
        notes: What the studies lack.
        details: Also each arm's effect in each task.
    """
    head = Block(lines=[Line(line) for line in headline(pool).split("\n")])
    answer = Block(lines=as_lines(answers(pool), "ANSWER"))
    below = Block(lines=[Line(text) for text in [*footnotes(pool), *notes]], is_joined=True)
    tasks = [Block(TASKS_HEADING, tasks_table(pool))] if details and pool.judged else []
    return [head, answer, Block(table=pool_table(pool, details=details)), below, *tasks]


def headline(pool: Pool) -> str:
    """Return the studies, the question, and what is pooled."""
    names = f"{', '.join(pool.studies)}{f' · {pool.question}' if pool.question else ''}"
    counts = sorted({arm.num_runs for arm in pool.arms})
    runs = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else str(counts[0])
    facts = [f"{len(pool.arms)} arms, {runs} runs each", metric_title(pool.metric)]
    facts += [f"same in all but {pool.key}"] if pool.key else []
    return f"{names}\n  {len(pool.tasks)} tasks: {', '.join(pool.tasks)}\n  {' · '.join(facts)}"


def pool_table(pool: Pool, *, details: bool = False) -> Table:
    """Return a row per arm: effect and both verdicts, seeds and tasks on each side, score, failed runs."""
    named = keys(pool.key or "arm", [arm.arm for arm in pool.arms])
    return Table([named, *(_judged_columns(pool, details=details) if pool.judged else []), *_more(pool)])


def _judged_columns(pool: Pool, *, details: bool) -> list[Column]:
    arms, sides = pool.arms, side_words(pool)
    verdict = "verdict" if details else "verdict_word"
    return [
        _effects(pool, [arm.effect or _no_effect(arm, pool) for arm in arms]),
        Column(f"{sides[0]} in seeds", [arm.effect or "" for arm in arms], what="better_seeds"),
        words(f"on these {len(pool.tasks)} tasks", [_verdict(arm) for arm in arms], what=verdict),
        *_other_tasks_column(pool, details=details),
        Column(f"tasks {' / '.join(sides)}", [_num_tasks(arm, pool) for arm in arms]),
    ]


def _effects(pool: Pool, effects: Sequence[Effect | str]) -> Column:
    return Column(f"{'points ' * is_accuracy(pool.metric)}against {pool.baseline}", effects, what="points")


def _no_effect(arm: PooledArm, pool: Pool) -> str:
    if all(other.baseline != arm.arm for other in pool.arms):
        return "-"
    return "baseline (first)" if pool.is_first_baseline else "baseline"


def _verdict(arm: PooledArm) -> Effect | str:
    return DEPENDS if arm.verdict == DEPENDS else arm.effect or ""


def _other_tasks_column(pool: Pool, *, details: bool) -> list[Column]:
    """Return the verdicts on tasks like these, where there are enough tasks for any."""
    if all(not arm.other_tasks or arm.other_tasks.verdict in (TOO_FEW_TASKS, NOT_JUDGED) for arm in pool.arms):
        return []
    return [words("on tasks like these", [_other_text(arm.other_tasks, details=details) for arm in pool.arms])]


def _other_text(other: OtherTasks | None, *, details: bool) -> str:
    if other is None or other.verdict == NOT_JUDGED:
        return ""
    return f"{other.verdict}{f' (p {other.p_corrected:.2g})' * details}"


def _num_tasks(arm: PooledArm, pool: Pool) -> str:
    if not arm.by_task:
        return ""
    if all(effect.verdict in (TOO_FEW, *NOT_YET) for effect in arm.by_task):
        return "-"
    return " / ".join(str(len(tasks_found(arm, word, pool))) for word in side_words(pool))


def _more(pool: Pool) -> list[Column]:
    """Return the scores, and collapsed runs (where none is judged, diverged ones) where there are any."""
    scores = [_score_text(arm.score) for arm in pool.arms]
    columns = [Column("score", scores)] if any(arm.score for arm in pool.arms) else []
    word = "collapsed" if pool.judges_collapse else "diverged"
    failed = [getattr(arm, f"num_{word}") for arm in pool.arms]
    texts = [f"{number} of {arm.num_runs}" for number, arm in zip(failed, pool.arms, strict=True)]
    return columns + ([Column(word, texts)] if any(failed) else [])


def _score_text(score: ScoreInterval | None) -> str:
    if score is None:
        return "-"
    return f"{100 * score.value:.1f} [{100 * score.low:.1f}, {100 * score.high:.1f}]"


def footnotes(pool: Pool) -> list[str]:
    """Return how verdicts and scores were made, and where no task alone can have a verdict."""
    needed = max((_seeds_needed(effect) for arm in pool.judged for effect in arm.by_task), default=0)
    few = [f"Too few seeds to see whether tasks disagree: {needed} in each are needed."] if needed else []
    return [*_how(pool), *few, *([SCORE_NOTE] if any(arm.score for arm in pool.arms) else [])]


def _seeds_needed(effect: Effect) -> int:
    return (effect.seeds_needed or 0) if effect.verdict == TOO_FEW else 0


def _how(pool: Pool) -> list[str]:
    """Return a note on the test, and on seeds that were added without a plan."""
    rules = [arm.effect.rule for arm in pool.judged if arm.effect]
    many = f", Holm over {len(rules)} arms" if len(rules) > 1 else ""
    if any(rule.kind == "any time" for rule in rules):
        added = anytime_text(pool.seed_plans[0])
        return [f"{added[:1].upper()}{added[1:]} over all tasks{many}."]
    levels = sorted({rule.level for rule in rules if rule.kind == "check"})
    checked = f" at level {level_text(levels[0])}" if levels else ""
    return [f"Verdicts{checked}: typical seed, paired, ranked within each task{many}."] if rules else []


def tasks_table(pool: Pool) -> Table:
    """Return a row per arm and task: the effect in this task, and its verdict."""
    found = [(arm, task, effect) for arm in pool.judged for task, effect in zip(pool.tasks, arm.by_task, strict=True)]
    effects = [effect for _, _, effect in found]
    return Table(
        [
            keys(pool.key or "arm", [arm.arm for arm, _, _ in found]),
            keys("task", [task for _, task, _ in found]),
            _effects(pool, effects),
            Column(f"{side_words(pool)[0]} in seeds", effects, what="better_seeds"),
            words("verdict", effects, what="verdict"),
        ]
    )
