"""Claims that are pooled over tasks: on these together, in each, on tasks like these; and what is refused."""

import json
import math

import numpy as np
import pytest
from finite_studies import RANDOM, SIZES
from runs_in_memory import arm_with, arms_called

from normbench.evidence.claims.claim import read_claims
from normbench.evidence.claims.outcomes import claim_outcome, outcome_counts
from normbench.evidence.claims.verdict import judge_claim
from normbench.evidence.claims.verdicts_file import read_verdicts
from normbench.evidence.second_look.repeatability import chance_of_same_verdict
from normbench.evidence.statistics.seed_plan import SeedPlan
from normbench.evidence.statistics.verdicts.pooling import pooled_estimate, pooled_interval, pooled_p
from normbench.report.blocks.claim_facts import claims_facts
from normbench.report.blocks.claims import claims_blocks, part_text
from normbench.report.figures.claims import draw_claims
from normbench.report.pages.json_text import claim_mappings
from normbench.storage.arm_id import ArmSet

LESS = {"less": "norm=b", "than": "norm=none", "by": 0.05}
RNG = np.random.default_rng(3)
NOISE = {task: RNG.normal(0, 0.03, 8) for task in range(8)}


def tasks_with(*effects, noise=1.0, metric="test_loss"):
    """Return two arms on each task: without a norm the log of the loss is higher by the task's effect."""
    arms = []
    for task, effect in enumerate(effects):
        scale = 10.0**task
        low, high = scale * np.ones(8), scale * np.exp(effect + noise * NOISE[task])
        arms += [arm_with(f"dataset=t{task},norm={norm}", of, metric) for norm, of in (("b", low), ("none", high))]
    return arms


def judged(arms, expect=LESS, plan=None, **said):
    raw = {"id": "P1", "says": "b is better", "metric": "test_loss", "pool": "dataset", "expect": expect} | said
    (claim,), errors = read_claims([raw], ArmSet([arm.labelled for arm in arms], ["dataset", "norm"]))
    assert not errors
    options = {"plan": plan} if plan else {}
    return judge_claim(claim, arms, range(8), "study", "normbench run x.yaml", **options)


def complaint(said, *labels):
    _, errors = read_claims([{"says": "so", "metric": "test_loss", "expect": LESS} | said], arms_called(*labels))
    return str(errors[0])


TWO = [f"dataset={task},norm={norm}" for task in ("t0", "t1") for norm in ("b", "none")]


def test_the_verdict_is_the_pooled_test_at_the_margin():
    found = judged(tasks_with(0.3, 0.2, 0.1))
    (part,), tasks = found.parts, [effect + NOISE[i] for i, effect in enumerate((0.3, 0.2, 0.1))]
    low, high = pooled_interval(tasks)
    assert found.verdict == "holds"
    assert part.p == pytest.approx(float(pooled_p(tasks, math.log(1.05))[0]))
    assert (part.effect, part.low, part.high) == pytest.approx(
        tuple(map(math.exp, (pooled_estimate(tasks), low, high)))
    )
    assert (part.n, part.margins, part.by_seed) == (24, pytest.approx((1.05,)), {})
    assert [(task.task, task.verdict, task.n) for task in part.by_task] == [(f"t{i}", "holds", 8) for i in range(3)]


@pytest.mark.parametrize(
    ("effects", "word"),
    [
        ((0.2, 0.2, 0.2), "holds"),
        ((0.02, 0.02, 0.02), "smaller than claimed"),
        ((-0.2, -0.2, -0.2), "opposite"),
        ((0.05, 0.05, 0.05), "cannot tell"),
        ((0.3, 0.3, -0.3), "depends on the task"),
        ((0.3, 0.3, 0.0), "depends on the task"),
        ((-0.3, -0.3, 0.0), "opposite"),
    ],
)
def test_the_words(effects, word):
    found = judged(tasks_with(*effects))
    assert (found.verdict, claim_outcome(found)) == (word, word)
    assert outcome_counts([found])[word] == 1


def test_what_no_task_shows_alone_all_together_show():
    found = judged(tasks_with(*[0.1] * 4, noise=2.0))
    assert found.verdict == "holds"
    assert any(task.verdict == "cannot tell" for task in found.parts[0].by_task)


def test_five_tasks_say_nothing_of_tasks_like_these_and_six_do():
    few, enough = (
        judged(tasks_with(*[0.2] * 5)).parts[0].other_tasks,
        judged(tasks_with(*[0.2] * 6)).parts[0].other_tasks,
    )
    assert (few.num_tasks, few.tasks_needed, few.verdict, few.p_corrected) == (5, 6, "too few tasks", 1.0)
    assert (enough.verdict, enough.num_held, enough.p_corrected) == ("holds", 6, pytest.approx(2 / 2**6))


def test_where_one_task_was_not_learned_no_task_has_a_verdict():
    first, second, *others = tasks_with(*[0.3] * 6)
    lost = [arm_with(arm.name, [1.0] * 8, statuses=["diverged"] * 8) for arm in (first, second)]
    found = judged([*lost, *others])
    (part,) = found.parts
    assert (found.verdict, found.why) == ("cannot tell", "t0: This task was not learned: 16 of 16 runs diverged")
    assert {(task.verdict, task.p_corrected) for task in part.by_task} == {("cannot tell", 1.0)}
    assert (part.p, part.other_tasks.verdict) == (1.0, "not judged")


def test_tasks_like_these_stay_open_where_these_tasks_are_decided():
    at_the_margin = math.log(1.05) - float(np.mean(NOISE[5])) - 0.005
    found = judged(tasks_with(*[0.3] * 5, at_the_margin))
    assert (found.verdict, found.parts[0].other_tasks.verdict) == ("holds", "cannot tell")


def test_two_ends_are_kept_together():
    equal = {"equal": ["norm=b", "norm=none"], "within": 0.1}
    assert judged(tasks_with(0.01, -0.01, 0.02), equal).verdict == "holds"
    assert judged(tasks_with(0.3, 0.3, 0.3), equal).verdict == "opposite"
    assert judged(tasks_with(0.0, 0.0, 0.3), equal).verdict == "depends on the task"
    assert judged(tasks_with(*[0.01] * 6), equal).parts[0].other_tasks.verdict == "holds"


def test_of_several_parts_each_is_pooled():
    both = {"all": [LESS, {"range": [0.1, 1e6], "of": "norm=b"}]}
    found = judged(tasks_with(0.3, 0.2), both)
    assert [part.verdict for part in found.parts] == ["holds", "holds"]
    assert judged(tasks_with(0.3, -0.3), both).verdict == "depends on the task"


def test_a_list_of_datasets_leaves_out_the_others():
    arms = tasks_with(0.3, 0.2, -0.3)
    assert judged(arms).verdict == "depends on the task"
    found = judged(arms, pool=["t0", "t1"])
    assert (found.verdict, [task.task for task in found.parts[0].by_task]) == ("holds", ["t0", "t1"])


def test_arms_that_are_tuned_are_found_in_a_list_of_datasets():
    said = {"says": "so", "metric": "test_loss", "pool": ["t0", "t1"]}
    expect = {"less": "norm=b,tuned", "than": "norm=none,tuned", "by": 0.05}
    (claim,), _ = read_claims([said | {"expect": expect}], arms_called(*(f"{label},tuned" for label in TWO)))
    assert claim.tasks["t1"] == {"dataset=t1,norm=b,tuned", "dataset=t1,norm=none,tuned"}


def test_a_missing_run_of_one_task_leaves_no_verdict():
    arms = tasks_with(0.3, 0.2)
    said = [{"says": "b", "metric": "test_loss", "pool": "dataset", "expect": LESS}]
    planned = ArmSet([arm.labelled for arm in arms])
    (claim,), _ = read_claims(said, planned)
    found = judge_claim(claim, arms[:-1], range(8), "study", "normbench run x.yaml", planned)
    assert (found.verdict, found.why) == ("incomplete", "no run of dataset=t1,norm=none has finished")


def test_a_task_that_was_not_learned_leaves_no_verdict():
    arms = [
        *tasks_with(0.3),
        *(arm_with(f"dataset=t1,norm={n}", [2.0] * 8, statuses=["diverged"] * 8) for n in ("b", "none")),
    ]
    found = judged(arms)
    assert found.verdict == "cannot tell"
    assert found.why.startswith("t1: ")


def test_a_task_without_the_metric_leaves_no_verdict():
    arms = [*tasks_with(0.3), *tasks_with(0.2, 0.2, metric="test_accuracy")[2:]]
    found = judged(arms)
    assert (found.verdict, found.why) == ("cannot tell", "t1: test_loss has no finite value in some run")
    assert claims_facts([found])[0].outcome == "cannot tell"


def test_runs_without_a_number_count_for_no_side():
    nan = [math.nan] * 2 + [1.0] * 6
    arms = [*tasks_with(0.3), arm_with("dataset=t1,norm=b", nan), tasks_with(0.3, 0.3)[3]]
    found = judged(arms)
    assert (found.parts[0].n, found.parts[0].num_held) == (16, 14)
    assert found.why == "t1: test_loss has no finite value in some run"


def test_at_a_check_the_level_is_shared_and_not_at_one_nothing_is_said():
    arms, order = tasks_with(0.3, 0.2), tuple(range(8))
    at = judged(arms, plan=SeedPlan("checks", (8, 16), order)).parts[0]
    assert (at.verdict, at.level) == ("holds", 0.025)
    before = judged(arms, plan=SeedPlan("checks", (16, 32), order)).parts[0]
    assert (before.verdict, before.seeds_needed, before.other_tasks.verdict) == ("not at a check", 16, "too few tasks")
    grown = judged(tasks_with(*[0.3] * 6), plan=SeedPlan("any time", (4, 8), order)).parts[0]
    assert (grown.verdict, grown.other_tasks.verdict) == ("holds", "not judged")


def test_on_finite_data_it_is_about_these_rows():
    arms = tasks_with(0.3, 0.2)
    for arm in arms:
        for run in arm.runs:
            run.summary.update(finite=RANDOM, **SIZES)
    found = judged(arms)
    assert (found.verdict, found.about, found.data) == ("holds", "these_rows", "500 rows")


def test_a_verdict_is_the_same_when_it_is_read_back(tmp_path):
    verdicts = [judged(tasks_with(0.3, 0.3, -0.3)), judged(tasks_with(*[0.2] * 6))]
    (tmp_path / "v.json").write_text(json.dumps(claim_mappings(verdicts)))
    assert claim_mappings(read_verdicts(tmp_path / "v.json")) == claim_mappings(verdicts)


def test_it_is_drawn_without_seeds_and_no_chance_is_told_to_find_it_again():
    found = judged(tasks_with(0.3, 0.3, -0.3))
    assert b"b is better" in draw_claims([found])
    assert chance_of_same_verdict(found, []) is None


def test_a_claim_of_one_task_has_no_keys_of_tasks():
    arms = tasks_with(0.3)
    (claim,), _ = read_claims(
        [{"says": "b", "metric": "test_loss", "expect": LESS}], ArmSet([a.labelled for a in arms])
    )
    (part,) = claim_mappings([judge_claim(claim, arms, range(8), "s", "c")])[0]["parts"]
    assert not {"by_task", "other_tasks"} & set(part)


def test_what_is_said_of_it():
    found = judged(tasks_with(0.3, 0.3, -0.3))
    lines = [line.text for block in claims_blocks([found]) for line in block.lines]
    assert "by task: holds in t0 and t1; opposite in t2" in lines
    assert "on tasks like these: too few tasks, 3 of the 6 that are needed" in lines
    (facts,) = claims_facts([found])
    assert ("why", "the tasks disagree: holds in t0 and t1; opposite in t2") in facts.facts
    assert part_text(found.parts[0]).startswith("norm=b < norm=none by 0.05 on these 3 tasks · test_loss: x ")


@pytest.mark.parametrize(
    ("said", "labels", "error"),
    [
        (
            {"pool": "norm"},
            TWO,
            (
                "claims.0.pool: must be dataset, or a list of datasets of the study, got 'norm'. "
                "Example: pool: dataset. Datasets: t0, t1."
            ),
        ),
        (
            {"pool": "dataset"},
            TWO[:2],
            (
                "claims.0.pool: must be over 2 datasets or more, got 't0'. "
                "Put several datasets under grid:, or leave pool out."
            ),
        ),
        (
            {"pool": ["t0", "t9"]},
            TWO,
            "claims.0.pool.1: must be a dataset of the study, got 't9'. Datasets: t0, t1.",
        ),
        (
            {"pool": ["t0", "t0"]},
            TWO,
            "claims.0.pool.1: must be a dataset that is not named before, got 't0'. Datasets: t0, t1.",
        ),
        (
            {"pool": "dataset", "about": "new_data"},
            TWO,
            (
                "claims.0.about: must be these_rows beside pool, got 'new_data'. "
                "No test of new data is pooled: claim that of each dataset."
            ),
        ),
        (
            {"pool": "dataset", "expect": {**LESS, "less": "dataset=t0,norm=b"}},
            TWO,
            (
                "claims.0.expect: must be an arm in every dataset that is pooled, there is none in t1, "
                "got 'dataset=t0,norm=b'. Name it without the dataset, or list the datasets in pool."
            ),
        ),
        (
            {"pool": "dataset"},
            [f"{label},batch_size={size}" for label in TWO for size in (4, 32)],
            (
                "claims.0.expect: must mean one arm, could mean dataset=t0,norm=none,batch_size=4 or "
                "dataset=t0,norm=none,batch_size=32, got 'norm=none'. "
                "Say in what they differ, or write the label of one."
            ),
        ),
        (
            {"pool": "dataset", "expect": {"range": [0, 1], "of": "norm=b", "every": True}},
            TWO,
            "claims.0.pool: must not stand with every: true, got 'dataset'. Claim it of each dataset.",
        ),
    ],
)
def test_what_is_refused(said, labels, error):
    assert complaint(said, *labels) == error


def test_a_dataset_of_two_settings_is_two_tasks():
    arms = []
    for task, std in enumerate((1, 2)):
        arms += [
            arm_with(f"dataset=t,dataset.std={std},norm={norm}", of)
            for norm, of in (("b", np.ones(8)), ("none", np.exp(0.3 + NOISE[task])))
        ]
    assert [task.task for task in judged(arms).parts[0].by_task] == ["t,std=1", "t,std=2"]
