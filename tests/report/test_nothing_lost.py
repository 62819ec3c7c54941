"""What the terminal shows stands in markdown word by word, and in JSON figure by figure, whatever the study."""

import json
import math
import random
import re
from contextlib import chdir
from pathlib import Path

import pytest
from command_line import normbench
from made_up_runs import make_arm, make_run, make_study
from made_up_tasks import TASKS, alike, make_tasks

from normbench.report.blocks.numbers import percent, short

SEEDS = range(7)
LEVELS = {"none": 1.0, "batch_norm": 0.5, "layer_norm": 1.02, "group_norm": 3.0}
CLAIMS = [
    {
        "id": "one",
        "says": "Batch norm helps.",
        "metric": "test_loss",
        "expect": {"less": "norm=batch_norm", "than": "norm=none", "by": 0.05},
    },
    {
        "says": "Nobody knows.",
        "metric": "test_loss",
        "expect": {"less": "norm=layer_norm", "than": "norm=none", "by": 0.05},
    },
]
CONSTANT = {"train_loss": 1.0, "test_loss": 2.0, "test_accuracy": 0.5}
QUOTES = {"norm=none": "“it *surges* | a lot”", "norm=batch_norm": "it does not"}
FIGURE = re.compile(r"[-+]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]\d+)?")


def rows(level, seed, rng):
    end = level * (1 + seed / 50) * math.exp(0.2 * rng.gauss(0, 1))
    return [
        {"step": s, "batch_loss_max": 2 * x, "train_loss": x, "test_loss": 1.3 * x, "test_accuracy": 1 / (1 + x)}
        for s, x in ((0, 1.5), (10, (1.5 + end) / 2), (20, end))
    ]


def study(*, grid=False, tuned=False, diverged=False, missing=False, seeds=SEEDS, **content):
    """Write a study of four norms with what may make a table longer."""
    rng = random.Random(0)
    sizes = (2, 8) if grid else (None,)
    suffixes = ("", ",tuned") if tuned else ("",)
    arms = [f"norm={n}{f',batch_size={b}' if b else ''}{t}" for t in suffixes for n in LEVELS for b in sizes]
    folder = make_study(arms=arms + (["norm=never_run"] if missing else []), seeds=list(seeds), **content)
    for i, arm in enumerate(arms):
        norm = arm.split(",")[0].removeprefix("norm=")
        settings = {"norm": norm, "batch_size": sizes[i % len(sizes)] or 16, "weight_decay": 0.0005}
        made = make_arm(folder, arm, **settings, optimizer__lr=0.02 if arm.endswith("tuned") else 0.01)
        for seed in seeds:
            is_lost = diverged and norm == "group_norm" and seed % 3 == 0
            status = {"status": "diverged", "step": 10} if is_lost else {}
            if not (missing and norm == "layer_norm" and seed == 5):
                level = LEVELS[norm] * (1 + i / 10)
                make_run(made, seed, rows(level, seed, rng), constant_predictor=CONSTANT, **status)
    if missing:
        make_arm(folder, "norm=none", identity="0lder0")
    return folder


STUDIES = {
    "no baseline": {},
    "baseline": {"baseline": "norm=none"},
    "one seed each": {"seeds": [0], "is_plain": True},
    "few seeds": {"seeds": [0, 1], "baseline": "norm=none"},
    "tuned": {"tuned": True, "baseline": "norm=none", "tune": {"optimizer.lr": [0.01, 0.02]}},
    "diverged": {"diverged": True, "baseline": "norm=group_norm"},
    "missing and left out": {"missing": True, "baseline": "norm=none"},
    "claims": {"claims": CLAIMS, "baseline": "norm=none"},
    "quotes": {"quotes": QUOTES, "baseline": "norm=none"},
    "grid": {"grid": True, "baseline": "norm=none", "diverged": True},
}
WORDS = {
    "as it is": (),
    "details": ("--details",),
    "methods": ("--methods",),
    "metrics": ("--metric", "best test_loss", "--metric", "steps_to 0.9 train_loss"),
    "by": ("--by", "norm"),
}
CASES = [(made, said) for made in STUDIES for said in WORDS if (made, said) not in {("grid", "by"), ("tuned", "by")}]
CASES += [("grid", "by two"), ("tuned", "by two")]
WORDS["by two"] = ("--by", "norm", "--by", "batch_size")


@pytest.fixture(scope="module")
def in_study(tmp_path_factory):
    """Return a function from a study's name to a block inside the folder where it lies; each is written once."""
    folders = {}

    def enter(name):
        if name not in folders:
            folders[name] = tmp_path_factory.mktemp("made")
            with chdir(folders[name]):
                study(**STUDIES[name])
        return chdir(folders[name])

    return enter


@pytest.mark.parametrize(("made", "said"), CASES)
def test_markdown_has_every_word_of_the_terminal_and_json_every_figure(made, said, in_study):
    with in_study(made):
        check_nothing_lost(Path("runs/made_up"), *WORDS[said])


@pytest.mark.parametrize("said", [(), ("--details",), ("--methods",), ("--metric", "steps_to 0.3 test_loss")])
@pytest.mark.parametrize("num_tasks", [3, 6])
def test_nothing_is_lost_of_several_tasks(said, num_tasks):
    effects = alike(num_tasks, batch_norm=-0.3)
    effects[TASKS[1]] |= {"batch_norm": 0.5}
    check_nothing_lost(make_tasks(effects, diverged={(TASKS[0], "none", 2)}), "--pool", *said)


def check_nothing_lost(folder, *words):
    answers = [normbench("compare", folder, *words, *form) for form in ((), ("--markdown",), ("--json",))]
    assert [answer.code for answer in answers] == [0, 0, 0], answers
    terminal, markdown, mapping = (answer.out for answer in answers)
    plain = re.sub(r"\\([|*_<])", r"\1", markdown)
    assert [word for word in terminal.split() if word not in plain and word != "\\"] == []
    written = figures_of(json.loads(mapping))
    assert sorted(set(FIGURE.findall(terminal)) - written) == []
    assert max(map(len, terminal.splitlines())) <= 80
    assert "…" not in terminal


def figures_of(found):
    """Return every number of a JSON text as it may be written, and every number inside its texts."""
    if isinstance(found, dict):
        return {one for key, value in found.items() for one in figures_of(value) | figures_of(key)}
    if isinstance(found, list):
        return {one for value in found for one in figures_of(value)} | {f"{len(found):,}"}
    if isinstance(found, str):
        return set(FIGURE.findall(found))
    if isinstance(found, int | float) and not isinstance(found, bool):
        return rounded(found)
    return set()


def rounded(value):
    """Return the ways in which a value may be written: three digits, two, of a share in percent, with its sign."""
    share = percent(value).removesuffix(" %")
    texts = {short(value), f"{value:.2g}", f"{float(f'{value:.2g}'):g}", f"{value:,.0f}", f"{value:+.2f}", share}
    return (
        texts
        | {f"{100 * value:{form}}" for form in (".1f", "+.1f", "+.2g", "+.3g")}
        | {f"{value:{form}}" for form in ("+.2g", "+.3g")}
    )
