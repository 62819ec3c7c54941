"""Charts of the layers and of the steps: order, shades, findings, what few seeds and single steps leave."""

import math
from pathlib import Path

import numpy as np
import pytest
from made_up_histograms import add_histograms
from made_up_runs import made_up_arm, make_arm, make_run, make_study, std_rows
from svg_reading import parse, path_places, with_class, words

from normbench.evidence.comparison.median_curves import median_curve
from normbench.evidence.layers.layer_findings import layer_findings
from normbench.evidence.layers.layer_report import report_layers
from normbench.findings import Finding
from normbench.report.charts.distributions import draw_distributions
from normbench.report.charts.heat_map import draw_layers
from normbench.report.charts.losses import draw_losses
from normbench.report.charts.shades import around_one, growing
from normbench.storage.run_folder import read_arm

LAYERS = ["fc1", "fc2", "fc3"]


def arm_of(*seeds):
    """Return an arm with, for each seed, the std of each layer's output and gradient at the steps 0 and 10."""
    rows = [
        [
            row
            for step in (0, 10)
            for kind in ("activation", "grad")
            for row in std_rows(kind, dict(zip(LAYERS, stds, strict=True)), step)
        ]
        for stds in seeds
    ]
    return made_up_arm(*rows, layers=LAYERS)


def shade_of(root, layer):
    """Return the shade in which a layer's row begins."""
    names = [one for one in with_class(root, "arm") if one.text in LAYERS]
    (y,) = (float(one.get("y")) - 4 for one in names if one.text == layer)
    for cell in with_class(root, "cell"):
        boxes = np.array(list(path_places(cell.get("d").replace("z", "")))).reshape(-1, 4, 2)
        if any(box[:, 1].min() < y < box[:, 1].max() for box in boxes):
            return cell.get("class").split()[1]
    raise AssertionError(layer)


def test_layers_are_rows_in_the_networks_order_with_the_shade_of_their_std():
    root = parse(draw_layers(arm_of([1.0, 1e-3, 0.0]), "output std", ()))
    names = [one for one in with_class(root, "arm") if one.text in LAYERS]
    assert [one.text for one in sorted(names, key=lambda one: float(one.get("y")))] == LAYERS
    assert [shade_of(root, layer) for layer in LAYERS] == ["d4", "d0", "zero"]


def test_the_median_seed_is_shown():
    root = parse(draw_layers(arm_of([1.0, 1.0, 1.0], [1.0, 1e-3, 1.0], [1.0, 1e-3, 1e-6]), "output std", ()))
    assert [shade_of(root, layer) for layer in LAYERS] == ["d4", "d0", "d4"]
    assert "median of 3 seeds" in root[1].text


def test_layers_that_vanish_are_outlined_and_the_letter_is_explained():
    arm = arm_of([1.0, 1e-4, 1e-5])
    findings = layer_findings(report_layers(arm))
    assert [(one.layers, one.what) for one in findings] == [(("fc2", "fc3"), "the output vanishes")]
    root = parse(draw_layers(arm, "output std", findings))
    (outline,) = with_class(root, "outline")
    (letter,) = with_class(root, "letter")
    ys = [y for _, y in path_places(outline.get("d"))]
    assert (letter.text, min(ys) < float(letter.get("y")) < max(ys)) == ("V", True)
    assert any(text.startswith("V: fc2 and 1 more layer: the output vanishes") for text in words(root))
    assert not with_class(parse(draw_layers(arm, "gradient std", findings)), "outline")


@pytest.mark.parametrize(
    ("what", "letter"), [("dead units", "D"), ("output gradient explodes with depth", "E"), ("odd", "!")]
)
def test_findings_have_letters(what, letter):
    root = parse(draw_layers(arm_of([1.0, 1.0, 1.0]), "gradient std", [Finding("warning", ("fc1", "fc3"), what)]))
    assert [one.text for one in with_class(root, "letter")] == [letter, letter]


def test_what_is_not_finite_has_a_shade_of_its_own():
    root = parse(draw_layers(arm_of([1.0, math.inf, math.nan]), "output std", ()))
    assert [shade_of(root, layer) for layer in LAYERS] == ["d4", "lost-cell", "lost-cell"]
    assert "not finite" in words(root)


def test_without_layers_there_is_no_chart():
    assert draw_layers(made_up_arm([], layers=[]), "output std", ()) == ""
    assert draw_distributions(read_arm(Path("runs/made_up/none-aaaaaa")), "weight") == ""


def test_shades_say_where_they_end():
    shades = growing([1e-20, 1.0])
    assert (shades.is_open, shades.of(1e-20), shades.of(1.0)) == ((True, False), "q0", "q8")
    assert around_one([1e9, 1.0]).is_open == (False, True)


def losses(*seeds, metric="test_loss", **summary):
    """Return an arm with the values of each seed at the steps 0, 1, 2, and so on; the first seed's run says more."""
    folder = make_arm(make_study(arms=["none"]))
    for seed, values in enumerate(seeds):
        rows = [{"step": step, metric: value} for step, value in enumerate(values)]
        make_run(folder, seed, rows, **(summary if seed == 0 else {}))
    return read_arm(folder)


@pytest.mark.parametrize(("number", "bands", "lines"), [(1, 0, 0), (3, 0, 3), (4, 1, 0)])
def test_few_seeds_have_lines_and_four_a_band(number, bands, lines):
    root = parse(draw_losses([losses(*[[1.0, 0.5 + 0.01 * seed] for seed in range(number)])], "test_loss"))
    assert len(with_class(root, "band")) == bands
    assert sum(one.get("d").count("M") for one in with_class(root, "thin")) == lines


def test_a_single_step_has_dots():
    root = parse(draw_losses([losses([0.5], [0.7], [0.6])], "test_loss"))
    legend = 1
    assert len(with_class(root, "point")) == 3 + legend
    assert "at step 0" in root[0].text


def test_a_diverged_run_counts_as_the_worst_after_its_end():
    arm = losses([1.0], [1.0, 0.5], [1.0, 0.5], [1.0, 0.5], status="diverged", step=0)
    before, after = median_curve(arm.runs, "test_loss").points
    assert (before.high, after.median, after.high) == (1.0, 0.5, math.inf)
    root = parse(draw_losses([arm], "test_loss"))
    assert "1 of 4 runs diverged" in root[1].text
    (band,) = with_class(root, "band")
    (frame,) = (one for one in with_class(root, "grid") if "V" in one.get("d"))
    assert min(y for _, y in path_places(band.get("d"))) == min(y for _, y in path_places(frame.get("d")))


def test_accuracies_have_no_axis_beyond_100_percent():
    arm = losses([0.1, 1.0], [0.2, 0.99], metric="test_accuracy")
    root = parse(draw_losses([arm], "test_accuracy"))
    percents = [float(text.removesuffix("%")) for text in words(root) if text.endswith("%")]
    assert max(percents) == 100
    assert min(percents) >= 0
    assert draw_losses([arm], "no_such_column") == ""


def test_the_ninth_arm_is_grey():
    arms = [losses([1.0, 0.5])] * 10
    root = parse(draw_losses(arms, "test_loss"))
    assert len(with_class(root, "other")) == 2 + 1
    assert "2 more arms" in words(root)


def test_distributions_have_a_picture_for_each_layer_of_one_seed():
    arm = arm_of([1.0, 1.0, 1.0])
    rng = np.random.default_rng(0)
    tensors = {("weight", f"{layer}.weight"): {0: rng.normal(0, 1, 500), 10: rng.normal(0, 2, 500)} for layer in LAYERS}
    add_histograms(arm.runs[0].folder, tensors)
    root = parse(draw_distributions(read_arm(arm.folder), "weight"))
    assert [text for text in words(root) if text in LAYERS] == LAYERS
    assert len(with_class(root, "band")) == 2 * len(LAYERS)
    assert draw_distributions(read_arm(arm.folder), "grad") == ""
