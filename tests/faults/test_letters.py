"""A standard output whose encoding lacks a letter: a near one is printed, never a traceback or a question mark."""

import io
import json
import re
import sys
import unicodedata
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

import pytest
from command_line import normbench
from faults.small_study import CONFIG, RUNS, run_of

import normbench as package
from normbench import cli
from normbench.storage.files.near_letters import near_letter

QUESTION = "# Is 2² ± 1 → 的 é …?"
COMMANDS = [
    ["claims", CONFIG],
    ["compare", RUNS],
    ["compare", RUNS, "--csv"],
    ["compare", RUNS, "--markdown"],
    ["compare", RUNS, "--methods"],
    ["explain", "batch_norm"],
    ["list"],
    ["run", CONFIG],
    ["run", CONFIG, "--dry-run"],
    ["show", "RUN"],
]


@pytest.fixture
def asked(made):
    """The study of two arms, with a question of letters that few encodings have."""
    told = made.parents[1] / "study.json"
    told.write_text(json.dumps(json.loads(told.read_text()) | {"question": QUESTION[2:]}))
    CONFIG.write_text(re.sub("# .*", QUESTION, CONFIG.read_text(), count=1), encoding="utf-8")


def printed(words, encoding):
    """Run a command with a standard output of this encoding; return exit code, output and errors."""
    words = [run_of() if word == "RUN" else word for word in words]
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n") for _ in range(2))
    argv = patch.object(sys, "argv", ["normbench", *map(str, words)])
    with argv, redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as stop:
        cli.main()
    err.flush()
    return stop.value.code, *(stream.buffer.getvalue().decode(encoding) for stream in (out, err))


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(map(str, words)))
def test_a_letter_that_an_encoding_lacks_is_printed_as_a_near_one(words):
    told = normbench(*[run_of() if word == "RUN" else word for word in words])
    for encoding in ("ascii", "cp1252"):
        code, out, err = printed(words, encoding)
        assert (code, err) == (told.code, told.err)
        near = [letter if can_encode(letter, encoding) else near_letter(letter) for letter in told.out]
        assert out == "".join(near)


def can_encode(letter, encoding):
    """Return whether an encoding has a letter."""
    return letter.encode(encoding, "ignore") != b""


@pytest.mark.usefixtures("asked")
def test_a_mistake_is_told_in_near_letters():
    code, out, err = printed(["compare", "runs±"], "ascii")
    assert (code, out) == (2, "")
    assert err.startswith("runs+-: must be a folder, here or in runs, got none.")


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("command", ["compare", "run", "claims", "show"])
def test_json_is_the_same_in_every_encoding(command):
    words = {"claims": [CONFIG], "compare": [RUNS], "run": [CONFIG], "show": ["RUN"]}[command]
    _, utf8, _ = printed([command, *words, "--json"], "utf-8")
    _, ascii_only, _ = printed([command, *words, "--json"], "ascii")
    found, expected = ([*flat(json.loads(out))] for out in (ascii_only, utf8))
    assert found == expected
    assert (QUESTION[2:] in expected) == (command in ("compare", "run"))


def flat(value):
    """Yield what lies in a JSON value but for ages, which differ."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from [] if key == "age_s" else [key, *flat(one)]
    elif isinstance(value, list):
        for one in value:
            yield from flat(one)
    else:
        yield value


def test_each_sign_that_the_package_prints_has_a_near_one():
    sources = (path.read_text("utf-8") for path in Path(package.__file__).parent.rglob("*.py"))
    letters = {letter for source in sources for letter in source if not letter.isascii()}
    signs = [letter for letter in letters if unicodedata.category(letter)[0] in "PS"]
    assert len(signs) >= 5
    assert [sign for sign in signs if near_letter(sign).startswith("\\")] == []
    assert all(near_letter(letter).isascii() for letter in letters)
