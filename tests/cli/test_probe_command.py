"""normbench probe: what it prints, draws and refuses, of configs and of a user's own model."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from command_line import normbench
from probing import answer, of_model, own_models, refusal, write

SIGNAL = """# Does the signal survive?
model: {name: mlp, width: 16, depth: 4, bias: false}
dataset: {name: gaussian_noise, shape: [16], num_samples: 8}
num_steps: 0
batch_size: 8
"""
ARMS = "arms: {default: {}, batch_norm: {norm: batch_norm}}\n"


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    """A terminal on which no line needs to be broken."""
    monkeypatch.setenv("COLUMNS", "300")


@pytest.fixture
def signal():
    return write("signal.yaml", SIGNAL)


@pytest.fixture(autouse=True)
def models(monkeypatch):
    with own_models(monkeypatch):
        yield


def test_a_config_is_answered_arm_by_arm(signal):
    write(signal, SIGNAL + ARMS)
    lines = answer(signal, "--seeds", 2).splitlines()
    assert lines[0] == "signal · Does the signal survive?"
    heads = [line for line in lines if line.startswith("std per layer")]
    titles = [
        f"std per layer at initialization · {arm} · geometric means over 2 seeds" for arm in ("default", "batch_norm")
    ]
    assert heads == titles
    assert "  batch 8 of gaussian_noise, back from a random N(0, 1) direction on the output" in lines
    rows = [line.split()[0] for line in lines if line.startswith(("hidden", "output"))]
    assert rows == ["hidden1", "hidden2", "hidden3", "hidden4", "output"] * 2
    growth = [line for line in lines if line.startswith("growth per layer  output gradient, backward")]
    assert len(growth) == 2
    assert growth[0].endswith("over 4 layers, 2 seeds: shrinks")


def test_seeds_are_the_files_or_eight(signal):
    def num_seeds(*words):
        return json.loads(answer(signal, "--json", *words))["probes"][0]["num_seeds"]

    assert num_seeds() == 8
    write(signal, SIGNAL + "seeds: [3, 5]\n")
    assert num_seeds() == 2
    assert num_seeds("--seeds", 1) == 1


def test_a_setting_can_be_changed(signal):
    (report,) = json.loads(answer(signal, "--seeds", 1, "--json", "--set", "norm=layer_norm"))["probes"]
    assert [line["norm"] for line in report["lines"]] == [*["LayerNorm"] * 4, ""]


def test_json_has_figures_intervals_growth_and_findings(signal):
    (report,) = json.loads(answer(signal, "--seeds", 3, "--json", "--set", "model.depth=30"))["probes"]
    line = report["lines"][0]
    assert line["std"]["low"] < line["std"]["value"] < line["std"]["high"]
    assert {"mean", "zero_share", "weight_std", "weight_grad_std", "dead_share"} <= line["figures"].keys()
    assert report["forward"]["word"] == "vanishes"
    assert report["forward"]["low"] < report["forward"]["factor"] < report["forward"]["high"] < 1
    (finding, _) = report["findings"]
    assert finding["says"].startswith("hidden")
    assert "the output vanishes, std" in finding["says"]


def test_a_long_network_is_shown_by_its_ends_unless_asked_for(signal):
    words = (signal, "--seeds", 1, "--set", "model.depth=20")
    shown = [line.split()[0] for line in answer(*words).splitlines() if line.startswith(("hidden", "..."))]
    assert shown[:11] == [*(f"hidden{i}" for i in range(1, 7)), "...", *(f"hidden{i}" for i in (17, 18, 19, 20))]
    every = [line for line in answer(*words, "--layers", "all").splitlines() if line.startswith("hidden")]
    assert len([line for line in every if ":" not in line]) == 20


def test_a_model_of_ones_own_from_the_current_folder():
    lines = answer(*of_model("good"), "--seeds", 2).splitlines()
    assert lines[0] == "my_models:good"
    assert lines[2] == "  N(0, 1) of 4x6, training mode, back from a random N(0, 1) direction on the output"
    table = [line.split()[:2] for line in lines if line[:1].isdigit()]
    assert table == [["0", "Linear"], ["1", "BatchNorm1d"], ["2", "ReLU"], ["3", "Linear"]]
    assert lines[-1] == "Nothing vanishes, explodes or dies."


def test_a_nested_name_is_found():
    assert answer(*of_model("Inner.model"), "--seeds", 1).startswith("my_models:Inner.model\n")


def test_a_callable_may_import_its_neighbours_and_print():
    write("neighbour.py", "from my_models import good as make")
    code, out, err = normbench("probe", *of_model("from_a_neighbour"), "--seeds", 1, "--json")
    assert (code, err) == (0, "a line that is no answer\n")
    assert json.loads(out)["probes"][0]["name"] == "my_models:from_a_neighbour"


def test_a_fault_is_told_with_its_cause_and_the_way_out():
    lines = answer(*of_model("exploding"), "--seeds", 2).splitlines()
    assert lines[-3].startswith("layer 3: the weights are too large, std ")
    assert lines[-2] == "  likely   the initialization"
    assert lines[-1].startswith("  way out  Initialize with std sqrt(2 / fan_in)")


def test_the_callable_is_called_once_per_seed_with_another_start():
    lines = json.loads(answer(*of_model("good"), "--seeds", 4, "--json"))["probes"][0]["lines"]
    assert lines[0]["std"]["low"] < lines[0]["std"]["high"]
    again = json.loads(answer(*of_model("good"), "--seeds", 4, "--json"))["probes"][0]["lines"]
    assert lines == again


@pytest.mark.parametrize(("suffix", "num_seeds"), [(".png", 2), (".svg", 1)])
def test_the_picture_has_the_same_bytes_again(signal, suffix, num_seeds):
    write(signal, SIGNAL + ARMS)
    for name in ("first", "second"):
        answer(signal, "--seeds", num_seeds, "--plot", name + suffix)
    first, second = (Path(name + suffix).read_bytes() for name in ("first", "second"))
    assert first == second
    assert first.startswith(b"\x89PNG") if suffix == ".png" else ET.fromstring(first) is not None


EXAMPLE = "Example: normbench probe lenet_bn, or probe --model package.module:callable --input 32,3,32,32"
WRAP = "Wrap it: def make(): return ..."


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), f"probe: must get a CONFIG or --model, got neither. {EXAMPLE}"),
        (("a.yaml", "--model", "a:b"), f"probe: must get a CONFIG or --model, got both. {EXAMPLE}"),
        (
            ("--model", "a:b"),
            (
                "probe: --model must be given together with --input, and only then, got --model a:b alone."
                " Example: --input 32,3,32,32"
            ),
        ),
        (
            ("a.yaml", "--input", "4,6"),
            (
                "probe: --model must be given together with --input, and only then, got --input 4,6 alone."
                " Example: --input 32,3,32,32"
            ),
        ),
        (
            (*of_model("good"), "--set", "norm=none"),
            "--set norm=none: must go with a CONFIG, got --model my_models:good. Change the callable.",
        ),
        (
            (*of_model("good"), "--plot", "p.jpg"),
            "--plot p.jpg: must end in .png, .svg or .pdf, got '.jpg'. Example: --plot figure.png",
        ),
        (
            ("--model", "my_models", "--input", "4,6"),
            "--model my_models: must be package.module:name. Example: my_net:build",
        ),
        (
            ("--model", "no_such.thing:f", "--input", "4,6"),
            (
                "--model no_such.thing:f: must be a module that Python finds, and there is no module 'no_such'."
                " Put it into HERE, or install it."
            ),
        ),
        (
            of_model("goood"),
            "--model my_models:goood: must name something in my_models, which has no 'goood'. Did you mean 'good'?",
        ),
        (
            of_model("number"),
            f"--model my_models:number: must be a function or class that returns a model, got a int. {WRAP}",
        ),
        (
            of_model("ready"),
            f"--model my_models:ready: must be a function or class that returns a model, got a Linear. {WRAP}",
        ),
        (
            of_model("returns_a_number"),
            f"--model my_models:returns_a_number: must return a torch.nn.Module, got a int. {WRAP}",
        ),
        (
            of_model("takes_a_width"),
            (
                "--model my_models:takes_a_width: must return a model when called without arguments, got TypeError:"
                f" takes_a_width() missing 1 required positional argument: 'width'. {WRAP}"
            ),
        ),
        (
            of_model("without_layers"),
            (
                "--model my_models:without_layers: must have layers: modules with parameters, norms or ReLUs, got none"
                " that was called. Make its parts torch.nn modules."
            ),
        ),
        (
            of_model("lazy"),
            (
                "--model my_models:lazy: weight: must have its shape before the model is probed, got"
                " 'UninitializedParameter'. Call it once on an input first."
            ),
        ),
        (
            of_model("good", "4,7"),
            (
                "--input 4,7: must fit my_models:good, got RuntimeError: mat1 and mat2 shapes cannot be multiplied (4x7"
                " and 6x8). Give the shape it takes, the batch first."
                " A model of whole numbers takes a .npy or .pt file of them."
            ),
        ),
        (
            of_model("good", "4,x"),
            (
                "--input 4,x: must be a shape N,C,H,W or a file ending in .npy or .pt, got '4,x'."
                " Example: --input 32,3,32,32"
            ),
        ),
        (
            of_model("good", "4,0"),
            (
                "--input 4,0: must be whole numbers from 1, at most 2,147,483,648 together, got '4,0'."
                " Example: --input 32,3,32,32"
            ),
        ),
        (
            of_model("good", "4,,6"),
            (
                "--input 4,,6: must be whole numbers from 1, at most 2,147,483,648 together, got '4,,6'."
                " Example: --input 32,3,32,32"
            ),
        ),
        (
            of_model("good", "missing.npy"),
            "--input missing.npy: must be a readable file, got: No such file or directory. Give its path.",
        ),
    ],
)
def test_a_mistake_is_one_line_with_the_way_out(words, message):
    assert refusal(*words).replace(str(Path.cwd()), "HERE") == message


def test_a_module_that_fails_is_one_line():
    write("broken.py", "raise ValueError('not\\ntoday.')")
    ended = "importing it ended with broken.py line 1: ValueError: not today. Import it in Python to see where."
    assert refusal("--model", "broken:f", "--input", "4,6") == f"--model broken:f: must be importable, {ended}"


def test_a_module_that_ends_itself_is_one_line():
    write("broken.py", "raise SystemExit(3)")
    ended = "importing it ended with broken.py line 1: SystemExit: 3. Import it in Python to see where."
    assert refusal("--model", "broken:f", "--input", "4,6") == f"--model broken:f: must be importable, {ended}"


def test_every_mistake_in_a_config_is_told(signal):
    code, _, err = normbench("probe", signal, "--set", "norm=no_norm", "--set", "batch_size=0")
    assert (code, err.count("\n")) == (2, 2)
