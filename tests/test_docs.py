"""What is written about normbench is what normbench is."""

import ast
import re
import subprocess

import pytest
import readme_blocks
import yaml
from cogapp import Cog
from readme_blocks import ROOT

import normbench
from normbench.storage.identity import NUMERICS

README = (ROOT / "README.md").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
MODULES = sorted((ROOT / "normbench").rglob("*.py"))
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))


def test_the_generated_parts_of_the_readme_are_fresh(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    stale = Cog().main(["cog", "--check", "--diff", "README.md"])
    assert not stale, f"run `make docs`:\n{capsys.readouterr().out}"


@pytest.mark.parametrize("command", readme_blocks.command_names())
def test_every_command_stands_in_the_readme_with_an_example(command):
    assert f"### normbench {command}\n" in README
    assert f"normbench {command}" in readme_blocks.help_of(command).partition("Usage:")[2].partition("\n")[2]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_every_config_stands_in_the_readme_with_its_question(config):
    assert f"(configs/{config.name})" in README
    assert readme_blocks.question(config).endswith("?")


def test_links_in_the_readme_lead_to_files():
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", README)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_paths_in_the_readme_exist():
    paths = re.findall(r"(?:configs|normbench|tests)/[\w/]+\.(?:py|yaml)", README)
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_has_a_caption(module):
    caption, _, rest = (ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or "").partition("\n")
    assert caption.endswith(".")
    assert not rest or rest.startswith("\n"), "the caption is one line"


def test_each_change_of_the_numerics_stands_in_the_changelog():
    section = CHANGELOG.partition("\n## Numerics\n")[2].partition("\n## ")[0]
    assert [int(n) for n in re.findall(r"^(\d+)\. ", section, re.MULTILINE)] == list(range(1, NUMERICS + 1))


def test_one_version_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == normbench.__version__
    assert f"\n## {normbench.__version__}" in CHANGELOG


def test_constraints_name_packages_and_versions_only():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert [pin for pin in pins if not re.fullmatch(r"[\w.-]+==[\d.]+", pin)] == []
    assert "torch==2.13.0" in pins


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="git knows which files are ours")
def test_no_path_of_a_machine_is_written_down():
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    texts = {name: (ROOT / name).read_bytes() for name in names if (ROOT / name).is_file()}
    machine = re.compile(rb"(?<![\w.])/(home|Users|root|work|opt|mnt)/\w|file:/{2}")
    assert [name for name, text in texts.items() if machine.search(text)] == []
