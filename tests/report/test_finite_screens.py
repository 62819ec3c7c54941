"""What a person reads of a study on finite data: two columns in one table, and what neither of them can tell."""

import csv
import io
import json
from pathlib import Path

import pytest
from command_line import normbench
from finite_studies import FIXED, RANDOM, write_finite_study
from made_up_tasks import TASKS

from normbench.report.blocks.run import screen_blocks
from normbench.report.terminal.render import blocks_rows
from normbench.storage.seed_history import SEED_HISTORY, Asked
from normbench.storage.study_folder import read_study

LEVEL = [0.70, 0.72, 0.69, 0.71, 0.73, 0.70, 0.68, 0.72]
WOBBLE = [0.01, -0.02, 0.0, 0.015, -0.01, 0.005, 0.01, -0.01]
THREE = {
    "kept": LEVEL,
    "group_norm": [value + 0.046 + 0.5 * more for value, more in zip(LEVEL, WOBBLE, strict=True)],
    "instance_norm": [value + 0.04 - more for value, more in zip(LEVEL, WOBBLE, strict=True)],
}
TWO = {"kept": LEVEL, "group_norm": [value + 0.02 - more for value, more in zip(LEVEL, WOBBLE, strict=True)]}
NARROWS = "More seeds cannot narrow the interval for new images; more images can."


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def screen(*words):
    answer = normbench("compare", "runs", *words)
    assert answer.code == 0, answer.err
    return answer.out


SCREEN = """\
made_up · Which norm?
  3 arms, 8 seeds each, tested on another eighth of 400 images ·
  lenet on images · same in all but norm · same lr, not tuned

ANSWER  Take group_norm: on new images like these at most 2.7 points behind the
        best of the 3 (95 %). norm=kept and instance_norm cannot be told apart
        from group_norm.

test accuracy, points against kept, in a typical run, with 95 % intervals
                   test           on these  on new images    better
norm           accuracy         400 images      like them  in seeds  collapsed
kept             70.6 %           baseline       baseline               1 of 8
group_norm       75.2 %  +4.6 [+4.1, +5.1]  [-2.7, +17.1]    8 of 8     0 of 8
instance_norm    74.6 %  +4.0 [+3.0, +5.0]  [-2.2, +15.4]    8 of 8     0 of 8
0 of 8 collapsed leaves room for a rate of up to 37 %.
More seeds cannot narrow the interval for new images; more images can.
"""


def test_three_arms_of_eight_seeds_on_one_screen():
    write_finite_study(THREE, failed={("kept", 3)}, question="Which norm?")
    assert screen() == SCREEN


def test_the_report_of_a_run_has_at_most_25_lines():
    folder = write_finite_study(THREE, failed={("kept", 3)}, question="Which norm?", layers=("conv1", "fc1"))
    study = read_study(folder)
    blocks = screen_blocks(study, [arm.folder.name for arm in study.arms], Path("which.yaml"))
    text = "\n".join(line for line, *_ in blocks_rows(blocks, 80))
    assert text.startswith(SCREEN)
    assert text.count("\n") < 25


def test_better_on_new_images_is_said_where_it_is_found():
    write_finite_study(THREE)
    assert "Take group_norm: on new images like these at most 1.7 points behind the" in screen()
    text = " ".join(screen("--details").split())
    assert "norm=kept is beaten. instance_norm cannot be told apart from group_norm." in text
    assert "group_norm is better than norm=kept on new images like these: +4.6 points [+3.8, +5.4] on average." in text
    assert "On these 400 images: group_norm is better than norm=kept on the typical seed: +4.6 points" in text
    assert "t corrected for 0.17 test rows for each training one, Holm over 2." in text


def test_two_arms_have_what_holds_on_these_rows_beside():
    write_finite_study(TWO, finite=RANDOM)
    text = " ".join(screen().split())
    answer = "Take group_norm: on new rows like these better in test accuracy than norm=kept, by 0.75 points at least"
    assert answer in text
    assert "On these 500 rows: group_norm is better than norm=kept on the typical seed: +2.0 points" in text
    assert "another random split of 500 rows each" in text


@pytest.mark.parametrize("options", [{"finite": FIXED}, {"settings": {"fix": ["data"]}}])
def test_one_split_is_named_as_such(options):
    write_finite_study(THREE, **options)
    text = screen()
    assert "8 seeds each, one split of 400 images" in text
    words = " ".join(text.split())
    assert "Take group_norm: on this split of these 400 images, on the typical seed, at most" in words
    assert "One split: says nothing of other splits." in text
    assert "better on these rows" in text
    assert "new images" not in text


def test_losses_are_ratios():
    write_finite_study({norm: [1 - value for value in of] for norm, of in THREE.items()}, metric="test_loss")
    text = screen("--metric", "test_loss")
    assert "test loss, ratio to kept, in a typical run, with 95 % intervals" in text
    assert "x 0.844 [0.828, 0.860]  x [0.822, 0.865]" in text


def test_csv_json_and_markdown_carry_both():
    write_finite_study(THREE)
    lines = list(csv.DictReader(io.StringIO(screen("--csv"))))
    (study,) = json.loads(screen("--json"))
    new = study["rows"][1]["effect"]["new_data"]
    assert lines[1]["verdict"] == "better on these rows"
    assert [float(lines[1][f"new_data_{key}"]) for key in ("effect", "low", "high", "p_corrected")] == [
        new[key] for key in ("value", "low", "high", "p_corrected")
    ]
    assert (lines[1]["new_data_verdict"], new["verdict"]) == ("better", "better")
    assert study["rows"][0]["data"]["unit"] == "images"
    markdown = screen("--markdown")
    assert "| norm | test accuracy | on these 400 images | on new images like them | better in seeds |" in markdown
    assert NARROWS in markdown


def test_a_table_by_a_setting_has_verdicts_on_new_data():
    write_finite_study(THREE)
    text = " ".join(screen("--by", "norm").split())
    assert "better (p 4.7e-06)" in text
    assert "Verdicts: on new data by the corrected t, Holm over each table's comparisons." in text
    assert NARROWS in text


def test_the_paragraph_on_methods_tells_the_splits_and_the_test():
    write_finite_study(THREE)
    text = screen("--methods", "--markdown")
    assert (
        "The data are 400 images, each seed tested on another of 8 folds, drawn anew after so many seeds. Effects over "
        "seeds hold on these images. On new images like these: means over splits by the corrected resampled t (Nadeau "
        "and Bengio, 2003), variance (1/n + 0.17) s^2, as there are 0.17 test images for each training one, n - 1 "
        "degrees of freedom, corrected by Holm's method over the 2 comparisons; a failed run counts as the "
        "constant predictor."
    ) in text
    assert "by the corrected t at 0.05 / (k - 1), one-sided." in text


def test_seeds_that_were_added_without_a_plan_are_told_for_both_columns():
    grown = [Asked(tuple(range(n)), (), ("aaaaaa",)).to_json() for n in (8, 16)]
    write_finite_study({norm: [*of, *of] for norm, of in THREE.items()}, **{SEED_HISTORY: grown})
    text = " ".join(screen().split())
    assert "Seeds were added without a plan (8, then 16): verdicts by the sign e-process." in text
    assert "Verdicts on new data share 5 % among the counts: at level .0250." in text


def test_claims_say_what_they_are_about():
    expect = {"less": "norm=kept", "than": "norm=group_norm", "by": 0.0}
    said = {"says": "it helps", "metric": "test_accuracy", "expect": expect}
    claims = [said | {"id": "new"}, said | {"id": "these", "about": "these_rows"}]
    write_finite_study(THREE, claims=claims)
    text = screen()
    assert "about new images like these 400 images: means over splits, corrected t" in text
    assert "about these 400 images alone" in text


def test_tasks_of_finite_data_are_better_on_these_rows():
    for task in TASKS[:2]:
        write_finite_study(THREE, name=task, settings={"dataset": task})
    text = " ".join(screen("--pool").split())
    assert "On these 2 tasks together group_norm and instance_norm are better on these rows than norm=kept." in text
