"""Every command: help with an example, mistakes without traceback, torch only where something trains."""

import importlib
import os
import pkgutil
import platform
import re
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest
from command_line import normbench
from typer.main import get_command

from normbench import __version__ as normbench_version
from normbench import cli
from normbench.cli._groups import GROUPS, place_in_help
from normbench.storage.files.part_files import is_variant

COMMANDS = sorted(
    module.name.replace("_", "-") for module in pkgutil.iter_modules(cli.__path__) if is_variant(module.name)
)
WITHOUT_TORCH = """
import os
import sys
from command_line import normbench
normbench("--help")
normbench("--version")
for command in {commands}:
    assert normbench(command, "--help").code == 0, command
assert normbench("init", "mlp").code == 0
assert normbench("new", "norm", "my_norm").code == 0
for command in ("compare", "list", "claims", "configs", "report"):
    assert normbench(command).code == 0, command
os.environ |= {{"_NORMBENCH_COMPLETE": "complete_bash", "COMP_CWORD": "2"}}
for words in ("run b10", "compare emp", "init le"):
    os.environ["COMP_WORDS"] = f"normbench {{words}}"
    assert words.split()[1] in normbench().out, words
del os.environ["_NORMBENCH_COMPLETE"]
for command in ("run", "probe", "audit"):
    assert normbench(command, "missing.yaml").code == 2, command
assert normbench(*{finished}).out == {again!r}
print(sorted(name for name in ("torch", "tensorboardX", "matplotlib", "scipy") if name in sys.modules))
"""


def example_of(command):
    """The line after "Example:" in a command's help."""
    return normbench(command, "--help").out.partition("Example: ")[2].splitlines()[0].strip()


def test_every_file_in_cli_is_a_command():
    assert COMMANDS
    assert sorted(get_command(cli.app).commands) == COMMANDS


def test_help_names_every_command():
    code, out, err = normbench("--help")
    assert (code, err) == (0, "")
    listed = [line.split()[0] for line in out.partition("Start:")[2].splitlines() if line.startswith("  ")]
    assert set(COMMANDS) <= set(listed)


def test_help_has_the_groups_in_order_and_each_summary_whole_on_one_line():
    out = normbench("--help").out
    assert re.findall(r"^([A-Z][a-z ]+):$", out, re.MULTILINE) == ["Options", *GROUPS]
    for command in COMMANDS:
        summary = get_command(cli.app).commands[command].help.partition("\n")[0]
        assert re.search(rf"^  {command} +{re.escape(summary)}$", out, re.MULTILINE), "at most 80 columns, not cut"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_its_group(command):
    assert importlib.import_module(f"normbench.cli.{command.replace('-', '_')}").GROUP in GROUPS


def test_the_order_in_a_group_is_that_of_places_then_names():
    modules = {name: SimpleNamespace(GROUP="Folders") for name in "ba"}
    modules |= {"z": SimpleNamespace(GROUP="Folders", PLACE=1), "m": SimpleNamespace(GROUP="Start"), "none": None}
    assert sorted(modules, key=lambda name: place_in_help(modules[name], name)) == ["m", "z", "a", "b", "none"]


def test_no_command_at_all_shows_the_help():
    assert "Start:" in normbench().out + normbench().err


def test_the_versions_are_told_without_torch():
    told = f"normbench {normbench_version}, Python {platform.python_version()}, torch {version('torch')}\n"
    assert normbench("--version") == (0, told, "")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_that_the_command_takes(command):
    program, name, *words = shlex.split(example_of(command))
    assert (program, name) == ("normbench", command)
    taken = get_command(cli.app).commands[command].make_context(name, words)
    assert taken.params.keys() == {parameter.name for parameter in taken.command.params if parameter.name != "help"}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_explained(command):
    parameters = get_command(cli.app).commands[command].params
    assert [p.name for p in parameters if not getattr(p, "help", None)] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_option_is_a_usage_mistake(command):
    code, out, err = normbench(command, "--no-such-option")
    assert (code, out) == (2, "")
    assert "No such option: --no-such-option" in err
    assert "Traceback" not in err


# A mistake that a user could make: it names something that is "missing", or that is at no/such/place. A command that is
# not named here takes "missing" as its argument, or as its runs folder.
MISTAKES = {
    "run": ("run", "missing.yaml"),
    "probe": ("probe", "missing.yaml"),
    "compare": ("compare", "missing"),
    "claims": ("claims", "missing.yaml"),
    "init": ("init", "mlp", "--path", "no/such/folder.yaml"),
    "new": ("new", "norm", "my_norm", "--path", "no/such/my_norm.py"),
    "explain": ("explain", "missing-word"),
    "list": ("list", "--runs-dir", "missing"),
    "show": ("show", "missing"),
    "rm": ("rm", "missing", "--yes"),
    "tensorboard": ("tensorboard", "--runs-dir", "missing"),
}


def mistake_of(command):
    """Return a mistake made up from a command's parameters."""
    parameters = get_command(cli.app).commands[command].params
    takes_argument = any(parameter.param_type_name == "argument" for parameter in parameters)
    return (command, "missing") if takes_argument else (command, "--runs-dir", "missing")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_mistake_is_one_line_with_its_place_and_exit_code_2(command):
    code, out, err = normbench(*MISTAKES.get(command, mistake_of(command)))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(("missing", "no/such", "explain missing")), "a message begins with what is wrong"
    assert ": must " in err
    assert list(Path().iterdir()) == []


def test_what_only_reads_or_has_nothing_to_do_never_imports_torch(tmp_path):
    text = "model: {name: mlp, hidden_features: [4]}\ndataset: linear_regression\nnum_steps: 1\n"
    Path("finished.yaml").write_text(text, encoding="utf-8")
    finished = ("run", "finished.yaml", "--runs-dir", "of_another")
    assert normbench(*finished).code == 0
    (tmp_path / "runs" / "empty").mkdir(parents=True)
    (tmp_path / "runs" / "empty" / "study.json").write_text('{"normbench": "0.2.0", "arms": []}')
    code = WITHOUT_TORCH.format(commands=COMMANDS, finished=finished, again=normbench(*finished).out)
    path = os.pathsep.join(str(Path(__file__).parents[n]) for n in (1, 2))
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout == "[]\n"
