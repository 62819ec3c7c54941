"""What a shell gets to complete: commands, options, configs and folders of runs."""

from pathlib import Path

import pytest
from command_line import normbench
from made_up_runs import make_arm, make_run, make_study

from normbench.storage.shipped_configs import shipped_names


@pytest.fixture
def complete(monkeypatch):
    def words_for(line):
        typed = line.split(" ")
        for name, value in {"_NORMBENCH_COMPLETE": "complete_bash", "COMP_WORDS": line}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("COMP_CWORD", str(len(typed) - 1))
        return normbench().out.split()

    return words_for


def test_commands_and_options_are_completed(complete):
    assert complete("normbench co") == ["compare", "configs"]
    assert complete("normbench list --st") == ["--status"]


@pytest.mark.parametrize("command", ["run", "probe", "claims", "audit"])
def test_configs_are_files_here_and_shipped_ones(complete, command):
    Path("b_mine.yaml").touch()
    assert complete(f"normbench {command} b") == ["b_mine.yaml", *(n for n in shipped_names() if n.startswith("b"))]


@pytest.mark.parametrize("line", ["normbench init wei", "normbench configs --copy wei"])
def test_what_can_be_copied_is_shipped(complete, line):
    Path("weights.yaml").touch()
    assert complete(line) == ["weight_decay"]


@pytest.mark.parametrize("command", ["compare", "list", "show", "rm"])
def test_folders_are_studies_then_arms(complete, command):
    make_run(make_arm(make_study(arms=["none"]), "none", norm="none"))
    for typed in ("", "made"):
        assert complete(f"normbench {command} {typed}") == ["made_up"]
    for place in ("", "runs/", f"{Path.cwd()}/runs/"):
        assert complete(f"normbench {command} {place}made_up/") == [f"{place}made_up/none-aaaaaa"]
    assert complete(f"normbench {command} no/such/") == []


def test_the_runs_folder_that_was_typed_is_looked_into(complete):
    (Path("elsewhere") / "study").mkdir(parents=True)
    assert complete("normbench compare --runs-dir elsewhere ") == ["study"]
