"""What every chart keeps to: well-formed, nothing outside, hostile names as text, the same bytes again, a style."""

import random
import re
from dataclasses import replace
from importlib.resources import files

import pytest
from made_up_histograms import add_histograms
from made_up_runs import make_arm, make_run, make_study, std_rows
from svg_reading import classes, parse, places, size, with_class, words

from normbench.evidence.comparison.comparison import compare_study
from normbench.evidence.comparison.effects import with_effects
from normbench.evidence.comparison.pivot import make_pivots
from normbench.findings import Finding
from normbench.report.charts.distributions import draw_distributions
from normbench.report.charts.effects import draw_effects
from normbench.report.charts.heat_map import draw_layers
from normbench.report.charts.losses import draw_losses
from normbench.report.charts.pivot import draw_pivot
from normbench.storage.files.json_files import read_json, write_json
from normbench.storage.run_folder import ARM_JSON, STUDY_JSON
from normbench.storage.study_folder import read_study

HOSTILE = "</title><script>alert(1)</script>&\"'\x1b[31m\ufffe"
LONG = "optimizer.lr-0.1,a_long_name_of_many_words_without_an_end," * 2
ARMS, SEEDS, STEPS = (HOSTILE, LONG, "batch_norm"), range(5), (0, 10, 20)
LAYERS = ["conv1", f"encoder.{HOSTILE}.conv2", "output"]
FINDINGS = [Finding("warning", ("conv1",), f"the output vanishes {HOSTILE}", "std 1e-9")]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Three arms at two batch sizes, five seeds; losses, std of layers, histograms; one run diverged."""
    rng = random.Random(0)
    cells = {f"{arm}{size}": (arm, size) for arm in ARMS for size in (4, 64)}
    folder = make_study(tmp_path_factory.mktemp("runs"), arms={}, named=["norm", "batch_size"])
    listed = [
        {"arm": name, "identity": "aaaaaa", "folder": f"arm{i}-aaaaaa", "name": name} for i, name in enumerate(cells)
    ]
    make_study(folder.parent, folder.name, baseline="batch_norm4", named=["norm", "batch_size"], margin=0.05)
    _change(folder / STUDY_JSON, arms=listed)
    for entry, (norm, batch_size) in zip(listed, cells.values(), strict=True):
        arm = make_arm(folder, "arm", norm=norm, batch_size=batch_size).rename(folder / entry["folder"])
        _change(arm / ARM_JSON, arm=entry["arm"])
        for seed in SEEDS:
            _make_run(arm, seed, rng, is_lost=(norm, seed) == (LONG, 1))
    return read_study(folder)


def _change(path, **content):
    """Write what the name of a folder cannot hold."""
    write_json(path, read_json(path) | content)


def _make_run(arm, seed, rng, *, is_lost):
    rows = [{"step": step, "test_loss": rng.uniform(0.01, 1.5), "test_accuracy": rng.random()} for step in STEPS]
    kinds = [(step, kind) for step in STEPS for kind in ("activation", "grad")]
    stats = [row for step, kind in kinds for row in std_rows(kind, dict.fromkeys(LAYERS, rng.random()), step)]
    described = [{"name": name, "shape": [3, 2], "has_norm": False} for name in LAYERS]
    lost = {"status": "diverged", "step": 10} if is_lost else {}
    constant = {"test_loss": 2.0, "test_accuracy": 0.1}
    make_run(arm, seed, rows, stats, layers=described, constant_predictor=constant, **lost)
    if seed == 0:
        values = {step: [rng.gauss(0, 1) for _ in range(20)] for step in STEPS}
        tensors = [(kind, f"{layer}.weight") for kind in ("weight", "grad") for layer in LAYERS]
        add_histograms(arm / "seed-0", dict.fromkeys(tensors, values))


@pytest.fixture(scope="module")
def charts(study):
    """Every chart of the study, by what draws it."""

    def draw():
        found = with_effects(compare_study(study, ["test_loss", "test_accuracy"]))
        plain = compare_study(study, ["test_accuracy"])
        arm = study.arms[0]
        return {
            "effects": draw_effects(found, "test_loss"),
            "effects on another metric": draw_effects(found, "test_accuracy"),
            "values": draw_effects(replace(plain, against=None), "test_accuracy"),
            "losses": draw_losses(study.arms, "test_loss"),
            "accuracies": draw_losses(study.arms[:1], "test_accuracy"),
            "outputs": draw_layers(arm, "output std", FINDINGS),
            "gradients": draw_layers(arm, "gradient std", FINDINGS),
            "weights": draw_distributions(arm, "weight"),
            "weight gradients": draw_distributions(arm, "grad"),
            **{
                f"over numbers {i}": draw_pivot(one) for i, one in enumerate(make_pivots(plain, ["norm", "batch_size"]))
            },
            **{f"over words {i}": draw_pivot(one) for i, one in enumerate(make_pivots(plain, ["norm"]))},
        }

    first, second = draw(), draw()
    assert first == second
    return first


def test_there_is_one_of_each(charts):
    assert len(charts) >= 11
    assert all(charts.values())


def test_each_is_well_formed_and_says_what_it_shows(charts):
    for name, markup in charts.items():
        root = parse(markup)
        title, about, *_ = root
        assert (root.get("role"), title.tag, about.tag) == ("img", "title", "desc"), name
        assert root.get("aria-labelledby").split() == [title.get("id"), about.get("id")]
        assert title.text, name
        assert re.search(r"\d seeds|Seed 0|one seed", about.text), name


def test_nothing_lies_outside(charts):
    for name, markup in charts.items():
        root = parse(markup)
        width, height = size(root)
        outside = [(x, y) for x, y in places(root) if not (-0.1 <= x <= width + 0.1 and -0.1 <= y <= height + 0.1)]
        assert not outside, name


def test_hostile_names_are_text(charts):
    said = [" ".join(word or "" for word in words(parse(markup))) for markup in charts.values()]
    assert not any("<script" in markup or "\x1b" in markup or "\ufffe" in markup for markup in charts.values())
    assert sum("<script>" in words_ for words_ in said) >= 6


def test_names_are_never_cut(charts):
    for name in ("effects", "values", "losses", "over numbers 0"):
        assert LONG in "".join(word or "" for word in words(parse(charts[name]))), name


def test_every_seed_has_a_mark_and_every_class_a_style(charts):
    style = files("normbench.report.charts").joinpath("charts.css").read_text(encoding="utf-8")
    roots = {name: parse(markup) for name, markup in charts.items()}
    drawn = {name: len(with_class(root, "dot")) + len(with_class(root, "lost")) for name, root in roots.items()}
    assert drawn["values"] == 2 * len(ARMS) * len(SEEDS)
    assert drawn["effects"] == drawn["effects on another metric"] == (2 * len(ARMS) - 1) * len(SEEDS)
    assert len(with_class(roots["over numbers 0"], "seed")) == 2 * len(ARMS) * len(SEEDS)
    used = set().union(*map(classes, roots.values())) - {"series"}
    assert not {name for name in used if not re.search(rf"\.{name}\b", style)}


def _contrast(one, other):
    """Return the contrast of two colours by the formula of the Web Content Accessibility Guidelines 2.1."""

    def light(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, bright = sorted((light(one), light(other)))
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_are_seen_on_the_page(scheme):
    style = files("normbench.report.charts").joinpath("charts.css").read_text(encoding="utf-8")
    found = [re.findall(r"--chart-([\w]+): (?:var\(--paper, )?(#\w{6})", part) for part in style.split("@media")[:2]]
    colours = dict(found[scheme])
    paper = colours["halo"]
    assert min(_contrast(colours[name], paper) for name in ("ink", "quiet")) >= 4.5
    assert min(_contrast(colours[name], paper) for name in ("other", *"12345678")) >= 3
    assert len({colours[name] for name in "12345678"}) == 8
