"""Writes what several tasks say together: the answer on these tasks and on tasks like these, a table, each task."""

from collections.abc import Sequence

from normbench.evidence.comparison.pool import Pool, PooledArm
from normbench.evidence.comparison.pool_verdicts import DEPENDS
from normbench.evidence.metrics.directions import direction
from normbench.evidence.statistics.paired_effect import CANNOT_TELL, TOO_FEW, Effect
from normbench.evidence.statistics.pooled_effect import NOT_JUDGED, TOO_FEW_TASKS, OtherTasks
from normbench.evidence.statistics.run_scores import ScoreInterval
from normbench.evidence.statistics.verdict_rule import INCOMPLETE, NOT_AT_CHECK
from normbench.report.blocks.answer import UNLEARNED_WAY_OUT, listed
from normbench.report.blocks.block import Block, Column, Line, Table, keys, words
from normbench.report.blocks.checks import anytime_text, level_text
from normbench.report.blocks.numbers import metric_title

NOT_YET = {NOT_AT_CHECK: "these seeds are not at a check", INCOMPLETE: "some of the seeds are missing"}
TOGETHER = "all tasks together"
SCORE_NOTE = "Score: mean of the middle half of runs, 0 the constant predictor, 100 no error."


def pool_blocks(pool: Pool, notes: Sequence[str] = (), *, details: bool = False) -> list[Block]:
    """Return the blocks of several tasks.

    Args:
        pool: The arms over all tasks.
        notes: What the studies lack.
        details: Also each arm's effect in each task.
    """
    head = Block(lines=[Line(line) for line in headline(pool).split("\n")])
    answer = Block(lines=[Line(text, label="" if i else "ANSWER") for i, text in enumerate(answers(pool))])
    below = Block(lines=[Line(text) for text in [*footnotes(pool), *notes]], is_joined=True)
    tasks = (
        [Block("In each task, verdicts after Holm over the tasks", tasks_table(pool))]
        if details and pool.judged
        else []
    )
    return [head, answer, Block(table=pool_table(pool)), below, *tasks]


def headline(pool: Pool) -> str:
    """Return the studies, the question, and what is pooled."""
    names = f"{', '.join(pool.studies)}{f' · {pool.question}' if pool.question else ''}"
    counts = sorted({arm.num_runs for arm in pool.arms})
    runs = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else str(counts[0])
    facts = [f"{len(pool.arms)} arms, {runs} runs each", metric_title(pool.metric)]
    facts += [f"same in all but {pool.key}"] if pool.key else []
    return f"{names}\n  {len(pool.tasks)} tasks: {', '.join(pool.tasks)}\n  {' · '.join(facts)}"


def answers(pool: Pool) -> list[str]:
    """Return what is said of these tasks, and apart from it what is said of tasks like these.

    Where a task was not learned there is neither.
    """
    if pool.not_learned:
        return [f"{' '.join(pool.not_learned)} {UNLEARNED_WAY_OUT}"]
    arms = [(arm, arm.verdict) for arm in pool.judged]
    these = _clauses([(arm, verdict) for arm, verdict in arms if verdict not in (DEPENDS, TOO_FEW, *NOT_YET)], pool)
    parts = [f"On these {len(pool.tasks)} tasks together {these}."] if these else []
    parts += [_dependence(arm, pool) for arm, verdict in arms if verdict == DEPENDS]
    parts += [_no_verdict(verdict, pool) for verdict in (TOO_FEW, *NOT_YET) if verdict in {said for _, said in arms}]
    return [text for text in (" ".join(parts), _on_other_tasks(pool)) if text]


def _no_verdict(verdict: str, pool: Pool) -> str:
    arms = [arm for arm in pool.judged if arm.verdict == verdict]
    who = listed([arm.arm for arm in arms])
    if verdict in NOT_YET:
        return f"No verdict on {who} yet: {NOT_YET[verdict]}."
    needed = max(arm.effect.seeds_needed or 0 for arm in arms if arm.effect)
    return f"Too few seeds for a verdict on {who}: {needed} are needed over all tasks."


def _on_other_tasks(pool: Pool) -> str:
    """Return what is said of tasks like these; nothing where the seeds are not judged yet."""
    found = [(arm, arm.other_tasks) for arm in pool.judged if arm.other_tasks and arm.verdict not in NOT_YET]
    if not found:
        return ""
    if found[0][1].verdict == TOO_FEW_TASKS:
        return f"{len(pool.tasks)} are too few to speak of other tasks: {found[0][1].tasks_needed} are needed."
    if found[0][1].verdict == NOT_JUDGED:
        return "Nothing is said of other tasks, as seeds were added without a plan."
    return f"On tasks like these {_clauses([(arm, other.verdict) for arm, other in found], pool)}."


def _clauses(verdicts: Sequence[tuple[PooledArm, str]], pool: Pool) -> str:
    """Return the arms by verdict: "a and b are better than none; c cannot be told apart from none"."""
    by_verdict: dict[str, list[str]] = {}
    for arm, verdict in verdicts:
        by_verdict.setdefault(verdict, []).append(arm.arm)
    return "; ".join(_clause(verdict, names, pool) for verdict, names in by_verdict.items())


def _clause(verdict: str, names: Sequence[str], pool: Pool) -> str:
    if verdict == CANNOT_TELL:
        return f"{listed(names)} cannot be told apart from {pool.baseline}"
    return f"{listed(names)} {'is' if len(names) == 1 else 'are'} {verdict} than {pool.baseline}"


def _dependence(arm: PooledArm, pool: Pool) -> str:
    sides = [f"{word} on {listed(_tasks_found(arm, word, pool) or [TOGETHER])}" for word in _words(pool)]
    return f"{arm.arm} {DEPENDS}: {', '.join(sides)}."


def _words(pool: Pool) -> tuple[str, str]:
    return ("higher", "lower") if direction(pool.metric) is None else ("better", "worse")


def _tasks_found(arm: PooledArm, word: str, pool: Pool) -> list[str]:
    return [task for task, effect in zip(pool.tasks, arm.by_task, strict=True) if effect.verdict == word]


def pool_table(pool: Pool) -> Table:
    """Return a row per arm: effect and both verdicts, seeds and tasks on each side, score, diverged runs."""
    return Table(
        [
            keys(pool.key or "arm", [arm.arm for arm in pool.arms]),
            *(_judged_columns(pool) if pool.judged else []),
            *_more(pool),
        ]
    )


def _judged_columns(pool: Pool) -> list[Column]:
    arms, (good, bad) = pool.arms, _words(pool)
    return [
        Column(f"against {pool.baseline}", [arm.effect or _no_effect(arm, pool) for arm in arms]),
        words(f"on these {len(pool.tasks)} tasks", [_verdict(arm) for arm in arms], what="verdict"),
        *_other_tasks_column(pool),
        Column(f"seeds {good}", [_num_seeds(arm.effect, pool) for arm in arms]),
        Column(f"tasks {good} / {bad}", [_num_tasks(arm, pool) for arm in arms]),
    ]


def _no_effect(arm: PooledArm, pool: Pool) -> str:
    if all(other.baseline != arm.arm for other in pool.arms):
        return "-"
    return "baseline (first)" if pool.is_first_baseline else "baseline"


def _verdict(arm: PooledArm) -> Effect | str:
    return DEPENDS if arm.verdict == DEPENDS else arm.effect or ""


def _other_tasks_column(pool: Pool) -> list[Column]:
    """Return the verdicts on tasks like these, where there are enough tasks for any."""
    if all(not arm.other_tasks or arm.other_tasks.verdict in (TOO_FEW_TASKS, NOT_JUDGED) for arm in pool.arms):
        return []
    return [words("on tasks like these", [_other_text(arm.other_tasks) for arm in pool.arms])]


def _other_text(other: OtherTasks | None) -> str:
    if other is None or other.verdict == NOT_JUDGED:
        return ""
    return f"{other.verdict} (p {other.p_corrected:.2g})"


def _num_seeds(effect: Effect | None, pool: Pool) -> str:
    return f"{effect.num_seeds_on(direction(pool.metric) or 'higher')} of {effect.n}" if effect else ""


def _num_tasks(arm: PooledArm, pool: Pool) -> str:
    if not arm.by_task:
        return ""
    if all(effect.verdict in (TOO_FEW, *NOT_YET) for effect in arm.by_task):
        return "-"
    return " / ".join(str(len(_tasks_found(arm, word, pool))) for word in _words(pool))


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
    good, _ = _words(pool)
    found = [(arm, task, effect) for arm in pool.judged for task, effect in zip(pool.tasks, arm.by_task, strict=True)]
    effects = [effect for _, _, effect in found]
    return Table(
        [
            keys(pool.key or "arm", [arm.arm for arm, _, _ in found]),
            keys("task", [task for _, task, _ in found]),
            Column(f"against {pool.baseline}", effects),
            words("verdict", effects, what="verdict"),
            Column(f"seeds {good}", [_num_seeds(effect, pool) for effect in effects]),
        ]
    )
