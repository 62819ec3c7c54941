"""Pictures of comparisons: what is drawn, the same bytes again, and what cannot be drawn."""

import random
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_runs import make_arm, make_run, make_study

from normbench.errors import ComparisonError
from normbench.evidence.comparison.comparison import compare_study
from normbench.evidence.comparison.pivot import make_pivots
from normbench.report.figures.comparison import save_figure
from normbench.report.figures.panels import panel_over_setting, panel_over_steps
from normbench.report.figures.writing import check_path
from normbench.storage.study_folder import read_study

NORMS, BATCH_SIZES = ("none", "batch_norm"), (2, 8, 32)


@pytest.fixture
def comparison():
    """Two norms times three batch sizes, four seeds of three steps."""
    arms = {f"norm={norm},batch_size={size}": (norm, size) for norm in NORMS for size in BATCH_SIZES}
    folder = make_study(arms=arms)
    rng = random.Random(0)
    for arm, (norm, size) in arms.items():
        made = make_arm(folder, arm, norm=norm, batch_size=size)
        for seed in range(4):
            make_run(made, seed, [{"step": step, "test_loss": rng.uniform(0.5, 1.5)} for step in (0, 10, 20)])
    return compare_study(read_study(folder), ["test_loss"])


def refusal(action, *arguments):
    with pytest.raises(ComparisonError) as error:
        action(*arguments)
    return str(error.value)


def test_over_steps_there_is_a_line_per_arm_with_its_own_part_of_the_name(comparison):
    panel = panel_over_steps(comparison, "test_loss")
    assert [series.label for series in panel.series][:2] == ["norm=none,batch_size=2", "norm=none,batch_size=8"]
    assert panel.series[0].x == [0, 10, 20]
    last = comparison.rows[0].figures["test_loss"]
    assert panel.series[0].means[-1] == pytest.approx(last.mean, rel=1e-12)


def test_what_all_lines_have_in_common_is_the_title(comparison):
    alike = compare_study(read_study(Path(comparison.rows[0].folder).parent), ["test_loss"])
    panel = panel_over_steps(replace(alike, rows=alike.rows[::3]), "test_loss")
    assert (panel.title, [series.label for series in panel.series]) == (
        "batch_size=2",
        ["norm=none", "norm=batch_norm"],
    )


@pytest.mark.parametrize("by", [("norm", "batch_size"), ("batch_size", "norm")])
def test_over_a_setting_the_numbers_are_the_axis_whichever_key_comes_first(comparison, by):
    (table,) = make_pivots(comparison, by)
    panel = panel_over_setting(table)
    assert (panel.x_label, panel.legend, panel.ticks) == ("batch_size", "norm", ())
    assert [(series.label, list(series.x)) for series in panel.series] == [(norm, [2.0, 8.0, 32.0]) for norm in NORMS]
    figure = comparison.rows[4].figures["test_loss"]
    ends = (panel.series[1].means[1], panel.series[1].lows[1], panel.series[1].highs[1])
    assert ends == (figure.mean, figure.low, figure.high)


def test_over_words_there_are_ticks(comparison):
    (table,) = make_pivots(type(comparison)(**{**vars(comparison), "rows": comparison.rows[::3]}), ["norm"])
    assert panel_over_setting(table).ticks == NORMS


@pytest.mark.parametrize(
    ("suffix", "by"), [(".png", ()), (".svg", ("norm", "batch_size")), (".PNG", ("arm",)), (".pdf", ("arm",))]
)
def test_the_same_runs_give_the_same_bytes(comparison, by, suffix):
    for name in ("first", "second"):
        save_figure(Path(name + suffix), [comparison], [make_pivots(comparison, by) if by else []])
    first, second = (Path(name + suffix).read_bytes() for name in ("first", "second"))
    assert first == second
    assert first.startswith({".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix.lower()])
    assert suffix != ".svg" or ET.fromstring(first) is not None


def test_another_suffix_is_refused():
    message = "--plot figure.jpg: must end in .png, .svg or .pdf, got '.jpg'. Example: --plot figure.png"
    assert refusal(check_path, Path("figure.jpg")) == message


def test_several_studies_are_no_picture(comparison):
    message = refusal(save_figure, Path("a.png"), [comparison, comparison], [[], []])
    assert message == "--plot a.png: must be of one study with runs, got made_up, made_up. Name its folder."


def test_a_metric_without_steps_is_refused(comparison):
    rule = "without --by it must be of a column or of a layer's statistic, which has a value at every step"
    message = f"--plot: {rule}, got 'output_std_mean'. Add --metric test_loss, or --by KEY."
    assert refusal(panel_over_steps, comparison, "output_std_mean") == message


def test_more_lines_than_can_be_told_apart_are_refused(comparison):
    many = type(comparison)(**{**vars(comparison), "rows": comparison.rows * 5})
    rule = "must hold at most 24 lines, got 30. Choose with --where."
    assert refusal(save_figure, Path("a.png"), [many], [[]]) == f"--plot a.png: {rule}"


def test_a_file_that_cannot_be_written_says_why(comparison):
    rule = "must be a file this user may write, got: No such file or directory. Choose another."
    assert refusal(save_figure, Path("no/a.png"), [comparison], [[]]) == f"--plot no/a.png: {rule}"


@pytest.mark.parametrize("size", [1e20, 1e154, 1.7e308, float("inf"), float("nan")])
@pytest.mark.parametrize("metric", ["test_loss", "test_accuracy"])
def test_numbers_of_any_size_are_drawn(tmp_path, size, metric):
    folder = make_study(arms=["a", "b"])
    for arm, factor in (("a", 1.0), ("b", size)):
        made = make_arm(folder, arm, lr=factor)
        for seed in range(2):
            make_run(made, seed, [{"step": step, metric: factor * (1 - 0.1 * seed)} for step in (0, 10)])
    comparison = compare_study(read_study(folder), [metric])
    for tables in ([], make_pivots(comparison, ["lr"])):
        save_figure(tmp_path / "picture.png", [comparison], [tables])
        assert (tmp_path / "picture.png").stat().st_size
