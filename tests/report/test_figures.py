"""The documents' picture: every arm's curve, the points, both losses, at ten steps at most."""

import csv
import pickle
import shutil
from contextlib import chdir
from functools import cache
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import matplotlib.image
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from normbench.errors import RunFolderError
from normbench.report.figures.curve_files import curve_seeds
from normbench.report.figures.curves import MAX_STEPS, draw_curves, save_last
from normbench.scheduling.schedule import run_study
from normbench.storage.run_folder import read_arm
from normbench.study.load import load_study

STUDY = """\
# Which curve?
model: {name: mlp, hidden_features: [4]}
dataset: {name: linear_regression, num_samples: 6}
batch_size: 6
num_steps: NUM_STEPS
recording: {every_steps: 1, tensorboard: false}
seeds: 2
arms: {normal: {}, decayed: {weight_decay: 0.5}}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a function that runs a study in a folder of its own, each once."""

    @cache
    def run(num_steps, text):
        folder = tmp_path_factory.mktemp("made")
        with chdir(folder):
            Path("study.yaml").write_text(text.replace("NUM_STEPS", str(num_steps)))
            results = run_study(load_study(Path("study.yaml")), Path("runs"))
        return folder, list(dict.fromkeys(progress.run.folder.parent for progress in results))

    return run


@pytest.fixture
def arms_after(made):
    """Return a function from a number of steps to the arms of the study, in a copy that the test may change."""

    def copied(num_steps, text=STUDY):
        folder, arms = made(num_steps, text)
        shutil.copytree(folder, Path.cwd(), dirs_exist_ok=True)
        return [read_arm(arm) for arm in arms]

    return copied


def rows_of(arm, name, seed=0):
    return list(csv.DictReader((arm.folder / f"seed-{seed}" / name).read_text().splitlines()))


@pytest.fixture
def drawn(monkeypatch):
    """Copies of the figure as it is drawn, at each step."""
    figures, print_png = [], FigureCanvasAgg.print_png

    def keeping(canvas, *args, **options):
        print_png(canvas, *args, **options)
        figures.append(pickle.loads(pickle.dumps(canvas.figure)))

    monkeypatch.setattr(FigureCanvasAgg, "print_png", keeping)
    return figures


def test_each_recorded_step_has_a_picture(arms_after):
    pictures = draw_curves(arms_after(2), seed=0)
    assert list(pictures) == [0, 1, 2]
    for png in pictures.values():
        image = matplotlib.image.imread(BytesIO(png))
        assert image.shape[1:] == (840, 4)
        assert image.std() > 0.01  # not one colour


def test_of_many_steps_ten_are_drawn_with_the_first_and_the_last(arms_after):
    steps = list(draw_curves(arms_after(25), seed=0))
    assert len(steps) == MAX_STEPS == 10
    assert (steps[0], steps[-1]) == (0, 25)
    assert {right - left for left, right in pairwise(steps)} == {2, 3}


def test_the_legend_gives_both_losses_of_each_arm(arms_after, drawn):
    arms = arms_after(2)
    draw_curves(arms, seed=1)
    assert len(drawn) == 3
    for step, figure in enumerate(drawn):
        texts = [text.get_text() for text in figure.legends[0].get_texts()]
        metrics = {arm.name: rows_of(arm, "metrics.csv", seed=1)[step] for arm in arms}
        assert texts == ["train points", "test points", "truth"] + [
            f"{name}\ntrain {float(row['train_loss']):.4f}, test {float(row['test_loss']):.4f}"
            for name, row in metrics.items()
        ]


def test_the_title_says_which_step_and_seed(arms_after, drawn):
    draw_curves(arms_after(1), seed=1)
    titles = [figure.texts[0].get_text() for figure in drawn]
    assert all(f"step {step}" in title and "seed 1" in title for step, title in enumerate(titles))


def test_curves_and_points_are_those_of_the_files(arms_after, drawn):
    arms = arms_after(1)
    draw_curves(arms, seed=0)
    axes = drawn[-1].axes[0]
    truth, *lines = axes.get_lines()
    assert truth.get_ydata() == pytest.approx(1.5 * truth.get_xdata(), abs=1e-6)  # no points, a line
    assert (len(truth.get_xdata()), truth.get_marker()) == (200, "None")
    for arm, line in zip(arms, lines, strict=True):
        row = rows_of(arm, "curve.csv")[-1]
        del row["step"]
        assert list(line.get_xdata()) == list(map(float, row))
        assert list(line.get_ydata()) == list(map(float, row.values()))
    for split, points in zip(("train", "test"), axes.collections, strict=True):
        expected = [
            [float(row["x"]), float(row["y"])] for row in rows_of(arms[0], "points.csv") if row["split"] == split
        ]
        assert points.get_offsets().tolist() == expected


def test_the_last_picture_is_kept_as_a_file(arms_after):
    pictures = draw_curves(arms_after(2), seed=0)
    save_last(pictures, Path("last.png"))
    assert Path("last.png").read_bytes() == pictures[2]


def test_a_seed_that_did_not_run_has_no_picture(arms_after):
    arms = arms_after(1)
    assert curve_seeds(arms) == [0, 1]
    assert draw_curves(arms, seed=7) == {}


def test_data_without_a_curve_has_no_picture(arms_after):
    noise = STUDY.replace(
        "{name: linear_regression, num_samples: 6}", "{name: gaussian_noise, shape: [3], num_samples: 6}"
    )
    arms = arms_after(0, noise)
    assert curve_seeds(arms) == []
    assert draw_curves(arms, seed=0) == {}


def test_a_diverged_arm_is_drawn_as_far_as_it_came(arms_after):
    text = STUDY.replace("{weight_decay: 0.5}", "{optimizer: {name: sgd, lr: 1.0e+6}}")
    arms = arms_after(12, text)
    assert arms[1].runs[0].summary["status"] == "diverged"
    assert list(draw_curves(arms, seed=0)) == list(range(arms[1].runs[0].summary["step"] + 1))


def test_a_changed_file_is_not_drawn(arms_after):
    arms = arms_after(1)
    path = arms[0].folder / "seed-0" / "curve.csv"
    path.write_text(path.read_text() + "9,0\n")
    with pytest.raises(RunFolderError, match="must be as the run wrote it"):
        draw_curves(arms, seed=0)
