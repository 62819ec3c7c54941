"""Collapsed and diverged runs on the screen: a column where there are any, a line where there are none."""

import re

import pytest
from command_line import normbench
from made_up_runs import make_arm, make_run, make_study

ARMS = ("none", "batch_norm", "group_norm")
ROOM = "0 of 8 collapsed leaves room for a rate of up to 37 %."
STAR = "* With diverged runs: what each reached, or the constant predictor if worse."
CONSTANT = {"train_loss": 1.0, "test_loss": 1.0, "train_accuracy": 0.5, "test_accuracy": 0.5}


def study(collapsed=None, diverged=(), num_seeds=8, **content):
    """Write a study of three norms; ``collapsed`` says how many seeds of each, ``diverged`` which (arm, seed)."""
    folder = make_study(arms=[f"norm={arm}" for arm in ARMS], baseline="norm=none", **content)
    for place, arm in enumerate(ARMS):
        made = make_arm(folder, f"norm={arm}", norm=arm, dropout=0.0, changed=["norm"])
        for seed in range(num_seeds):
            is_bad, is_lost = seed < (collapsed or {}).get(arm, 0), (arm, seed) in diverged
            level = 0.99 if is_bad else 0.1 * (1 + place / 10 + seed / 90)
            share = {"train_accuracy": 1 - level / 2, "test_accuracy": 1 - level / 2}
            rows = [{"step": 20, "test_loss": level, "train_loss": level} | share]
            status = {"status": "diverged", "step": 10} if is_lost else {}
            make_run(made, seed, rows, constant_predictor=CONSTANT, steps_per_epoch=1, **status)
    return folder


def shown(folder, *words):
    answer = normbench("compare", folder, *words)
    assert answer.code == 0, answer.err
    assert max(map(len, answer.out.splitlines())) <= 80
    return answer.out


def shares(text, title):
    """Return what stands in the column of the last table part with this title, which is its last column."""
    part = text.partition(f" {title}\n")[2]
    return re.findall(r"(\d+ of \d+)$", part.partition("\n\n")[0], re.MULTILINE)


def test_where_no_run_collapsed_there_is_a_line_and_no_column():
    out = shown(study())
    assert out.count(ROOM) == 1
    assert " collapsed\n" not in out
    assert STAR not in out
    assert "*" not in out


def test_a_column_has_all_arms_if_any_run_collapsed_and_the_line_is_about_those_without():
    out = shown(study({"none": 1}))
    assert shares(out, "collapsed") == ["1 of 8", "0 of 8", "0 of 8"]
    assert out.count(ROOM) == 1
    assert ROOM not in shown(study(dict.fromkeys(ARMS, 1), name="each"))


def test_a_diverged_run_is_a_collapsed_one_and_its_mean_is_marked():
    out = shown(study({"batch_norm": 1}, [("batch_norm", 7), ("group_norm", 0)]))
    assert shares(out, "collapsed") == ["0 of 8", "2 of 8", "1 of 8"]
    assert out.count(STAR) == 1
    lines = [line for line in out.splitlines() if line.split()[:1] in (["none"], ["batch_norm"], ["group_norm"])]
    assert {line.split()[0] for line in lines if "*" in line} == {"batch_norm", "group_norm"}
    assert " diverged\n" not in out
    details = shown(study({"batch_norm": 1}, [("batch_norm", 7)], name="more"), "--details")
    assert re.findall(r"(\d of 8)\s+([\d.]+ to [\d.]+ %)\s+(\d of 8)", details) == [
        ("0 of 8", "0.0 to 36.9 %", "0 of 8"),
        ("2 of 8", "3.2 to 65.1 %", "1 of 8"),
        ("0 of 8", "0.0 to 36.9 %", "0 of 8"),
    ]


@pytest.mark.parametrize("said", [{"collapse": False}, {"options": {"--quick": True}}])
def test_where_only_diverging_counts_the_column_says_so(said):
    out = shown(study(dict.fromkeys(ARMS, 8), [("none", 3)], **said))
    assert shares(out, "diverged") == ["1 of 8", "0 of 8", "0 of 8"]
    assert "collapsed" not in out
    assert "diverged\n" not in shown(study(dict.fromkeys(ARMS, 8), name="none_lost", **said))


def test_one_seed_each_leaves_room_for_anything_and_is_not_told():
    assert "leaves room" not in shown(study(num_seeds=1))


def test_the_arm_with_the_fewest_seeds_leaves_the_most_room():
    folder = study()
    make_run(next(folder.glob("norm=none-*")), 8, [{"step": 20, "test_accuracy": 0.9, "train_loss": 0.1}])
    assert ROOM in shown(folder)


def test_a_task_that_was_not_learned_has_no_verdict_anywhere():
    folder = study({"none": 8, "batch_norm": 5})
    for words in ((), ("--details",), ("--by", "norm"), ("--markdown",), ("--methods",)):
        out = normbench("compare", folder, *words).out.replace("\n        ", " ")
        assert "This task was not learned: 13 of 24 runs collapsed. No verdict." in out.replace(
            "**ANSWER** ", "ANSWER  "
        )
        assert not re.search(r"better|worse \(|on average|cannot be told|p 0\.", out)
    assert "0 of 8" in shown(folder)


def test_cells_of_a_table_by_settings_are_marked_and_explained():
    out = shown(study({"none": 1}, [("batch_norm", 0), ("batch_norm", 1)]), "--by", "norm")
    assert re.search(r"\] % \(1 collapsed\)", out)
    assert re.search(r"\] %\* \(2 collapsed\)", out)
    assert out.count(STAR) == out.count(ROOM) == 1
    lost = shown(study({"none": 1}, [("batch_norm", 0)], collapse=False, name="lost"), "--by", "norm")
    assert "(1 diverged)" in lost
    assert "collapsed" not in lost


def test_the_methods_say_what_a_collapse_is():
    whole = " ".join(shown(study({"none": 1}, [("none", 3)]), "--methods").split())
    told = "less than a tenth of the way from the best constant output to a perfect fit in training: 2 of 24 did."
    assert f"A run counts as collapsed if it diverged or came {told} 1 of 24 runs diverged;" in whole
    said = {"metric": "train_loss", "above": 0.5}
    own = " ".join(shown(study({"none": 1}, collapse=said, name="own"), "--methods").split())
    assert "collapsed if it diverged or ended with a train_loss above 0.5: 1 of 24 did." in own
    without = shown(study({"none": 1}, collapse=False, name="without"), "--methods")
    assert "counts as collapsed" not in " ".join(without.split())
