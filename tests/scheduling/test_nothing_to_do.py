"""A command that asks again for what is finished is answered from files: where all is as it was, in the same words."""

import json
import shutil
from hashlib import sha256
from pathlib import Path

import pytest
from command_line import normbench

from normbench.errors import ConfigError
from normbench.scheduling import nothing_to_do
from normbench.scheduling.nothing_to_do import find_finished, read_asked
from normbench.storage import program
from normbench.storage.finished_study import FINISHED_JSON
from normbench.storage.program import program_sha256

STUDY = """# Does it end?
model: {name: mlp, hidden_features: [4]}
dataset: {name: gaussian_clusters, num_samples: 40}
num_steps: 2
seeds: 2
grid: {norm: [none, batch_norm]}
recording: {tensorboard: false}
"""
ONE_ARM = STUDY.replace("grid: {norm: [none, batch_norm]}", "norm: batch_norm").replace("seeds: 2\n", "")
OPTIONS = {"seeds": None, "check_after": [], "until_decided": False, "set_": [], "vary": [], "tune": []}
OPTIONS |= {"accept_code": False, "engine": None, "quick": False, "second_run": False, "jobs": "1"}
FOLDER = Path("runs/asked")
RUN = "norm=none-*/seed-1"
pytestmark = pytest.mark.usefixtures("small_test_sets")


def run(*words):
    return normbench("run", "asked.yaml", *words)


def is_found(options=OPTIONS, path=Path("asked.yaml")):
    return bool(find_finished(read_asked([path], Path("runs"), options)))


def files():
    """Return the sha256 of every file below this folder, but of what is left for the next command."""
    found = [path for path in Path().rglob("*") if path.is_file() and path.name != FINISHED_JSON]
    return {str(path): sha256(path.read_bytes()).hexdigest() for path in found}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return a folder in which a study was run to its end."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("asked.yaml").write_text(STUDY, encoding="utf-8")
        assert run().code == 0
    return folder


@pytest.fixture
def asked(finished, tmp_path):
    """Copy the finished study to this test's folder."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True, symlinks=True)
    assert is_found()


def write(name, text):
    Path("asked.yaml").with_name(name).write_text(text, encoding="utf-8")


def in_run(name):
    (folder,) = FOLDER.glob(RUN)
    return folder / name


def remove(path):
    path.unlink()


def swap_for_link(path):
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere").name)


CHANGES = {
    "a setting in the file": lambda: write("asked.yaml", STUDY.replace("[4]", "[5]")),
    "the question": lambda: write("asked.yaml", STUDY.replace("Does", "Will")),
    "a margin, which changes no run": lambda: write("asked.yaml", STUDY + "margin: 0.1\n"),
    "no file": lambda: in_run("metrics.csv").unlink(),
    "a changed file": lambda: in_run("metrics.csv").write_text(in_run("metrics.csv").read_text() + "\n"),
    "a changed file of another kind": lambda: in_run("layer_stats.csv").write_bytes(b"layer\n"),
    "no summary": lambda: in_run("summary.json").unlink(),
    "no run": lambda: shutil.rmtree(in_run("")),
    "no arm": lambda: shutil.rmtree(in_run("").parent),
    "another time": lambda: in_run("environment.json").write_text("{}"),
    "a claim": lambda: in_run("claim.json").write_text("{}"),
    "one more run": lambda: shutil.copytree(in_run(""), in_run("").with_name("seed-7")),
    "no settings of an arm": lambda: remove(in_run("").parent / "arm.json"),
    "no identity of an arm": lambda: remove(in_run("").parent / "identity.json"),
    "another study.json": lambda: (FOLDER / "study.json").write_text((FOLDER / "study.json").read_text() + "\n"),
    "a half-written file": lambda: (FOLDER / ".part-study.json-1").write_text(""),
    "a link to the study": lambda: swap_for_link(FOLDER),
    "a link to an arm": lambda: swap_for_link(in_run("").parent),
    "nothing left": lambda: remove(FOLDER / FINISHED_JSON),
    "half of what was left": lambda: (FOLDER / FINISHED_JSON).write_text((FOLDER / FINISHED_JSON).read_text()[:-9]),
    "a seal taken off": lambda: (FOLDER / FINISHED_JSON).write_text(
        json.dumps({k: v for k, v in json.loads((FOLDER / FINISHED_JSON).read_text()).items() if k != "sha256"})
    ),
}


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("change", CHANGES)
def test_where_anything_is_another_more_must_be_looked_at(change):
    CHANGES[change]()
    assert not is_found()


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("key", OPTIONS)
def test_every_option_counts(key):
    assert not is_found(OPTIONS | {key: "another"})


@pytest.mark.usefixtures("asked")
def test_the_file_counts_only_where_it_was():
    Path("elsewhere").mkdir()
    shutil.copy("asked.yaml", "elsewhere/asked.yaml")
    assert not is_found(path=Path("elsewhere/asked.yaml"))
    assert not is_found(path=Path("asked.yaml").absolute())  # it is named in study.json, and in what is printed


@pytest.mark.usefixtures("asked")
def test_another_program_looks_itself(monkeypatch):
    monkeypatch.setattr(program, "version", lambda _: "another")
    assert not is_found()


def test_the_program_is_all_its_files(monkeypatch):
    seen = list(program._python_files(str(Path(program.__file__).parents[1])))
    assert sorted(seen) == sorted(map(str, Path(program.__file__).parents[1].rglob("*.py")))
    before = program_sha256()
    monkeypatch.setattr(program, "_python_files", lambda _: seen[1:])
    assert program_sha256() != before


@pytest.mark.usefixtures("asked")
def test_files_moved_together_are_still_known():
    Path("moved").mkdir()
    Path("asked.yaml").rename("moved/asked.yaml")
    Path("runs").rename("moved/runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir("moved")
        assert is_found()


def never(*_, **__):
    raise AssertionError("must not be called")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (STUDY, ()),
        (STUDY, ("--details",)),
        (STUDY, ("--json", "--quick")),
        (ONE_ARM, ()),
        (ONE_ARM + "tune: {optimizer.lr: [0.01, 0.1]}\n", ()),
    ],
    ids=["study", "details", "json and quick", "one run with a warning", "tuned"],
)
def test_the_same_command_prints_the_same_without_loading_the_study(monkeypatch, text, words):
    write("asked.yaml", text)
    assert run(*words).code == 0
    with monkeypatch.context() as patch:
        patch.setattr("normbench.study.load.load_study", never)
        before, again = files(), run(*words)
        assert files() == before
    for path in Path("runs").rglob(FINISHED_JSON):
        path.unlink()
    assert run(*words) == again
    assert files() == before, "the slow way would have changed nothing either"


@pytest.mark.usefixtures("asked")
def test_a_terminal_of_another_width_gets_its_own_lines(monkeypatch):
    monkeypatch.setattr("normbench.study.load.load_study", never)
    wide = run().out
    monkeypatch.setenv("COLUMNS", "60")
    narrow = run().out
    assert max(map(len, narrow.splitlines())) <= 60 < max(map(len, wide.splitlines()))


@pytest.mark.usefixtures("asked")
def test_damage_is_told_and_made_again():
    in_run("metrics.csv").write_text("")
    answer = run()
    assert "must be as the run wrote it" in answer.err
    assert is_found()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (STUDY.replace("{name: gaussian_clusters, num_samples: 40}", "wine"), ("--seeds", "1")),
        (STUDY + "loss: my_loss:loss\n", ("--seeds", "1")),
    ],
    ids=["data from a file", "code of the user's"],
)
def test_what_rests_on_more_than_the_runs_folder_is_always_looked_at(text, words):
    write("my_loss.py", "def loss(output, target):\n    return (output ** 2).mean()\n")
    write("asked.yaml", text)
    assert run(*words).code == 0
    assert not list(Path("runs").rglob(FINISHED_JSON))


def test_a_failed_run_leaves_nothing(monkeypatch):
    write("asked.yaml", STUDY)
    monkeypatch.setattr("normbench.scheduling.one_job.run_experiment", never)
    assert run().code == 1
    assert not list(Path("runs").rglob(FINISHED_JSON))


def test_all_mistakes_of_all_files_are_told_where_one_can_be_read():
    write("asked.yaml", STUDY.replace("batch_norm", "bath_norm"))
    answer = normbench("run", "missing.yaml", "asked.yaml")
    assert [line.split(":")[0] for line in answer.err.splitlines()] == ["missing.yaml", "asked.yaml"]


def test_files_of_which_none_can_be_read_are_told_before_torch_is_imported(monkeypatch):
    write("asked.yaml", "norm: [\n")
    monkeypatch.setattr("normbench.cli._torch.import_torch", never)
    monkeypatch.setattr(nothing_to_do, "find_finished", never)
    answer = normbench("run", "missing.yaml", "asked.yaml")
    assert (answer.code, answer.out) == (2, "")
    assert [line.split(":")[0] for line in answer.err.splitlines()] == ["missing.yaml", "asked.yaml"]
    with pytest.raises(ConfigError):
        read_asked([Path("missing.yaml")], Path("runs"), OPTIONS)
