"""Every command with --format: JSON as its document says, CSV that reads back, and all formats where it has one."""

import csv
import io
import json
import os
from pathlib import Path

import pytest
from command_line import normbench
from docs_blocks import json_documents
from json_documents import mistakes
from latex_source import latex_mistakes
from made_up_runs import ARMS, TINY
from made_up_tasks import alike, make_tasks
from own_networks import write_study
from typer.main import get_command

from normbench import cli
from normbench.cli._format import METAVAR
from normbench.report.pages.documents.base import find_documents
from normbench.report.pages.formats.base import find_formats

COMMANDS = sorted(
    name
    for name, command in get_command(cli.app).commands.items()
    if any("--format" in parameter.opts for parameter in command.params)
)
CLAIMED = """\
claims:
  - id: T1
    says: Weight decay lowers the loss.
    source: {title: A page, url: "https://a.b", quote: It is lower.}
    metric: test_loss
    expect: {less: decayed, than: plain, by: 0.05}
"""
SHOWN = {
    "run": [("run", "study.yaml"), ("run", "study.yaml", "--dry-run")],
    "compare": [
        ("compare", "runs/study"),
        ("compare", "runs/norms", "--pool"),
        ("compare", "runs/study", "--by", "weight_decay"),
    ],
    "claims": [("claims", "study.yaml")],
    "list": [("list",), ("list", "--runs")],
    "show": [("show", "runs/study/plain-*/seed-0")],
    "probe": [("probe", "study.yaml", "--seeds", "2")],
    "audit": [("audit", "own.yaml")],
    "explain": [("explain", "layer_norm")],
    "check-norm": [("check-norm", "layer_norm", "--shape", "4,3,3")],
}
"""For each command some that show everything that it has documents for."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a study of two arms that was run, several tasks, and a network with norms of its own."""
    made = tmp_path_factory.mktemp("formats")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made)
        Path("study.yaml").write_text(f"{TINY}seeds: 2\n{ARMS}baseline: plain\n{CLAIMED}", encoding="utf-8")
        write_study(norm={"name": "layer_norm"})
        assert normbench("run", "study.yaml", "--quiet").code == 0
        make_tasks(alike(2, batch_norm=-0.4))
    return made


def answer(folder, words, *options):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("COLUMNS", "80")
        found = [word for one in words for word in (map(str, Path().glob(one)) if "*" in one else [one])]
        code, out, err = normbench(*found, *options)
    assert (code, [line for line in err.splitlines() if "must" in line]) == (0, [])
    return out


SHOWING = [pytest.param(words, id=" ".join(words)) for name in COMMANDS for words in SHOWN.get(name, ())]


def test_every_command_with_formats_is_under_contract():
    assert set(SHOWN) == set(COMMANDS)
    assert "|".join(sorted(find_formats(), key=METAVAR.index)) == METAVAR


@pytest.fixture(scope="module")
def printed(folder):
    """Return the JSON of each command."""
    return {words: json.loads(answer(folder, words, "--format", "json")) for one in SHOWN.values() for words in one}


@pytest.mark.parametrize("words", SHOWING)
def test_json_is_as_its_document_says(printed, words):
    content = printed[words]
    for one in content if isinstance(content, list) else [content]:
        document = find_documents()[one["format"].removeprefix("normbench/")]
        assert mistakes(document.schema(), one) == []
        assert isinstance(content, list) is document.is_list


def test_every_document_is_printed_by_a_command(printed):
    formats = {one["format"] for found in printed.values() for one in (found if isinstance(found, list) else [found])}
    assert formats == {f"normbench/{name}" for name in find_documents()}


@pytest.mark.parametrize("words", SHOWING)
def test_csv_reads_back_as_a_table(folder, words):
    header, *rows = csv.reader(io.StringIO(answer(folder, words, "--format", "csv")))
    assert len(set(header)) == len(header)
    assert rows
    assert {len(row) for row in rows} == {len(header)}


@pytest.mark.parametrize("words", SHOWING)
def test_latex_is_whole(folder, words):
    assert latex_mistakes(answer(folder, words, "--format", "latex")) == []


@pytest.mark.parametrize("words", SHOWING)
def test_markdown_has_a_table_of_equal_rows(folder, words):
    lines = answer(folder, words, "--format", "markdown").splitlines()
    assert lines
    tables = [line.replace("\\|", "").count("|") for line in lines if line.startswith("| ")]
    assert all(count > 1 for count in tables)


@pytest.mark.parametrize("command", COMMANDS)
def test_an_option_that_is_short_for_a_format_prints_the_same(folder, command):
    words = SHOWN[command][0]
    names = {name.lstrip("-") for parameter in get_command(cli.app).commands[command].params for name in parameter.opts}
    flags = names & set(find_formats()) if command != "claims" else {"json"}
    assert "json" in flags
    for flag in flags:
        short, long = answer(folder, words, f"--{flag}"), answer(folder, words, "--format", flag)
        assert without_ages(short) == without_ages(long)


def without_ages(text):
    return [line for line in text.splitlines() if '"age_s"' not in line]


@pytest.mark.parametrize("command", COMMANDS)
def test_another_format_is_one_line_that_names_all(folder, command):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        code, out, err = normbench(*SHOWN[command][0], "--format", "jsn")
    assert (code, out) == (2, "")
    told = "must be a known format, got 'jsn'. Did you mean 'json'? Formats: csv, json, latex, markdown."
    assert err == f"--format jsn: {told}\n"


GOLDEN = Path(__file__).parents[1] / "golden" / "json_keys.txt"


def test_no_key_of_a_version_goes_or_changes_its_type():
    now = json_documents.all_keys()
    if os.environ.get("NORMBENCH_GOLDEN"):
        GOLDEN.write_text("\n".join(now) + "\n", encoding="utf-8")
    kept = GOLDEN.read_text(encoding="utf-8").splitlines()
    versions = {line.split()[0] for line in now}
    assert [line for line in kept if line.split()[0] in versions and line not in now] == []


def test_every_key_is_described():
    assert json_documents.undescribed() == []
