"""A half-written file in any folder of parts is one line that names it, and breaks no other part."""

import os
import pkgutil
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from contracts.variants import PARTS

import normbench
from normbench.storage.files.part_files import is_variant

ROOT = Path(normbench.__file__).parent
FOLDERS = sorted({path.parent.relative_to(ROOT) for path in ROOT.rglob("base.py")})
FOLDERS.append(Path("cli"))
TEXTS = {
    "my_syntax": '"""A."""\ndef half(:\n',
    "my_import": '"""A."""\nimport not_there\n',
    "my_exit": '"""A."""\nraise SystemExit(3)\n',
    "my_caption": "x = 1\n",
    "my_nothing": '"""A."""\n',
    "my_silent": '"""A."""\ndef command(): pass\nfind = measure = command\n',
}
SPEC = """\
from typing import Literal
from {base} import {spec}
class {name}({spec}):
    {doc}
    name: Literal[{said!r}] = {said!r}
    def build(self, *_): return None
"""
ASKED = """
import json, sys
from contextlib import redirect_stdout, redirect_stderr
from functools import cache
from io import StringIO
import typer.main
from normbench.cli import main
typer.main.get_command = cache(typer.main.get_command)
found = {}
for words in json.loads(sys.argv[1]):
    out, err = StringIO(), StringIO()
    sys.argv = ["normbench", *words]
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
    found[" ".join(words)] = [code, out.getvalue(), err.getvalue()]
print(json.dumps(found))
"""
TINY = "model: {name: mlp, hidden_features: [4]}\ndataset: linear_regression\nbatch_size: 5\nnum_steps: 2\n"
"""Every line of it is a part's."""


def texts_for(folder):
    """The half-written files of one folder; specs too, where it holds some."""
    base = ROOT / folder / "base.py"
    specs = [line.split()[1].partition("(")[0] for line in base.read_text().splitlines() if "Spec(Spec):" in line]
    if not specs:
        return TEXTS
    said = {"base": f"normbench.{folder.name}.base", "spec": specs[0]}
    whole = SPEC.format(**said, name="A", doc='"""A."""', said="my_two")
    named = {
        "my_two": '"""A."""\n' + whole + whole.replace("class A", "class B"),
        "my_name": '"""A."""\n' + SPEC.format(**said, name="A", doc='"""A."""', said="another"),
        "my_undocumented": '"""A."""\n' + SPEC.format(**said, name="A", doc="", said="my_undocumented"),
    }
    return TEXTS | named


def command_word(file):
    """Return how a command is called whose file has this name."""
    return file.replace("_", "-")


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What commands say of a copy of normbench in which every folder of parts holds every kind of half-written file."""
    import json

    home = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT, home / "normbench", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in FOLDERS:
        texts = TEXTS if folder.name == "cli" else texts_for(folder)
        for name, text in texts.items():
            (home / "normbench" / folder / f"{name}.py").write_text(text, encoding="utf-8")
    (home / "tiny.yaml").write_text(TINY, encoding="utf-8")
    parts = {"norms": "norm", "models": "model", "datasets": "dataset", "optimizers": "optimizer"}
    parts |= {"weight_parametrizations": "weight_parametrization", "schedules": "schedule"}
    chosen = [
        ["run", "tiny.yaml", "--dry-run", "--set", f"{key}={name}"]
        for folder, key in parts.items()
        for name in texts_for(Path(folder))
    ]
    asked = [["--help"], ["explain"], ["explain", "batch_norm"], ["explain", "my_syntax"], *chosen]
    asked += [["run", "tiny.yaml", "--quiet"], ["list"], *([command_word(name)] for name in TEXTS)]
    asked += [["compare", "--metric", f"{word} test_loss"] for word in ("best", *TEXTS)]
    env = {**os.environ, "PYTHONPATH": str(home), "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-c", ASKED, json.dumps(asked)]
    found = subprocess.run(words, cwd=home, env=env, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


def test_the_folders_of_parts_are_found(answers):
    assert {*PARTS, "checks", "measures", "cli"} <= {folder.name for folder in FOLDERS}
    assert not [said for said in answers.values() if "Traceback" in said[2]]


def test_all_else_goes_on(answers):
    for words in ("--help", "list", "explain", "explain batch_norm", "run tiny.yaml --quiet"):
        assert answers[words][0] == 0, answers[words][2]
    listed = answers["--help"][1]
    commands = [module.name for module in pkgutil.iter_modules([str(ROOT / "cli")]) if is_variant(module.name)]
    assert all(command_word(name) in listed for name in commands)
    assert "batch_norm" in answers["explain"][1]


def test_choosing_an_unfinished_part_says_what_is_missing_in_a_line(answers):
    chosen = {words: said for words, said in answers.items() if "--set" in words}
    assert len(chosen) == 6 * 9
    for words, (code, _, err) in chosen.items():
        key, _, name = words.rpartition(" ")[2].partition("=")
        lines = [line for line in err.splitlines() if f"/{name}.py: " in line and line.startswith("--set")]
        assert (code, len(lines)) == (2, 1), (words, err)
        assert f"normbench/{key}s/{name}.py: " in lines[0]
        assert lines[0].endswith("Finish it, or let its name begin with _.")


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("my_syntax", "must be Python, got SyntaxError in line 2: "),
        ("my_import", "must be importable, got ModuleNotFoundError: No module named 'not_there'"),
        ("my_exit", "must be importable, got SystemExit: 3"),
        ("my_caption", "must begin with a docstring that says in a line what it is, got none"),
        ("my_nothing", "must define "),
        ("my_silent", "command must have a docstring, got none"),
    ],
)
def test_each_command_and_norm_says_what_its_file_lacks(answers, name, what):
    code, out, err = answers[command_word(name)]
    assert (code, out) == (2, "")
    assert err == f"normbench/cli/{name}.py: {err.partition(': ')[2]}"
    assert what in err
    if name != "my_silent":
        assert what in next(line for line in answers["explain"][2].splitlines() if f"norms/{name}.py" in line)


def test_choosing_an_unfinished_reducer_says_what_is_missing_in_a_line(answers):
    assert answers["compare --metric best test_loss"][0] == 0, answers["compare --metric best test_loss"][2]
    for name in TEXTS:
        code, out, err = answers[f"compare --metric {name} test_loss"]
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert err.startswith(f"--metric {name} test_loss: must be a finished word, got {name!r}. normbench/evidence/")
        assert f"/reducers/{name}.py: must " in err


def test_unfinished_checks_measures_and_executors_are_named_where_they_would_be_used(answers):
    told = answers["run tiny.yaml --quiet"][2].splitlines()
    for folder in ("inspection/checks", "inspection/measures", "scheduling/executors"):
        assert sum(line.startswith(f"normbench/{folder}/my_") for line in told) == len(TEXTS)
    assert sum("must have a docstring" in line for line in told) == 2


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("my_two", "got A, B"),
        ("my_name", "A.name must be the file's, 'my_name', got 'another'"),
        ("my_undocumented", "A"),
    ],
)
def test_a_spec_is_one_is_named_as_its_file_and_says_what_it_is(answers, name, what):
    assert what in answers[f"run tiny.yaml --dry-run --set optimizer={name}"][2]
