"""What is written about normbench is what normbench is."""

import ast
import os
import re
import runpy
import subprocess
import sys

import pytest
import yaml
from command_line import normbench as normbench_command
from docs_blocks import __main__ as docs
from docs_blocks import commands, configs, outputs, picture, tree
from docs_blocks.markdown import README, ROOT, pages

import normbench
from normbench.storage.identity import NUMERICS
from normbench.study.config import RunConfig
from normbench.study.load import load_study
from normbench.study.study_keys import StudyKeys

CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
MODULES = sorted((ROOT / "normbench").rglob("*.py"))
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
PAGES = {str(page.relative_to(ROOT)): page for page in pages()}
RELEASE = re.compile(r"^## \[(\d+\.\d+\.\d+)\] - (unreleased|\d{4}-\d\d-\d\d)$", re.MULTILINE)
SECTIONS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security", "Numerics"}

each_page = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)


def read(page):
    return page.read_text(encoding="utf-8")


def without_code(text):
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def test_generated_parts_are_fresh_and_checking_them_loads_no_torch():
    code = "import sys; from docs_blocks.__main__ import main; sys.exit(main('check') or 'torch' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, f"run `make docs`:\n{found.stdout}{found.stderr}"


def test_tables_of_parts_and_settings_are_fresh(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert docs.main("tables") == 0, f"run `make docs`:\n{capsys.readouterr().out}"


@each_page
def test_outputs_are_those_of_the_commands_that_ask_for_them(page):
    """What a command prints is not compared, but whose output it is; copies on other pages are compared with it."""
    text = read(page)
    blocks = re.findall(r"<!-- \{\{\{cog(.*?)\}\}\} -->\n(.*?)<!-- \{\{\{end\}\}\} -->", text, re.DOTALL)
    for code, output in blocks:
        for command in re.findall(r"^\$ (normbench \w+)", output, re.MULTILINE):
            assert command in code
        assert output.strip()
    copies = re.findall(r"<!-- \[\[\[cog.*?\]\]\] -->\n(.*?)<!-- \[\[\[end\]\]\] -->", text, re.DOTALL)
    made = "".join([*(output for _, output in blocks), *copies])
    assert [line for line in re.findall(r"^\$ normbench .*$", text, re.MULTILINE) if line not in made] == []


@each_page
def test_a_page_with_figures_of_runs_says_that_another_processor_gives_others(page):
    text = read(page)
    if "outputs.shown(" in text:
        assert re.search(r"\[another processor\]\([\w/.-]*#on-another-processor\)", without_code(text))


def test_the_readme_is_one_page():
    lines = read(README).splitlines()
    assert len(lines) <= 150
    shown = re.search(r"```text\n(\$ normbench run .*?)```", read(README), re.DOTALL)
    assert 3 <= shown[1].count("\n") <= 12
    assert f"({picture.PICTURE.as_posix()})" in read(README)
    assert (ROOT / picture.PICTURE).stat().st_size < 100_000


def test_the_files_of_the_page_on_own_networks_are_a_study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = read(ROOT / "docs" / "own.md")
    for name, text in outputs.shown_files(page).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    runpy.run_path("make_cells.py")
    study = load_study(tmp_path / "cells.yaml")
    assert list(study.arms) == ["batch", "group", "none"]
    assert len((tmp_path / "my_unet.py").read_text().splitlines()) <= 30
    assert len(page.splitlines()) <= 150
    for settings in re.findall(r"^\| [^|]+ \| `(\w+: .*?)`", page, re.MULTILINE):
        (key,) = yaml.safe_load(settings)
        assert key in RunConfig.model_fields


def test_the_lines_in_the_readme_are_the_experiment_that_init_writes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert normbench_command("init", "lenet").code == 0
    (tmp_path / "readme.yaml").write_text(re.search(r"```yaml\n(.*?)```", read(README), re.DOTALL)[1], encoding="utf-8")
    in_readme, written = (load_study(tmp_path / name) for name in ("readme.yaml", "my_lenet.yaml"))
    (six_lines,), (commented,) = in_readme.arms.values(), written.arms.values()
    assert six_lines.model_dump(exclude={"num_steps"}) == commented.model_dump(exclude={"num_steps"})
    assert (six_lines.total_steps, in_readme.question) == (commented.total_steps, written.question)


@pytest.mark.parametrize("command", commands.command_names())
def test_every_command_stands_in_the_docs_with_an_example(command):
    assert f"\n## normbench {command}\n" in read(PAGES["docs/commands.md"])
    assert f"normbench {command}" in commands.help_of(command).partition("Usage:")[2].partition("\n")[2]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_every_config_stands_in_the_docs_with_its_question(config):
    assert f"(../configs/{config.name})" in read(PAGES["docs/config.md"])
    assert configs.question(config).endswith("?")


def test_every_key_of_a_study_stands_in_the_docs():
    keys = re.findall(
        r"^\| `(\w+)` \| ", read(PAGES["docs/config.md"]).partition("## Keys of a study")[2], re.MULTILINE
    )
    assert set(keys) == set(StudyKeys.model_fields)


@each_page
def test_links_lead_to_files_and_headings(page):
    targets = re.findall(r"\]\((?!https?:)([^)\s]+)\)", read(page))
    files = [(target, page.parent / target.partition("#")[0] if target[0] != "#" else page) for target in targets]
    assert [target for target, file in files if not file.exists()] == []
    anchored = [(target.partition("#")[2], file) for target, file in files if "#" in target]
    assert [anchor for anchor, file in anchored if anchor not in anchors(file)] == []


def anchors(page):
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", without_code(read(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_linked_from_the_readme_or_from_the_page_of_its_folder():
    for page in PAGES.values():
        name = page.relative_to(ROOT)
        home = README if len(name.parts) <= 2 else page.parent.with_suffix(".md")
        assert page == README or f"({page.relative_to(home.parent)})" in read(home), name


@each_page
def test_paths_exist(page):
    text = read(page)
    paths = re.findall(r"(?<![\w/])(?:configs|docs|normbench|tests)/[\w/]+\.(?:py|yaml|md)", text)
    assert [path for path in paths if not (ROOT / path).exists()] == []
    names = set(re.findall(r"\btest_\w+\.py\b", text))
    assert names <= {path.name for path in (ROOT / "tests").rglob("test_*.py")}


def test_the_tree_has_every_module_with_its_caption():
    lines = [line.strip() for line in tree.tree().splitlines()]
    for module in MODULES:
        folder = module.name == "__init__.py" and module.parent != tree.PACKAGE
        name = f"{module.parent.name}/" if folder else module.name
        assert [line for line in lines if line.split()[0] == name and line.endswith(tree.caption(module))]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_has_a_caption(module):
    caption, _, rest = (ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or "").partition("\n")
    assert caption.endswith(".")
    assert not rest or rest.startswith("\n"), "the caption is one line"


@pytest.mark.parametrize("row", ["a", "a | b", "a : b", "(a) : (b)"])
def test_rows_of_layers_are_read_in_every_form(row):
    assert tree.names_in(row) == re.findall(r"\w", row)


def test_excerpts_keep_what_was_asked_for_and_say_what_is_left_out():
    assert outputs.excerpt("a\nb x\nd\ne", "x") == "...\nb x\n..."
    assert outputs.between("a\nANSWER x\n\nrow\nMean of\nMean", "ANSWER", "Mean") == "ANSWER x\n\nrow"
    with pytest.raises(AssertionError, match="nothing has 'y'"):
        outputs.excerpt("a\nb", "y")


def test_the_changelog_has_releases_newest_first_with_known_sections():
    releases = RELEASE.findall(CHANGELOG)
    versions = [tuple(map(int, version.split("."))) for version, _ in releases]
    assert versions == sorted(versions, reverse=True)
    assert len(releases) == CHANGELOG.count("\n## ")
    assert "unreleased" not in [date for _, date in releases[1:]]
    assert set(re.findall(r"^### (.+)$", CHANGELOG, re.MULTILINE)) <= SECTIONS


def test_each_change_of_the_numerics_stands_in_the_changelog():
    sections = re.findall(r"^### Numerics\n(.*?)(?=^##|\Z)", CHANGELOG, re.MULTILINE | re.DOTALL)
    numbers = [int(n) for section in sections for n in re.findall(r"^(\d+)\. ", section, re.MULTILINE)]
    assert sorted(numbers) == list(range(1, NUMERICS + 1))
    assert len(sections) == len(RELEASE.findall(CHANGELOG)), "every release says what became of the numbers"


def test_one_version_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == normbench.__version__ == RELEASE.search(CHANGELOG)[1]


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


def test_the_rules_of_verdicts_are_cited_where_they_are_carried_out():
    rules = re.findall(r"^## (\d+\. .+)$", (ROOT / "docs" / "methods.md").read_text(encoding="utf-8"), re.MULTILINE)
    texts = "".join(module.read_text(encoding="utf-8") for module in MODULES)
    cited = set(re.findall(r'docs/methods\.md, "([^"]+)"', texts))
    assert cited <= set(rules)
    assert {rule for rule in rules if rule not in cited} == {"1. A fair comparison", "11. What the results are not"}
