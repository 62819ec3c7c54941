"""A study's folder belongs to one file; another one of its name is told so, a moved one or a copy takes over."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from command_line import normbench
from made_up_runs import TINY

from normbench.storage.files.json_files import read_json

SAID = {"a": TINY, "b": TINY.replace("num_steps: 4", "num_steps: 3")}


@pytest.fixture
def two_files():
    for folder, text in SAID.items():
        Path(folder).mkdir()
        Path(folder, "exp.yaml").write_text(text, encoding="utf-8")
    assert run("a/exp.yaml").code == 0


def run(path, *options):
    return normbench("run", path, "--quiet", *options)


@pytest.mark.parametrize("options", [[], ["--dry-run"], ["--tune", "optimizer.lr=0.1,0.2"], ["--set", "batch_size=2"]])
@pytest.mark.usefixtures("two_files")
def test_another_file_of_the_same_name_is_told_who_owns_the_folder(options):
    before = sorted(Path("runs").rglob("*"))
    code, out, err = run("b/exp.yaml", *options)
    owner = Path("a/exp.yaml").resolve()
    assert (code, out) == (2, "")
    assert err.strip().splitlines()[-1] == (
        f"runs/exp: must belong to b/exp.yaml, got the runs of {owner}. Write another study: NAME in b/exp.yaml, "
        "or choose another folder with --runs-dir."
    )
    assert sorted(Path("runs").rglob("*")) == before


@pytest.mark.usefixtures("two_files")
def test_the_ways_out_lead_out():
    assert run("b/exp.yaml", "--runs-dir", "others").code == 0
    Path("b/exp.yaml").write_text("study: other\n" + SAID["b"], encoding="utf-8")
    assert run("b/exp.yaml").code == 0
    assert len(list(Path("runs/other").glob("*/seed-0"))) == len(list(Path("runs/exp").glob("*/seed-0"))) == 1


@pytest.mark.usefixtures("two_files")
def test_the_owner_may_change_its_mind():
    Path("a/exp.yaml").write_text(SAID["b"], encoding="utf-8")
    assert run("a/exp.yaml").code == 0
    assert run("a/../a/exp.yaml", "--set", "batch_size=2").code == 0


@pytest.mark.parametrize("becomes", ["moved", "copied"])
@pytest.mark.usefixtures("two_files")
def test_a_file_that_was_moved_or_copied_takes_over(becomes):
    if becomes == "moved":
        Path("a/exp.yaml").unlink()
    else:
        shutil.copy("a/exp.yaml", "b/exp.yaml")
    assert run("b/exp.yaml").code == 0
    said = read_json(Path("runs/exp/study.json"))
    assert (said["source"], said["source_path"]) == ("b/exp.yaml", "../../b/exp.yaml")


@pytest.mark.usefixtures("two_files")
def test_what_is_moved_together_stays_together(monkeypatch):
    Path("moved").mkdir()
    for name in ("a", "b", "runs"):
        shutil.move(name, Path("moved", name))
    monkeypatch.chdir("moved")
    assert run("a/exp.yaml").code == 0
    assert run("b/exp.yaml").code == 2


@pytest.mark.usefixtures("two_files")
def test_a_runs_own_config_goes_on_as_before():
    (config,) = Path("runs/exp").glob("*/seed-0/config.yaml")
    (config.parent / "summary.json").unlink()
    assert run(config).code == 0
    assert read_json(Path("runs/exp/study.json"))["source"] == "a/exp.yaml"


CLAIM = """\
seeds: 2
baseline: a
arms: {a: {}, b: {weight_decay: 0.1}}
claims: [{says: it helps, metric: test_loss, expect: {less: b, than: a, by: 0.0}}]
"""


@pytest.mark.parametrize("more", ["", CLAIM])
def test_every_command_that_is_printed_can_be_pasted(more):
    config, runs = Path("names/my run.yaml"), Path("runs here")
    config.parent.mkdir()
    config.write_text(TINY + more, encoding="utf-8")
    printed = normbench("init", "mlp", "--path", "names/a new one.yaml").out
    for words in (
        ["run", config, "--runs-dir", runs],
        ["compare", "--runs-dir", runs],
        ["claims", config, "--runs-dir", runs, "--json"],
        ["run", config, "--set", "init=constant", "--runs-dir", runs],
    ):
        code, out, err = normbench(*words)
        assert code == 0 or words[0] == "claims", err
        printed += out
    for summary in runs.glob("*/*/seed-0/summary.json"):
        summary.unlink()
        printed += normbench("show", summary.parent).out
    printed = re.sub(r" \\\n +", " ", printed)
    commands = re.findall(r"normbench (?:run|compare|tensorboard) .*?(?=  then|\s{2,}|\"|$)", printed, re.MULTILINE)
    assert len(commands) > 4
    for command in commands:
        _, name, *words = shlex.split(command)
        paths = [word for word in words if "/" in word or "here" in word or word.endswith(".yaml")]
        assert paths
        assert all(Path(path).exists() for path in paths), command
        assert name == "tensorboard" or normbench(name, *words, *["--dry-run"] * (name == "run")).code == 0, command
    saved = re.findall(r"^saved +(.*)$", printed, re.MULTILINE)
    assert all(Path(*shlex.split(path)).exists() for path in saved)
