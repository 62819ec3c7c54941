"""Checks that a node of a cluster has this version of normbench, and sees the command's folders by the same paths."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from secrets import token_hex

from normbench.storage.identity import NUMERICS
from normbench.storage.owners import Owner

VERSION = version("normbench")
PREFIX = ".node-check-"
SHARE = "Share the folder between all nodes by one path"


@dataclass(frozen=True)
class Question:
    """What a node is asked before it makes runs.

    Attributes:
        file: A file in the runs folder, which the node must find.
        content: The file's content, so that another folder of the same path is told apart.
        folders: Folders of the user's own code, which must be there too.
        current: The command's current folder.
        version: normbench's version.
        numerics: The version of its mathematics.
    """

    file: Path
    content: str
    folders: tuple[Path, ...]
    current: Path
    version: str = VERSION
    numerics: int = NUMERICS


@dataclass(frozen=True)
class Answer:
    """What a node answers.

    Attributes:
        problem: Why it cannot make these runs: "must ..., got .... way out"; "" if it can.
        process: The process that would make them, as it claims runs.
        file: The file that it has written beside the question's.
    """

    problem: str
    process: Owner
    file: Path


@contextmanager
def asking(runs_dir: Path, folders: Sequence[Path]) -> Iterator[Question]:
    """Leave a file in the runs folder, by which nodes that share it are known; removed after the block."""
    runs_dir = runs_dir.absolute()
    runs_dir.mkdir(parents=True, exist_ok=True)
    question = Question(runs_dir / f"{PREFIX}{token_hex(8)}", token_hex(16), tuple(folders), Path.cwd())
    try:
        question.file.write_text(question.content, encoding="ascii")
        yield question
    finally:
        for path in runs_dir.glob(f"{question.file.name}*"):
            path.unlink(missing_ok=True)


def answered(question: Question) -> Answer:
    """Answer on the node that is asked: look for the folders, and write a file beside the question's."""
    process = Owner("")
    file = question.file.with_name(f"{question.file.name}-{token_hex(4)}")
    problem = _version_problem(question) or _folder_problem(question) or _write_problem(question, file)
    if not problem:
        _work_in(question.current)
    return Answer(problem, process, file)


def problem_of(question: Question, answer: Answer) -> str:
    """Return why a node cannot make runs, on the node that has asked; "" if it can."""
    if answer.problem:
        return answer.problem
    with suppress(OSError):
        if answer.file.read_text(encoding="ascii") == question.content:
            return ""
    return f"must write where this command reads, got {question.file.parent} apart. {SHARE}"


def _version_problem(question: Question) -> str:
    if (question.version, question.numerics) == (VERSION, NUMERICS):
        return ""
    rule = f"must have normbench {question.version} (numerics {question.numerics})"
    way_out = f"pip install 'normbench[ray]=={question.version}' there"
    return f"{rule}, got {VERSION} (numerics {NUMERICS}). {way_out}"


def _folder_problem(question: Question) -> str:
    for folder in question.folders:
        if not folder.is_dir():
            return f"must see {folder}, where your own code lies, got no such folder. {SHARE}"
    try:
        found = question.file.read_text(encoding="ascii")
    except OSError as error:
        return f"must see the runs folder {question.file.parent}, got: {error.strerror}. {SHARE}"
    is_same = found == question.content
    return "" if is_same else f"must see the runs folder {question.file.parent}, got another folder there. {SHARE}"


def _write_problem(question: Question, file: Path) -> str:
    try:
        file.write_text(question.content, encoding="ascii")
    except OSError as error:
        return f"must be able to write into {file.parent}, got: {error.strerror}. Let its user write there"
    return ""


def _work_in(folder: Path) -> None:
    """Make a folder the current one, if it is there; modules are found in it only where the command finds them so."""
    with suppress(OSError):
        os.chdir(folder)
    sys.path[:] = [entry for entry in sys.path if entry not in ("", str(folder))]
