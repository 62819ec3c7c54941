"""Checks that a node of a cluster has this version of normbench, and sees the command's folders by the same paths."""

import os
import shutil
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
QUESTION = "question"
SHARE = "Share the folder between all nodes by one path"


@dataclass(frozen=True)
class Question:
    """What a node is asked before it makes runs.

    Attributes:
        folder: A folder in the runs folder, which the node must find, with the question's file.
        content: The file's content, so that another folder of the same path is told apart.
        code_folders: Folders of the user's own code, which must be there too.
        current: The command's current folder.
        version: normbench's version.
        numerics: The version of its mathematics.
    """

    folder: Path
    content: str
    code_folders: tuple[Path, ...]
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
def asking(runs_dir: Path, code_folders: Sequence[Path]) -> Iterator[Question]:
    """Leave a file below the runs folder, by which nodes that share it are known; removed after the block.

    It lies in a folder of its own, so that a node that answers too late can leave nothing behind.
    """
    folder = runs_dir.absolute() / f"{PREFIX}{token_hex(8)}"
    folder.mkdir(parents=True)
    question = Question(folder, token_hex(16), tuple(code_folders), Path.cwd())
    try:
        (folder / QUESTION).write_text(question.content, encoding="ascii")
        yield question
    finally:
        with suppress(OSError):  # whoever removes it first
            shutil.rmtree(folder.rename(folder.with_name(f"{folder.name}-over")))  # a late answer finds no folder


def answered(question: Question) -> Answer:
    """Answer on the node that is asked: look for the folders, and write a file beside the question's."""
    process = Owner("")
    file = question.folder / token_hex(8)
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
    return f"must write where this command reads, got {question.folder.parent} apart. {SHARE}"


def _version_problem(question: Question) -> str:
    if (question.version, question.numerics) == (VERSION, NUMERICS):
        return ""
    rule = f"must have normbench {question.version} (numerics {question.numerics})"
    way_out = f"pip install 'normbench[ray]=={question.version}' there"
    return f"{rule}, got {VERSION} (numerics {NUMERICS}). {way_out}"


def _folder_problem(question: Question) -> str:
    for folder in question.code_folders:
        if not folder.is_dir():
            return f"must see {folder}, where your own code lies, got no such folder. {SHARE}"
    try:
        found = (question.folder / QUESTION).read_text(encoding="ascii")
    except OSError as error:
        return f"must see the runs folder {question.folder.parent}, got: {error.strerror}. {SHARE}"
    is_same = found == question.content
    return "" if is_same else f"must see the runs folder {question.folder.parent}, got another folder there. {SHARE}"


def _write_problem(question: Question, file: Path) -> str:
    try:
        file.write_text(question.content, encoding="ascii")
    except OSError as error:
        return f"must be able to write into {file.parents[1]}, got: {error.strerror}. Let its user write there"
    return ""


def _work_in(folder: Path) -> None:
    """Make a folder the current one, if it is there; modules are found in it only where the command finds them so."""
    with suppress(OSError):
        os.chdir(folder)
    sys.path[:] = [entry for entry in sys.path if entry not in ("", str(folder))]
