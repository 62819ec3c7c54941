"""A pipe, a socket, a device or a folder of a file's name hangs no command: it is named as damaged, or made anew."""

import os
import signal
import socket
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from command_line import normbench
from faults.small_study import CONFIG, RUNS

from normbench.storage.files.reading import read_bytes
from normbench.storage.run_folder import CHECKPOINT, CLAIM_JSON, CONFIG_YAML, ENVIRONMENT_JSON, ERROR_TXT, STUDY_JSON

IN_A_RUN = ("summary.json", "metrics.csv", "layer_stats.csv", "probes.csv", ENVIRONMENT_JSON, CONFIG_YAML, CLAIM_JSON)
UNFINISHED = (CHECKPOINT, ERROR_TXT, "metrics.csv", CONFIG_YAML)
COMMANDS = (
    ["compare", RUNS],
    ["show", RUNS],
    ["show", "{run}"],
    ["list"],
    ["rm", "{run}", "--yes"],
    ["run", CONFIG, "--quiet"],
)


def pipe(path):
    os.mkfifo(path)


def of_socket(path):
    before = Path.cwd()
    os.chdir(path.parent)  # the name of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(before)


def device(path):
    path.symlink_to("/dev/zero")


def folder(path):
    path.mkdir()


KINDS = (pipe, of_socket, device, folder)


@contextmanager
def at_once():
    """Fail where something is waited for that never comes."""

    def give_up(*_):
        raise AssertionError("it hangs")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(60)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def put(make, path):
    with suppress(FileNotFoundError):
        path.unlink()
    make(path)


def asked(words, where):
    with at_once():
        code, out, err = normbench(*(where if word == "{run}" else word for word in words))
    assert "Traceback" not in out + err
    return code, out, err


@pytest.mark.parametrize("make", KINDS)
def test_only_files_are_read(make, tmp_path):
    put(make, tmp_path / "a")
    with at_once(), pytest.raises(OSError, match="and no file"):
        read_bytes(tmp_path / "a")


@pytest.mark.parametrize("name", [*IN_A_RUN, "../arm.json", "../../study.json"])
def test_no_command_waits_for_what_is_no_file(made, name):
    path = made / name
    is_read = name in ("summary.json", "metrics.csv", ENVIRONMENT_JSON, "../../study.json")
    put(pipe, path)
    for words in COMMANDS:
        code, out, err = asked(words, made)
        if words[0] == "compare" and is_read:
            assert code == 2
            assert path.name in err
            assert "a pipe and no file" in err
        if name == "../arm.json" and words[0] in ("compare", "list", "show") and words != ["show", RUNS]:
            told = " ".join((out + err).split())
            assert (code, f"{RUNS}/{path.parent.resolve().name}/arm.json" in told) == (0, True)
            assert "a pipe and no file" in told
        if words == ["list"] and name == "summary.json":
            assert "damaged" in out


@pytest.mark.parametrize("make", KINDS)
def test_a_damaged_result_is_made_again(made, make):
    put(make, made / "metrics.csv")
    assert asked(["run", CONFIG], made)[0] == 0
    assert (made / "metrics.csv").is_file()
    assert asked(["compare", RUNS], made)[0] == 0


@pytest.mark.parametrize("name", UNFINISHED)
def test_an_unfinished_run_waits_for_nothing(made, name):
    (made / "summary.json").unlink()
    for words in (["list"], ["show", "{run}"], ["run", CONFIG, "--quiet"]):
        if words[0] != "run" or not (made / "summary.json").exists():
            put(pipe, made / name)
        code, _, err = asked(words, made)
        assert code == 0, err
    assert (made / STUDY_JSON).exists() is False
    assert (made / "summary.json").is_file()


CONFIG_READERS = ("run", "claims", "audit", "probe")


@pytest.mark.parametrize("command", CONFIG_READERS)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_config_that_is_no_file_is_named(kind, command):
    path = Path("odd.yaml").absolute()
    kind(path)
    with at_once():
        answer = normbench(command, "odd.yaml")
    name = {"of_socket": "socket"}.get(kind.__name__, kind.__name__)
    line = f"odd.yaml: must be a readable file, got: a {name} and no file. Give the path of a config.\n"
    assert answer == (2, "", line)


@pytest.mark.parametrize("command", CONFIG_READERS)
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "must be a mapping of settings, got nothing. Example: model: lenet"),
        (b"a: 1\x00", "must be YAML, got: unacceptable character #x0000: "),
        (b"\x7fELF\x02\xff", "must be UTF-8 text, got byte 0xff at 5. Save it as UTF-8."),
        ("model: mlp".encode("utf-16"), "must be UTF-8 text, got byte 0xff at 0. Save it as UTF-8."),
        (b" " * 1_000_001, "must be at most 1,000,000 bytes, got 1,000,001. Is this a config?"),
    ],
    ids=["empty", "zero byte", "program", "UTF-16", "large"],
)
def test_a_config_that_holds_something_else_is_named(command, content, problem):
    Path("odd.yaml").write_bytes(content)
    code, out, err = normbench(command, "odd.yaml")
    assert (code, out) == (2, "")
    assert err.startswith(f"odd.yaml: {problem}")
    assert err.count("\n") == 1
