"""The paragraph for a paper says how the numbers came about, and nothing that is not so."""

from dataclasses import replace

from made_up_runs import make_arm, make_run, make_study

from normbench import __version__
from normbench.evidence.comparison.answer_cells import with_answer
from normbench.evidence.comparison.comparison import compare_study
from normbench.evidence.comparison.effects import with_effects
from normbench.evidence.comparison.pivot import make_pivots
from normbench.report.pages.methods import methods_paragraph
from normbench.storage.files.json_files import write_json
from normbench.storage.run_folder import ENVIRONMENT_JSON
from normbench.storage.study_folder import read_study
from normbench.study.study import TUNING_SEEDS

FIGURES = (
    "Figures are means over seeds with 95 % intervals: for losses the modified Cox interval of a log-normal mean "
    "(Olsson, 2005), for accuracies Student's t on logits, else Student's t."
)
VERSIONS = {"python": "3.11.7", "device": "x86_64", "versions": {"torch": "2.6.0", "numpy": "2.0.0"}}


def comparison(baseline="none", num_seeds=8):
    folder = make_study(arms=["none", "batch_norm", "layer_norm"], baseline=baseline, named=["norm"])
    for i, arm in enumerate(("none", "batch_norm", "layer_norm")):
        made = make_arm(folder, arm, norm=arm)
        for seed in range(num_seeds):
            status = "diverged" if (i, seed) == (1, 0) else "finished"
            run = make_run(made, seed, [{"step": 20, "test_loss": 1.0 + i + seed / 9}], status=status)
            write_json(run / ENVIRONMENT_JSON, VERSIONS)
    return with_effects(compare_study(read_study(folder), ["test_loss"]))


def test_all_of_it_in_one_paragraph():
    assert methods_paragraph(comparison()) == (
        "Study made_up compares 3 arms that differ in norm; all other settings are equal. All arms share: 20 "
        "steps. Each arm was trained with "
        "n = 8 seeds; a seed decides data, initial weights, batch order and dropout, the same in every arm where "
        "shapes agree. Nothing was tuned: every arm runs at its given settings. "
        f"{FIGURES} "
        "Effects on test loss against none are ratios on the typical seed: pseudo-medians of the log ratios, paired by "
        "seed (Hodges and Lehmann, 1963), with the 95 % intervals of the test. p is the larger of the p of exact "
        "signed ranks (Wilcoxon, 1945) and half the p of the exact sign test, two-sided, corrected by Holm's method "
        "over the 2 comparisons; a verdict is given where p <= 0.05. 1 of 24 runs diverged; a diverged run stays in n "
        f"and counts as the worst possible. Computed with normbench {__version__}, Python 3.11.7, torch 2.6.0, "
        "numpy 2.0.0 on x86_64."
    )


def test_the_setting_that_arms_share_is_named():
    found = comparison()
    shared = {"model": "lenet", "dataset": "banknotes", "optimizer": "sgd", "optimizer.lr": 0.01, "batch_size": 16}
    rows = [replace(row, settings=shared | {"norm": row.arm}) for row in found.rows]
    text = methods_paragraph(replace(found, rows=rows))
    assert "All arms share: lenet on banknotes, 20 steps, sgd at lr 0.01, batch size 16." in text
    other = [*rows[:2], replace(rows[2], settings=shared | {"optimizer.lr": 0.1}, total_steps=40)]
    text = methods_paragraph(replace(found, rows=other))
    assert "All arms share: lenet on banknotes, sgd, batch size 16." in text


def test_the_answers_procedure_is_told_with_its_margin():
    judged = comparison()
    found = with_answer(judged, margin=0.05)
    assert "smallest upper bound of its distance to the best of the k arms (Hsu, 1984)" in methods_paragraph(found)
    assert "(Schuirmann, 1987) keep them within 0.05." in methods_paragraph(found)
    assert "Schuirmann" not in methods_paragraph(with_answer(judged))


def test_with_too_few_seeds_no_answer_is_told():
    assert "Hsu" not in methods_paragraph(with_answer(comparison(num_seeds=3)))


def test_without_a_baseline_no_test_is_told():
    assert "signed ranks" not in methods_paragraph(comparison(baseline=None))


def test_tuning_tells_its_keys_and_seeds():
    tuned = replace(comparison(), tuned_keys=["optimizer.lr"], tuning_seeds=TUNING_SEEDS)
    assert (
        "optimizer.lr was chosen for each arm, the value with the best median final validation loss over tuning seeds "
        "1000, 1001, 1002 and 1003, before any run that is reported. Arms not called tuned run at their given settings."
    ) in methods_paragraph(tuned)


def test_a_study_that_was_tuned_on_two_seeds_says_so():
    assert "over tuning seeds 1000 and 1001," in methods_paragraph(replace(comparison(), tuned_keys=["optimizer.lr"]))


def test_seeds_that_are_missing_are_told():
    found = comparison()
    rows = [replace(found.rows[0], missing_seeds=(7,), seeds=tuple(range(7))), *found.rows[1:]]
    text = methods_paragraph(replace(found, rows=rows))
    assert "n = 7 to 8 seeds" in text
    assert "compared over the seeds that both arms have" in text


def test_trends_of_a_table_by_settings_are_told():
    found = comparison()
    rows = [replace(row, settings={"batch_size": 2**i}) for i, row in enumerate(found.rows)]
    by_size = replace(found, rows=rows, differing=["batch_size"])
    assert "Kendall's tau" in methods_paragraph(by_size, make_pivots(by_size, ["batch_size"]))
    assert "Kendall's tau" not in methods_paragraph(by_size)


def test_tables_whose_comparisons_are_corrected_apart_are_not_added_up():
    found = comparison()
    rows = [replace(row, settings={"norm": row.arm, "batch_size": 4}) for row in found.rows]
    rows += [replace(row, arm=f"{row.arm}-8", settings={"norm": row.arm, "batch_size": 8}) for row in found.rows]
    table = replace(found, rows=rows, differing=["norm", "batch_size"])
    told = "corrected by Holm's method over the 4 and 3 comparisons, each table's for themselves;"
    assert told in methods_paragraph(table, make_pivots(table, ["norm", "batch_size"]))


def test_nothing_finished_has_no_methods():
    assert methods_paragraph(replace(comparison(), rows=[])) == "made_up: no finished run."
