"""A standard output that is closed, full or read by nobody: a line or silence, and no exit code of a failed run."""

import os
import subprocess
import sys
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest
from faults.small_study import CONFIG, RUNS, run_of
from typer.main import get_command

from normbench import cli

WORDS = {
    "claims": [CONFIG],
    "compare": [RUNS],
    "explain": [],
    "init": ["mlp"],
    "list": [],
    "rm": [RUNS, "--yes"],
    "run": [CONFIG],
    "show": ["RUN"],
}
CASES = [
    *[(name, ["--help"]) for name in sorted(get_command(cli.app).commands)],
    *WORDS.items(),
    ("compare", [RUNS, "--json"]),
    ("compare", [RUNS, "--csv"]),
    ("run", [CONFIG, "--json"]),
    ("run", [CONFIG, "--dry-run"]),
]


def answer_to(words, stdout):
    """Run a command with this standard output; return exit code and stderr."""
    err, words = StringIO(), [run_of() if word == "RUN" else word for word in words]
    with patch.object(sys, "argv", ["normbench", *map(str, words)]), patch.object(sys, "stdout", stdout):
        with redirect_stderr(err), pytest.raises(SystemExit) as stop:
            cli.main()
        if stdout is None:
            sys.stdout.close()
    return stop.value.code, err.getvalue()


def unread_pipe():
    ours, theirs = os.pipe()
    os.close(ours)
    return os.fdopen(theirs, "w", encoding="utf-8")


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize(("command", "words"), CASES)
def test_output_that_nobody_can_read_is_no_failure(command, words):
    with unread_pipe() as pipe:
        code, err = answer_to([command, *words], pipe)
    assert code == 0, err
    assert "standard output" not in err
    if command not in ("rm", "init"):
        code, err = answer_to([command, *words], None)
        assert code == 0, err


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize(("command", "words"), CASES)
def test_a_full_output_is_named(command, words):
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        code, err = answer_to([command, *words], full)
    line = "standard output: must be readable and writable, got: No space left on device. Make room on the disk."
    assert (code, err.splitlines()[-1]) == (2, line)


def test_a_run_that_failed_is_told_though_nobody_reads_the_output(made):
    (made / "summary.json").unlink()
    with patch("normbench.scheduling.one_job.run_experiment", side_effect=ValueError("no")), unread_pipe() as pipe:
        code, err = answer_to(["run", CONFIG, "--quiet"], pipe)
    assert code == 1
    assert "1 failed:\nplain, seed 0: ValueError: no\n" in err


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize("redirected", ["| head -n 1; exit ${PIPESTATUS[0]}", ">&-", ">&- 2>&- <&-", "2>/dev/full"])
def test_the_shell_sees_no_traceback_and_no_failure(redirected):
    command = f"{sys.executable} -m normbench compare {RUNS} --json {redirected}"
    root = str(Path(cli.__file__).parents[2])
    found = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": root}, check=False
    )
    assert (found.returncode, found.stderr) == (0, "")


def test_a_file_of_a_run_never_gets_the_number_of_a_closed_stream(tmp_path):
    code = (
        "import os\nos.close(1)\nfrom normbench.storage.files.streams import open_standard_streams\n"
        "import sys\nsys.stdout = None\nopen_standard_streams()\nprint('lost')\n"
        "assert os.open('other', os.O_CREAT | os.O_WRONLY) > 2\n"
    )
    root = str(Path(cli.__file__).parents[2])
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": root},
        stderr=subprocess.PIPE,
        check=False,
    )
    assert (found.returncode, found.stderr) == (0, b"")
    assert (tmp_path / "other").read_bytes() == b""
