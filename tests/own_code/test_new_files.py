"""normbench new: what it writes runs as it says, and nothing is written over or left by halves."""

import shlex
from pathlib import Path
from typing import get_args

import pytest
from command_line import normbench

from normbench.own_code.new_files import Kind, class_name, renamed, template
from normbench.own_code.templates.studies import STUDIES
from normbench.study.load import load_study

KINDS = get_args(Kind)
TINY = ("--seeds", "1", "--set", "num_steps=2", "--set", "recording.tensorboard=false")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def steps_of(out):
    """The commands that stand after "next" and "then", without "normbench"."""
    lines = [line.split(maxsplit=1) for line in out.splitlines()]
    return [shlex.split(command) for word, command in lines if word in ("next", "then")]


@pytest.mark.parametrize("kind", KINDS)
def test_the_printed_next_steps_run_on_what_was_written(kind):
    code, out, err = normbench("new", kind, f"fresh_{kind}")
    assert (code, err) == (0, "")
    steps = steps_of(out)
    assert len(steps) <= 2, "with new itself: three commands to a comparison"
    for program, command, *words in steps:
        done = normbench(command, *words, *(TINY if command == "run" else ()))
        assert (program, done.code) == ("normbench", 0), done.err
    assert f"fresh_{kind} · " in done.out


@pytest.mark.parametrize("kind", KINDS)
def test_every_arm_is_compared_on_eight_seeds_at_once_runnable(kind):
    normbench("new", kind, "fresh")
    study = load_study(Path("fresh.yaml"))
    assert len(study.seeds) == 8
    assert len(study.arms) == 3
    assert class_name("fresh") in study.question or kind == "dataset"


@pytest.mark.parametrize("kind", KINDS)
def test_no_word_of_the_template_is_left_under_another_name(kind):
    text = renamed(template(kind) + STUDIES[kind], kind, "QuietNorm2", "quiet_file")
    assert "my_" not in text
    assert "My" not in text
    assert "quiet_file" in text


def test_a_path_names_the_module_and_the_name_the_class():
    Path("a b").mkdir()
    code, out, _ = normbench("new", "norm", "steady", "--path", "a b/layers.py")
    assert code == 0
    assert [words[-1] for words in steps_of(out)] == ["a b", "layers:Steady", "layers.yaml"]
    assert "class Steady(" in Path("a b/layers.py").read_text(encoding="utf-8")
    assert 'layer: "layers:Steady"' in Path("a b/layers.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("there", ["fresh.py", "fresh.yaml"])
def test_an_existing_file_is_left_as_it_is_and_nothing_is_written(there):
    Path(there).write_text("mine", encoding="utf-8")
    line = f"{there}: must not exist yet, got a file. Choose another name or --path.\n"
    assert normbench("new", "norm", "fresh") == (2, "", line)
    assert [path.name for path in Path().iterdir()] == [there]
    assert Path(there).read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", ["3d_norm", "my-norm", "my norm", "_norm", "класс", "norm\n", "class", "../norm", ""])
def test_a_name_must_be_one_that_python_can_import(name):
    code, out, err = normbench("new", "norm", name)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "must be a module's name, letters, digits and _ that begin with a letter" in err
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("name", ["json", "sys", "torch", "normbench"])
def test_a_name_must_not_be_that_of_another_module(name):
    rule = f"{name}: must be a name of its own, Python has a module that is called so, got {name!r}."
    assert normbench("new", "model", name) == (2, "", f"{rule} Example: normbench new model my_model\n")
    assert normbench("new", "model", "mine", "--path", f"{name}.py").err.startswith(f"{name}.py: must be a name")
    assert list(Path().iterdir()) == []


def test_a_folder_that_is_missing_is_told():
    line = "no/fresh.py: must be writable, got: No such file or directory. Choose another place with --path.\n"
    assert normbench("new", "dataset", "fresh", "--path", "no/fresh.py") == (2, "", line)
