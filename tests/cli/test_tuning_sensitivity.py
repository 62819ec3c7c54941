"""--tuning-sensitivity: what run and compare say of it, what it costs, and where it is refused."""

import json
import shutil
from contextlib import chdir
from pathlib import Path

import pytest
from command_line import normbench
from made_up_runs import ARMS, TINY

TUNE = "tune: {optimizer.lr: [0.001, 0.02, 0.021]}\ncollapse: false\n"
OPTION = "--tuning-sensitivity"


STUDY = "tiny.yaml"


@pytest.fixture
def study():
    Path(STUDY).write_text(TINY + ARMS + "seeds: 2\n" + TUNE, encoding="utf-8")
    return STUDY


def made_from(folder, start, *options):
    """Run the study in a folder that starts as another; return the folder and what the command said."""
    shutil.copytree(start, folder, dirs_exist_ok=True)
    with chdir(folder):
        Path(STUDY).write_text(TINY + ARMS + "seeds: 2\n" + TUNE, encoding="utf-8")
        return folder, normbench("run", STUDY, *options)


@pytest.fixture(scope="module")
def without_option(tmp_path_factory):
    return made_from(tmp_path_factory.mktemp("without"), tmp_path_factory.mktemp("nothing"))


@pytest.fixture(scope="module")
def with_option(tmp_path_factory, without_option):
    """The study as it was, then run once more with the option."""
    return made_from(tmp_path_factory.mktemp("with"), without_option[0], OPTION)


def copied(made):
    """Copy the folder of a study that was run into this test's; return what the command said."""
    folder, answer = made
    shutil.copytree(folder, Path.cwd(), dirs_exist_ok=True)
    return answer


def lines_on_second_best(out):
    return [line for line in out.splitlines() if line.startswith("With each arm's second-best lr")]


def test_run_makes_the_runs_once_and_compare_reads_them_again(with_option, study):
    code, out, _ = copied(with_option)
    assert code == 0
    (said,) = lines_on_second_best(out)
    assert [path.name for path in sorted(Path("runs").iterdir())] == ["tiny", "tiny-runner-up"]
    before = {path: path.stat().st_mtime_ns for path in Path("runs").glob("*/*/seed-*/summary.json")}
    assert len([path for path in before if path.parts[1] == "tiny-runner-up"]) == 4
    assert lines_on_second_best(normbench("run", study, OPTION).out) == [said]
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert lines_on_second_best(normbench("compare", "runs/tiny").out) == [said]
    (compared,) = json.loads(normbench("compare", "runs/tiny", "--json").out)
    (run,) = json.loads(normbench("run", study, "--json").out)
    assert compared["tuning_sensitivity"] == run["tuning_sensitivity"]
    assert [row["arm"] for row in compared["rows"]] == ["plain", "decayed", "plain,tuned", "decayed,tuned"]


def test_what_was_made_can_be_read_by_itself(with_option):
    copied(with_option)
    out = normbench("compare", "runs/tiny-runner-up", "--methods").out
    assert "second-best settings" in out.replace("\n", " ")
    assert "the value with the second-best median" in out.replace("\n", " ")
    assert lines_on_second_best(out) == []
    (one,) = Path("runs/tiny-runner-up").glob("plain,tuned-*/seed-0")
    (one / "summary.json").write_text("{}")
    assert f"normbench run tiny.yaml {OPTION}" in normbench("show", one).out.replace("\\\n", "")


def test_without_the_option_nothing_is_made_or_said(without_option):
    assert lines_on_second_best(copied(without_option).out) == []
    assert [path.name for path in Path("runs").iterdir()] == ["tiny"]


def test_a_dry_run_counts_what_is_missing(study, without_option, with_option):
    def planned():
        (plan,) = json.loads(normbench("run", study, OPTION, "--dry-run", "--json").out)
        return plan["num_missing"], plan["num_tuning_runs"], plan["num_runner_up_runs"]

    assert planned() == (8, 24, 4)
    assert "  second-best values: 4 runs after all others" in normbench("run", study, OPTION, "--dry-run").out
    copied(without_option)
    assert planned() == (0, 0, 4)
    copied(with_option)
    assert planned() == (0, 0, 0)


def test_it_is_refused_where_nothing_is_tuned(study):
    Path("plain.yaml").write_text(TINY, encoding="utf-8")
    rule = f"{OPTION}: must go with settings that are tuned, got"
    untuned = normbench("run", study, "plain.yaml", OPTION)
    assert (untuned.code, untuned.err) == (2, f"plain.yaml: {rule} a study that tunes none. Add --tune optimizer.lr\n")
    quick = normbench("run", study, OPTION, "--quick")
    assert (quick.code, quick.err) == (2, f"tiny.yaml: {rule} --quick, which tunes nothing. Leave one of them out.\n")
    assert not Path("runs").exists()


def test_another_files_folder_is_not_written_to(study):
    Path("tiny-runner-up.yaml").write_text(TINY, encoding="utf-8")
    assert normbench("run", "tiny-runner-up.yaml").code == 0
    code, _, err = normbench("run", study, OPTION)
    assert code == 2
    assert "runs/tiny-runner-up: must belong to tiny.yaml" in err
    assert not Path("runs/tiny").exists()
