"""What normbench tells people to type works in an empty folder: examples of help, and the ways out of messages."""

import ast
import re
import shlex
from functools import cache
from pathlib import Path

import pytest
from command_line import normbench
from tensorboard.program import TensorBoard
from typer.main import get_command

import normbench as package
from normbench import cli
from normbench.storage.shipped_configs import shipped_names

SOURCES = sorted(Path(package.__file__).parent.rglob("*.py"))
COMMANDS = get_command(cli.app).commands
ADVICE = re.compile(r"(?<!`)normbench (" + "|".join(sorted(COMMANDS, key=len, reverse=True)) + r")\b([^`\"'.,;:\n]*)")
NEEDS_RUNS = ("compare", "show", "rm", "list", "tensorboard")
"""Commands whose example speaks of what `normbench run lenet_bn` leaves."""
SHORT = {"run": ("--dry-run",), "probe": ("--seeds", "1")}
"""What is added to an example, so that it costs little here."""
SMALL = ("--set", "num_steps=2", "--set", "recording.figures=false", "--quiet")
OWN = "my_study.yaml"
OWN_STUDY = "model: {name: own, build: my_net:build}\ndataset: digits\nbatch_size: 16\nnum_steps: 2\nnorm: layer_norm\n"
OWN_NET = """
from torch import nn
def build():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(72, 10))
"""


def example_of(command):
    return normbench(command, "--help").out.partition("Example: ")[2].splitlines()[0].strip()


@cache
def texts_of(path):
    """Return the texts that a file may print: all but docstrings, with {} for what is filled in.

    Files without a word that is looked for are not parsed.
    """
    source = path.read_text(encoding="utf-8")
    if "configs/" not in source and "normbench " not in source:
        return []
    tree = ast.parse(source)
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef
    docs = {id(node.body[0].value) for node in ast.walk(tree) if isinstance(node, kinds) and ast.get_docstring(node)}
    is_text = [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    joined = [n for n in ast.walk(tree) if isinstance(n, ast.JoinedStr)]
    inside = {id(part) for one in joined for part in one.values}
    whole = [n.value for n in is_text if id(n) not in docs | inside]
    filled = ["".join(p.value if isinstance(p, ast.Constant) else "{}" for p in one.values) for one in joined]
    return [*whole, *filled]


def test_no_text_names_a_file_of_the_repository():
    texts = {
        path: [*texts_of(path), *(info.callback.__doc__ for info in cli.app.registered_commands)] for path in SOURCES
    }
    assert [(path.name, text) for path, found in texts.items() for text in found if "configs/" in text] == []


def told_commands():
    """Return the commands in messages that are complete: nothing is to be filled in."""
    found = {match[0].strip() for path in SOURCES for text in texts_of(path) for match in ADVICE.finditer(text)}
    return sorted(line for line in found if "{" not in line and not re.search(r"\b[A-Z]{2,}\b", line))


def test_commands_in_messages_are_found():
    assert {"normbench run lenet_bn", "normbench configs", "normbench list"} <= set(told_commands())


def first_word_is_taken(line):
    """Return whether the command takes the words behind it, of which prose may follow."""
    program, name, *words = shlex.split(line)
    if name == "run" and words:
        return words[0].startswith("--") or words[0] in shipped_names()
    return program == "normbench" and name in COMMANDS


def test_configs_in_messages_are_shipped():
    assert [line for line in told_commands() if not first_word_is_taken(line)] == []


@pytest.fixture
def served(monkeypatch):
    monkeypatch.setattr(TensorBoard, "main", lambda _: 0)


@pytest.mark.usefixtures("small_test_sets", "served")
def test_every_example_works_from_an_empty_folder():
    """Each as it stands; a run makes two steps, and what speaks of runs follows it, removal last."""
    Path("my_net.py").write_text(OWN_NET, encoding="utf-8")
    Path(OWN).write_text(OWN_STUDY, encoding="utf-8")
    assert normbench("run", "lenet_bn", *SMALL).code == 0
    failed = {}
    for command in sorted(COMMANDS, key=lambda name: name == "rm"):
        _, *words = shlex.split(example_of(command))
        code, _, err = normbench(*words, *SHORT.get(command, ()))
        if code != 0:
            failed[command] = err
    assert failed == {}


@pytest.mark.parametrize("command", NEEDS_RUNS)
def test_without_runs_the_way_out_is_a_command_that_works(command):
    _, *words = shlex.split(example_of(command))
    told = normbench(*words)
    way_out = ADVICE.search(told.out + told.err)
    assert way_out, told
    assert way_out[0].strip() in ("normbench list", "normbench run lenet_bn"), "the one leads to the other"
