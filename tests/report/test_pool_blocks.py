"""What is said of several tasks: both statements in words, each with its own numbers, in at most 25 lines."""

import pytest
from made_up_runs import make_arm, make_run, make_study
from made_up_tasks import TASKS, alike, make_tasks, pooled

from normbench.errors import ComparisonError
from normbench.report.blocks.pool import footnotes, headline, pool_blocks, pool_table
from normbench.report.blocks.pool_answer import answers
from normbench.report.blocks.value_text import value_text
from normbench.report.pages.pool_methods import pool_paragraph
from normbench.report.terminal.render import blocks_rows, table_text
from normbench.storage.files.json_files import read_json, write_json
from normbench.storage.run_folder import STUDY_JSON
from normbench.storage.seed_history import SEED_HISTORY

DISAGREEING = alike(3, batch_norm=-0.4, layer_norm=0.0) | {
    TASKS[0]: {"none": 0.0, "batch_norm": -0.4, "layer_norm": -0.8},
    TASKS[2]: {"none": 0.0, "batch_norm": -0.4, "layer_norm": 0.8},
}


def test_three_tasks_that_agree():
    assert answers(pooled(make_tasks(alike(3, batch_norm=-0.4)))) == [
        "On these 3 tasks together batch_norm is better than norm=none.",
        "3 are too few to speak of other tasks: 6 are needed.",
    ]


def test_seven_tasks_say_the_same_of_others_and_seven_are_enough_for_three_arms():
    found = "batch_norm and group_norm are better than norm=none; layer_norm cannot be told apart from norm=none."
    assert answers(pooled(make_tasks(alike(7, batch_norm=-0.4, group_norm=-0.4, layer_norm=0.0)))) == [
        f"On these 7 tasks together {found}",
        f"On tasks like these {found}",
    ]


def test_an_arm_on_which_tasks_disagree_is_told_apart_with_the_tasks():
    these, others = answers(pooled(make_tasks(DISAGREEING)))
    assert these == (
        "On these 3 tasks together batch_norm is better than norm=none. layer_norm depends on the task: better on "
        "banknotes, worse on contrast."
    )
    assert others == "3 are too few to speak of other tasks: 7 are needed."  # Holm over 2 arms


def test_where_all_depends_nothing_is_said_of_the_tasks_together():
    effects = {TASKS[0]: {"none": 0.0, "bn": -0.8}, TASKS[1]: {"none": 0.0, "bn": 0.8}}
    assert answers(pooled(make_tasks(effects)))[0] == "bn depends on the task: better on banknotes, worse on gratings."


def test_a_task_against_all_together_is_told_so():
    effects = alike(6, batch_norm=-0.11) | {TASKS[4]: {"none": 0.0, "batch_norm": 0.2}}
    said = "batch_norm depends on the task: better on all tasks together, worse on gaussian_clusters."
    assert answers(pooled(make_tasks(effects, name="e")))[0] == said


def test_where_neither_way_is_better_words_are_higher_and_lower():
    effects = {
        TASKS[0]: {"none": 0.0, "bn": -0.8},
        TASKS[1]: {"none": 0.0, "bn": 0.8},
        TASKS[2]: {"none": 0.0, "bn": 0},
    }
    pool = pooled(make_tasks(effects), metrics=["change test_loss"])
    assert answers(pool)[0] == "bn depends on the task: higher on gratings, lower on banknotes."
    titles = [column.title for column in pool_table(pool).columns]
    assert {"higher in seeds", "tasks higher / lower"} <= set(titles)
    alike_pool = pooled(make_tasks(alike(3, bn=-0.8), name="alike"), metrics=["change test_loss"])
    assert answers(alike_pool)[0] == "On these 3 tasks together bn is lower than norm=none."


def test_points_are_told_of_accuracies_and_named_arms_as_arms():
    arms = {f"{name},dataset={task}": (name, task) for task in TASKS[:2] for name in ("none", "mine")}
    folder = make_study(arms=arms, baseline="none", axes=["dataset"], named=["norm"])
    content = read_json(folder / STUDY_JSON)
    for entry, (name, task) in zip(content["arms"], arms.values(), strict=True):
        entry |= {"name": name, "sets": {"dataset": task}}
    write_json(folder / STUDY_JSON, content)
    for arm, (name, task) in arms.items():
        made = make_arm(folder, arm, dataset=task, norm=name)
        for seed in range(8):
            row = {"step": 20, "test_accuracy": 0.5 + seed / 100 + 0.1 * (name == "mine")}
            make_run(made, seed, [row], constant_predictor={"test_accuracy": 0.5})
    pool = pooled(folder, metrics=["test_accuracy"])
    assert answers(pool)[0] == "On these 2 tasks together mine is better than arm none."
    effects = pool_table(pool).columns[1]
    assert (effects.title, value_text(effects.values[1], effects.what)) == (
        "points against none",
        "+10.0 [+10.0, +10.0]",
    )


def test_too_few_seeds_over_all_tasks():
    assert answers(pooled(make_tasks(alike(2, batch_norm=-0.4), seeds=range(2)))) == [
        "Too few seeds for a verdict on batch_norm: 6 are needed over all tasks.",
        "2 are too few to speak of other tasks: 6 are needed.",
    ]


def test_a_task_that_was_not_learned_is_named_and_leaves_no_verdict():
    lost = {(TASKS[1], norm, seed) for norm in ("none", "batch_norm") for seed in range(5)}
    pool = pooled(make_tasks(alike(2, batch_norm=-0.4), diverged=lost))
    (said,) = answers(pool)
    assert said.startswith("gratings was not learned: 10 of 16 runs diverged. No verdict.")
    assert [column.title for column in pool_table(pool).columns] == ["norm", "score", "diverged"]
    assert "p is the larger" not in pool_paragraph(pool, [])


def asked(folder, *counts, check_after=None):
    """Write down of which seeds the study was asked for, one after the other."""
    content = read_json(folder / STUDY_JSON)
    entries = [{"seeds": count, "check_after": check_after, "arms": ["aaaaaa"]} for count in counts]
    write_json(folder / STUDY_JSON, content | {SEED_HISTORY: entries})
    return folder


def test_seeds_added_without_a_plan_are_judged_by_the_sign_e_process():
    pool = pooled(asked(make_tasks(alike(6, batch_norm=-0.8)), 6, 8))
    assert pool.arms[1].effect.rule.kind == "any time"
    assert answers(pool) == [
        "On these 6 tasks together batch_norm is better than norm=none.",
        "Nothing is said of other tasks, as seeds were added without a plan.",
    ]
    assert footnotes(pool)[0] == (
        "Seeds were added without a plan (6, then 8): verdicts by the sign e-process over all tasks."
    )
    assert "the sign e-process over the seeds of all tasks" in pool_paragraph(pool, [])


def test_at_a_planned_check_the_level_is_told():
    pool = pooled(asked(make_tasks(alike(3, batch_norm=-0.8)), 8, check_after=[8, 16, 32, 64]))
    assert pool.arms[1].verdict == "better"
    assert footnotes(pool)[0] == "Verdicts at level .0125: typical seed, paired, ranked within each task."
    assert "a verdict is given where p <= 0.0125, as several checks were planned" in pool_paragraph(pool, [])


@pytest.mark.parametrize(
    ("counts", "check_after", "why"),
    [
        ((16,), None, "some of the seeds are missing"),
        ((8,), [4, 16], "these seeds are not at a check"),
    ],
)
def test_seeds_that_are_not_judged_yet_leave_no_verdict(counts, check_after, why):
    pool = pooled(asked(make_tasks(alike(3, batch_norm=-0.8)), *counts, check_after=check_after))
    assert answers(pool) == [f"No verdict on batch_norm yet: {why}."]
    assert [row[4] for row in pool_table(pool).rows] == ["", "-"]


def test_several_studies_of_which_one_was_added_to_without_a_plan_are_refused():
    one, other = (make_tasks({task: {"none": 0.0, "bn": -0.8}}, name=task) for task in TASKS[:2])
    with pytest.raises(ComparisonError) as refused:
        pooled(one, asked(other, 6, 8))
    rule = "several studies must have their seeds asked for at once or by a plan, got more seeds of gratings"
    assert str(refused.value) == f"--pool: {rule}. Pool it alone, or run its file under another name."


def test_the_table_has_effect_verdict_seeds_tasks_and_score():
    pool = pooled(make_tasks(DISAGREEING, diverged={(TASKS[1], "none", 0)}))
    assert headline(pool) == (
        "norms · Which norm?\n  3 tasks: banknotes, gratings, contrast\n"
        "  3 arms, 24 runs each · test loss · same in all but norm"
    )
    rows = {row[0]: row[1:] for row in pool_table(pool).rows}
    none, batch_norm, layer_norm = (rows[name] for name in ("none", "batch_norm", "layer_norm"))
    assert none[:4] == ("baseline", "", "", "")
    assert (value_text(batch_norm[1], "better_seeds"), batch_norm[2].verdict) == ("24 of 24", "better")
    assert (batch_norm[3], layer_norm[2:4]) == ("3 / 0", ("depends on the task", "1 / 1"))
    assert (none[5], batch_norm[5]) == ("1 of 24", "0 of 24")
    assert 0 < float(batch_norm[4].split()[0]) < 100
    assert footnotes(pool) == [
        "Verdicts: typical seed, paired, ranked within each task, Holm over 2 arms.",
        "Score: mean of the middle half of runs, 0 the constant predictor, 100 no error.",
    ]


def test_where_no_task_alone_can_have_a_verdict_nothing_is_counted():
    pool = pooled(make_tasks(alike(7, batch_norm=-0.4)))
    assert [row[5] for row in pool_table(pool).rows] == ["", "-"]
    assert footnotes(pool)[1] == "Too few seeds to see whether tasks disagree: 9 in each are needed."


def test_enough_tasks_have_a_column_of_their_own():
    pool = pooled(make_tasks(alike(6, batch_norm=-0.4)))
    for details, said in ((False, "better"), (True, "better (p 0.031)")):
        columns = {column.title: column.values for column in pool_table(pool, details=details).columns}
        assert columns["on tasks like these"] == ["", said]


def test_without_scores_there_is_neither_column_nor_note():
    pool = pooled(make_tasks(alike(2, batch_norm=-0.4)), metrics=["steps_to 0.3 test_loss"])
    assert "score" not in [column.title for column in pool_table(pool).columns]
    assert len(footnotes(pool)) == 1


def test_details_have_each_arm_in_each_task():
    pool = pooled(make_tasks(DISAGREEING))
    table = next(block.table for block in pool_blocks(pool, details=True) if block.heading)
    assert [row[:2] for row in table.rows] == [
        (arm, task) for arm in ("batch_norm", "layer_norm") for task in TASKS[:3]
    ]
    assert [row[2].verdict for row in table.rows[3:]] == ["better", "cannot tell", "worse"]
    assert "8 of 8" in table_text(table, 80)


@pytest.mark.parametrize("num_tasks", [2, 3, 5, 7])
@pytest.mark.parametrize("is_lost", [False, True])
def test_three_arms_take_at_most_25_lines_of_80_columns(num_tasks, is_lost):
    effects = alike(num_tasks, batch_norm=-0.4, layer_norm=0.0)
    effects[TASKS[0]] |= {"layer_norm": -0.8}
    effects[TASKS[1]] |= {"layer_norm": 0.8}
    diverged = {(TASKS[0], "none", 0)} if is_lost else ()
    rows = blocks_rows(pool_blocks(pooled(make_tasks(effects, diverged=diverged)), ["A note."]), 80)
    assert len(rows) <= 25, "\n".join(text for text, _ in rows)
    assert max(len(text) for text, _ in rows) <= 80


def test_the_paragraph_for_a_paper_says_both_tests():
    assert pool_paragraph(pooled(make_tasks(alike(6, batch_norm=-0.4))), []) == (
        f"6 tasks ({', '.join(TASKS[:6])}) are pooled by test loss. On these tasks: log ratios against none, paired by "
        "seed, are ranked within each task and the rank sums added (van Elteren, 1960); p is the larger of the exact p "
        "of this sum and half the p of the exact sign test over all seeds, two-sided. The effect is the median of the "
        "averages of two seeds of one task, with the interval of the test. On tasks like these: the same test "
        "with one number per task, its pseudo-median over its median absolute difference. An arm depends on the task "
        "where it is better in one and worse in another, p of each side corrected by Holm's method over the tasks. "
        "Scores of runs are the way from the constant predictor (0) to no error (1), not below 0; figures are "
        "interquartile means with 95 % stratified bootstrap intervals (Agarwal et al., 2021)."
    )
