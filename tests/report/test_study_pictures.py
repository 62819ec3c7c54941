"""All pictures of a study: which there are, an arm looks the same in each, equal bytes, and nothing half-written."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_runs import make_arm, make_run, make_study, std_rows

from normbench.errors import ComparisonError, RunFolderError
from normbench.evidence.comparison.comparison import compare_study
from normbench.evidence.comparison.effects import with_first_baseline
from normbench.report.figures.kinds import effects, layers, steps
from normbench.report.figures.kinds.base import ShownStudy, find_kinds, unfinished_kinds
from normbench.report.figures.looks import arm_looks, look_of
from normbench.report.figures.study_pictures import write_pictures
from normbench.storage.removal import plan_removal, remove
from normbench.storage.study_folder import read_study

ARMS = ("none", "batch_norm", "group_norm")
LAYERS = {"hidden1": 0.5, "hidden2": 0.2}
SUFFIXES = (".png", ".svg")


def make(num_seeds=6, folder=Path("runs"), margin=0.05):
    """Write a study of three norms and return its folder."""
    study = make_study(folder, arms=ARMS, margin=margin, baseline="none", named=["norm"])
    rng = random.Random(0)
    described = [{"name": name, "shape": [3, 2], "has_norm": False} for name in LAYERS]
    for arm in ARMS:
        made = make_arm(study, arm, norm=arm)
        for seed in range(num_seeds):
            rows = [{"step": step, "test_loss": rng.uniform(0.5, 1.5)} for step in (0, 10)]
            kinds = [(step, kind) for step in (0, 10) for kind in ("activation", "activation_grad")]
            stats = [row for step, kind in kinds for row in std_rows(kind, LAYERS, step)]
            make_run(made, seed, rows, stats, layers=described)
    return study


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def shown(study):
    read = read_study(study)
    return ShownStudy(read, with_first_baseline(compare_study(read)))


def test_every_file_of_the_folder_is_a_picture():
    assert unfinished_kinds() == {}
    assert list(find_kinds()) == ["curves", "effects", "layers", "setting", "steps", "surface"]


def test_what_a_study_has_is_written_and_equal_runs_give_equal_bytes():
    first, second = (write_pictures(read_study(make(4, Path(name))), SUFFIXES) for name in ("a", "b"))
    kinds = ("effects", "layers", "setting", "steps")
    assert [path.name for path in first] == [f"{kind}{suffix}" for kind in kinds for suffix in SUFFIXES]
    assert {path.parent.as_posix() for path in first} == {"a/made_up/pictures"}
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert names_in(Path("a/made_up/pictures")) == sorted(path.name for path in first)


def test_pictures_that_a_study_no_longer_has_go_and_files_of_others_stay():
    study = make()
    folder = study / "pictures"
    folder.mkdir()
    for name in ("surface.svg", "surface.pdf", "mine.svg"):
        (folder / name).write_text("old")
    write_pictures(read_study(study), [".svg"])
    assert {"surface.pdf", "mine.svg"} <= set(names_in(folder)) >= {"effects.svg", "steps.svg"}
    assert not (folder / "surface.svg").exists()


def test_an_arm_looks_the_same_in_every_picture_and_without_the_others():
    study = shown(make())
    looks = arm_looks(study.comparison)
    assert list(looks.values()) == [look_of(i) for i in range(3)]
    colours = [looks[arm].colour for arm in ARMS]
    handles = [figure.legends[0].legend_handles for figure in (steps.draw(study), layers.draw(study))]
    assert [[handle.get_color() for handle in of] for of in handles] == [colours, colours]
    middles = [line for line in effects.draw(study).axes[0].get_lines() if line.get_marker() in "s^"]
    assert [line.get_color() for line in middles] == colours[1:]
    alone = replace(study.comparison, rows=study.comparison.rows[2:])
    assert arm_looks(alone)[ARMS[2]] == looks[ARMS[2]]


@pytest.mark.parametrize("num_seeds", [3, 6])
def test_effects_show_every_seed_the_margin_and_an_interval_only_of_enough_seeds(num_seeds):
    (axes,) = effects.draw(shown(make(num_seeds))).axes
    lines = axes.get_lines()
    assert [len(line.get_xdata()) for line in lines if line.get_marker() == "o"] == [num_seeds] * 2
    intervals = [line for line in lines if line.get_linestyle() == "-" and len(set(line.get_ydata())) == 1]
    assert len(intervals) == 2 * (num_seeds == 6)
    bands = [band.get_paths()[0].get_extents() for band in axes.collections]
    assert [(band.x0, band.x1) for band in bands] == [pytest.approx((1 / 1.05, 1.05))] * 2
    assert axes.get_xscale() == "log"


def test_layers_have_a_panel_for_start_and_end_forward_and_backward():
    figure = layers.draw(shown(make(2)))
    titles = [" ".join(axes.get_title("left").split()) for axes in figure.axes]
    assert titles == [f"{what} {when}" for what in layers.WHAT.values() for when in ("at the start", "after 10 steps")]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(LAYERS)
    assert not any(axes.collections for axes in figure.axes)  # two seeds have no band


def test_a_folder_that_cannot_be_written_is_told_and_keeps_what_it_has():
    study = make(2)
    (study / "pictures").write_text("no folder")
    with pytest.raises(ComparisonError, match="runs/made_up/pictures: must be readable and writable, got: File exists"):
        write_pictures(read_study(study), [".svg"])
    assert (study / "pictures").read_text() == "no folder"


def test_a_link_is_not_followed_and_another_suffix_refused():
    study = make(2)
    Path("elsewhere").mkdir()
    (study / "pictures").symlink_to(Path("elsewhere").resolve())
    with pytest.raises(RunFolderError, match="must be a folder, got a link"):
        write_pictures(read_study(study), [".svg"])
    with pytest.raises(ComparisonError, match=r"must be .png, .svg or .pdf, got '.jpg'"):
        write_pictures(read_study(study), [".jpg"])
    assert names_in(Path("elsewhere")) == []


def test_pictures_are_removed_as_what_normbench_wrote():
    study = make(2)
    (study / "pictures").mkdir()
    assert remove(plan_removal([study / "pictures"], Path("runs")), Path("runs")) == []
    assert not (study / "pictures").exists()
    assert (study / "study.json").exists()
