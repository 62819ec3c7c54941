"""compare, init and tensorboard: what they answer and refuse, and their exit codes."""

import csv
import json
import os
import re
import socket
import subprocess
import sys
import time
from contextlib import suppress
from io import StringIO
from pathlib import Path

import pytest
from command_line import normbench
from made_up_runs import make_arm, make_run, make_study
from tensorboard.program import TensorBoard

from normbench import cli
from normbench.cli.tensorboard import tensorboard_options


@pytest.fixture
def finished():
    """A made-up study with two arms."""
    folder = make_study(arms=["none", "batch_norm"])
    for arm in ("none", "batch_norm"):
        make_run(make_arm(folder, arm, norm=arm))
    return folder


def write(name, text):
    Path(name).write_text(text, encoding="utf-8")
    return name


def test_compare_prints_a_row_per_arm(finished):
    code, out, err = normbench("compare", finished)
    assert (code, err) == (0, "")
    assert out.startswith("made_up · Is it made up?\n  2 arms, 1 seed each · same in all but norm\n")
    assert "One seed each is no evidence; 8 seeds are:" in out


@pytest.mark.usefixtures("finished")
def test_compare_in_json_and_csv_names_the_same_arms():
    (study,) = json.loads(normbench("compare", "--json").out)
    lines = list(csv.DictReader(StringIO(normbench("compare", "--csv").out)))
    assert [row["arm"] for row in study["rows"]] == [line["arm"] for line in lines] == ["none", "batch_norm"]


@pytest.mark.parametrize("name", ["metrics.csv", "summary.json"])
def test_compare_names_a_file_that_was_changed(finished, name):
    path = finished / "none-aaaaaa" / "seed-0" / name
    path.write_text(path.read_text()[:-3])
    code, out, err = normbench("compare")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"{path}: must be ")


def test_compare_without_runs_says_how_to_get_some():
    code, out, err = normbench("compare")
    way_out = "Run a config first: normbench run lenet_bn"
    assert (code, out, err) == (2, "", f"runs: must hold runs of a study, got none. {way_out}\n")


@pytest.mark.usefixtures("small_test_sets")
@pytest.mark.parametrize("model", ["mlp", "lenet"])
def test_init_writes_a_config_that_run_accepts(model):
    code, out, _ = normbench("init", model)
    assert (code, out) == (0, f"wrote my_{model}.yaml\nnext  normbench run my_{model}.yaml\n")
    (plan,) = json.loads(normbench("run", f"my_{model}.yaml", "--set", "num_steps=2", "--dry-run", "--json").out)
    assert plan["num_runs"] == 1


def test_the_study_that_init_leaves_commented_out_is_accepted_too():
    normbench("init", "mlp")
    before, mark, after = Path("my_mlp.yaml").read_text().partition("# seeds")
    write("my_mlp.yaml", before + mark.removeprefix("# ") + after.replace("\n# ", "\n"))
    (plan,) = json.loads(normbench("run", "my_mlp.yaml", "--set", "num_steps=2", "--dry-run", "--json").out)
    assert (plan["num_arms"], plan["num_seeds"]) == (2, 8)


def test_init_never_overwrites():
    write("my_mlp.yaml", "mine")
    code, out, err = normbench("init", "mlp")
    assert (code, out) == (2, "")
    assert err == "my_mlp.yaml: must not exist yet, got a file. Choose another with --path.\n"
    assert Path("my_mlp.yaml").read_text() == "mine"


def test_init_says_why_it_cannot_write():
    message = "no/such.yaml: must be writable, got: No such file or directory. Choose another with --path.\n"
    assert normbench("init", "mlp", "--path", "no/such.yaml") == (2, "", message)


def test_tensorboard_answers_on_this_machine_only():
    options = tensorboard_options(Path("runs"), 6007)
    assert options == ["--logdir", "runs", "--host", "127.0.0.1", "--port", "6007"]


@pytest.mark.usefixtures("finished")
@pytest.mark.parametrize(("ended_by", "code"), [(lambda _: 0, 0), (lambda _: -1, 2), (KeyboardInterrupt, 130)])
def test_how_tensorboard_ends_is_handed_on(monkeypatch, ended_by, code):
    served = []

    def serve(board):
        assert (board.flags.host, board.flags.port) == ("127.0.0.1", 0)
        assert Path(board.flags.logdir, "about").is_dir()
        served.append(Path(board.flags.logdir))
        if ended_by is KeyboardInterrupt:
            raise ended_by
        return ended_by(board)

    monkeypatch.setattr(TensorBoard, "main", serve)
    assert normbench("tensorboard", "--port", 0).code == code
    assert not served[0].exists()


@pytest.mark.usefixtures("finished")
@pytest.mark.parametrize(("max_ticked", "is_said"), [(0, True), (40, False)])
def test_tabs_that_begin_empty_are_told_before_the_address(monkeypatch, max_ticked, is_said):
    monkeypatch.setattr("normbench.cli.tensorboard.MAX_TICKED", max_ticked)
    monkeypatch.setattr(TensorBoard, "main", lambda _: 0)
    assert ("TOGGLE ALL RUNS" in normbench("tensorboard", "--port", 0).err) == is_said


def processes_of(session):
    """Return the processes of a session that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            state, _, _, its_session, *_ = path.read_text().rpartition(")")[2].split()
            found += [path.parent.name] * (int(its_session) == session and state != "Z")
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="lists processes as Linux does")
@pytest.mark.usefixtures("finished")
def test_a_killed_tensorboard_leaves_no_server():
    words = [sys.executable, "-m", "normbench", "tensorboard", "--port", "0"]
    environment = os.environ | {"PYTHONPATH": str(Path(cli.__file__).parents[2]), "TMPDIR": str(Path.cwd())}
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True) as command:
        address = next(found for line in command.stderr if (found := re.search(r"127\.0\.0\.1:(\d+)", line)))
        socket.create_connection(("127.0.0.1", int(address[1]))).close()
        command.kill()
    while processes_of(command.pid):  # what it started itself takes a moment
        time.sleep(0.1)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(address[1])))


def test_tensorboard_without_runs_says_how_to_get_some():
    rule = "must be a folder with runs, got no folder"
    message = f"runs: {rule}. Run a config first: normbench run lenet_bn\n"
    assert normbench("tensorboard") == (2, "", message)
