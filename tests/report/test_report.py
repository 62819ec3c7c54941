"""What is printed, letter by letter, for made-up runs. ``NORMBENCH_GOLDEN=1`` writes tests/golden/*.txt anew."""

import os
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from made_up_runs import make_arm, make_run, make_study, std_rows

from normbench.evidence.comparison.answer import Answer, CellAnswer
from normbench.evidence.comparison.answer_cells import with_answer
from normbench.evidence.comparison.comparison import compare_study
from normbench.evidence.comparison.effects import with_first_baseline
from normbench.report.blocks.comparison import comparison_blocks, notes
from normbench.report.blocks.run import screen_blocks
from normbench.report.terminal.console import make_console
from normbench.report.terminal.render import MAX_LINES, print_blocks
from normbench.storage.files.json_files import read_json, write_json
from normbench.storage.study_folder import read_study

GOLDEN = Path(__file__).parents[1] / "golden"
STEPS = (0, 4, 8, 12, 16, 20)
SETTINGS = {
    "model": "lenet",
    "norm": "batch_norm",
    "norm__momentum": 0.1,
    "dataset": "banknotes",
    "optimizer": "sgd",
    "optimizer__lr": 0.01,
    "optimizer__momentum": 0.9,
    "weight_decay": 0.0005,
    "l1": 0.0,
    "decay_on": "all",
    "dropout": 0.0,
    "batch_size": 16,
    "num_steps": None,
    "num_epochs": None,
    "init": "default",
    "device": "cpu",
}
PLAIN = ["model", "norm", "dataset", "weight_decay", "device"]


def screen(folder, arm_names, config, **options):
    return screen_blocks(read_study(folder), arm_names, config, **options)


def judged(study):
    return with_answer(with_first_baseline(compare_study(read_study(study))))


def golden(name, printed):
    """Compare with tests/golden/<name>.txt, or write it."""
    path = GOLDEN / f"{name}.txt"
    text = "\n".join(line.rstrip() for line in printed.splitlines()) + "\n"
    if os.environ.get("NORMBENCH_GOLDEN") == "1":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), (
        f"{path.name} differs. If it should, run NORMBENCH_GOLDEN=1 pytest."
    )


@pytest.fixture
def console():
    made = make_console(width=80)
    made.file = StringIO()
    return made


def losses(worse):
    """Six rows of losses that fall from 1, the slower the worse."""
    falling = [(step, 1 / (1 + step / worse)) for step in STEPS]
    accuracy = [0.5 + step / 50 - worse / 100 for step in STEPS]
    return [
        {"step": step, "batch_loss_max": 2 * loss, "train_loss": loss, "test_loss": 1.2 * loss, "test_accuracy": known}
        for (step, loss), known in zip(falling, accuracy, strict=True)
    ]


def stats(names, end):
    """Std per layer at the start and at the end; each layer's output is ``end`` times the one before."""
    rows = []
    for step, factor in ((0, 1.0), (20, end)):
        rows += std_rows("weight", dict.fromkeys(names, 0.1 + step / 1000), step)
        rows += std_rows("grad", dict.fromkeys(names, 0.01 / (1 + step)), step)
        rows += std_rows("activation", {name: 0.58 * factor**i for i, name in enumerate(names)}, step)
    return rows


def fill(study, arm, seeds=(0,), worse=2, names=("conv1", "fc1", "fc2"), end=1.0, changed=PLAIN, **settings):
    made = make_arm(study, arm, changed=changed, **SETTINGS | settings)
    layers = [{"name": name, "shape": [6, 3, 5, 5], "has_norm": i != len(names) - 1} for i, name in enumerate(names)]
    for seed in seeds:
        numbers = {"num_parameters": 61_610, "num_norm_parameters": 284, "layers": layers}
        make_run(made, seed, losses(worse + seed), stats(names, end), **numbers)
    return made.name


def test_the_report_of_a_plain_run(console):
    study = make_study(name="lenet_bn", arms=["batch_norm"], is_plain=True)
    print_blocks(console, screen(study, [fill(study, "batch_norm")], Path("configs/lenet_bn.yaml")))
    golden("plain_run", console.file.getvalue())


def test_the_report_of_a_long_network_that_vanishes(console):
    study = make_study(name="deep", arms=["none"], is_plain=True)
    names = [f"hidden{i}" for i in range(1, 21)]
    folder = fill(study, "none", names=names, end=0.5, norm="none", norm__momentum=None, num_epochs=5)
    print_blocks(console, screen(study, [folder], Path("configs/deep.yaml")))
    golden("long_network", console.file.getvalue())


def test_the_report_of_a_study_of_three_arms_and_eight_seeds(console):
    arms = {"norm=none": 6, "norm=batch_norm": 2, "norm=group_norm": 5.9}
    study = make_study(name="six", question="", arms=arms, is_plain=True, seeds=list(range(8)))
    made = [
        fill(study, arm, range(8), worse=worse, norm=arm.removeprefix("norm="), end=0.001 if worse == 6 else 1.0)
        for arm, worse in arms.items()
    ]
    print_blocks(console, screen(study, made, Path("six.yaml")))
    printed = console.file.getvalue()
    golden("study", printed)
    assert len(printed.splitlines()) <= MAX_LINES


def test_the_comparison_of_a_study_over_seeds(console):
    study = make_study(arms=["with", "without", "never_run"], baseline="without", named=["norm"])
    fill(study, "with", seeds=(0, 1, 2))
    made = fill(study, "without", seeds=(0, 1, 2), worse=9, norm="none")
    constant = {"test_accuracy": 0.5, "test_loss": 0.7, "train_loss": 0.7}
    make_run(study / made, 3, losses(30)[:4], status="diverged", constant_predictor=constant)
    make_arm(study, "never_run")
    make_arm(study, "without", identity="0lder0")
    print_blocks(console, comparison_blocks(judged(study)))
    golden("comparison", console.file.getvalue())


def test_the_comparison_of_an_edited_plain_file(console):
    study = make_study(name="lenet_bn", arms=["batch_norm"], is_plain=True)
    fill(study, "batch_norm")
    fill(study, "none", worse=5, norm="none", norm__momentum=None)
    print_blocks(console, comparison_blocks(judged(study)))
    golden("edited_file", console.file.getvalue())


@pytest.mark.parametrize("unused", [{"norm__track_running_stats": False}, {"norm__average": "batch"}])
def test_momentum_is_not_told_where_nothing_uses_it(console, unused):
    study = make_study(is_plain=True)
    folder = fill(study, "some_norm", norm="some_norm", **unused)
    print_blocks(console, screen(study, [folder], Path("configs/made_up.yaml"), details=True))
    assert "init default" in console.file.getvalue()
    assert "running statistics" not in console.file.getvalue()


@pytest.mark.parametrize("seen", [["2.13.0"], ["2.12.0", "2.13.0"]])
def test_a_comparison_across_versions_of_torch_says_so(seen):
    study = make_study(arms=["none"])
    arm = make_arm(study)
    for seed, version in enumerate(seen):
        environment = make_run(arm, seed) / "environment.json"
        write_json(environment, read_json(environment) | {"versions": {"torch": version}})
    told = notes(compare_study(read_study(study)))
    assert told == ["Runs of several versions of torch are compared: 2.12.0, 2.13.0."] * (len(seen) > 1)


@pytest.mark.parametrize("seen", [["stacked", "stacked"], ["loop", "stacked"]])
def test_a_comparison_across_engines_says_so(seen):
    arm = make_arm(make_study(arms=["none"]))
    for seed, engine in enumerate(seen):
        make_run(arm, seed, engine=engine)
    told = notes(compare_study(read_study(arm.parent)))
    assert told == ["Runs of several engines are compared: loop, stacked."] * (len(set(seen)) > 1)


def test_an_arm_that_is_beaten_and_whose_verdict_cannot_tell_is_explained_once(tmp_path):
    study = make_study(tmp_path, arms=["a", "b", "c"], baseline="a", named=["number"])
    for arm in "abc":
        folder = make_arm(study, arm, number=ord(arm))
        for seed in range(8):
            make_run(folder, seed, [{"step": 20, "test_loss": 1 + (seed * ord(arm)) % 5 / 10}])
    compared = judged(study)
    assert [row.effect.verdict for row in compared.rows if row.effect] == ["cannot tell"] * 2
    beaten = replace(compared, answer=Answer("test_loss", (CellAnswer(("a", "b", "c"), (), beaten=("b",)),)))
    assert [line.partition(":")[0] for line in notes(beaten)] == ["Beaten"]
