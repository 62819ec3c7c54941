"""Outputs of commands, made by running them in a folder of their own; kept as they are unless made anew."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from docs_blocks.markdown import ROOT, fenced

LEFT_OUT = "..."
_folders: list[Path] = []
_EVENT_FILE = re.compile(r"(events\.out\.tfevents\.\d+)\.[^\s,]+")
"""It ends in the name of the machine."""


@contextmanager
def made_anew() -> Iterator[None]:
    """Within the block outputs are made by their commands, one after another over all pages, in one folder."""
    with tempfile.TemporaryDirectory() as made:
        shutil.copytree(ROOT / "configs", Path(made) / "configs")
        _folders.append(Path(made))
        try:
            yield
        finally:
            _folders.remove(Path(made))


def is_made_anew() -> bool:
    """Whether commands are run, and not what they printed before kept."""
    return bool(_folders)


def folder() -> Path:
    """Where commands are run."""
    return _folders[-1]


def shown(*lines: str, since: str = "", until: str = "", lines_with: str = "") -> str:
    """Return the commands of one or more lines with what they print.

    Args:
        lines: Commands, or one of several lines that end in a backslash.
        since: A word: of each output what stands before the first line that begins with it is left out.
        until: A word: of each output the first line that begins with it and all below are left out.
        lines_with: A word: of each output only the lines that have it are shown.
    """
    if not is_made_anew():
        return before()
    outputs = [output_of(line) for line in lines]
    outputs = [excerpt(output, lines_with) for output in outputs] if lines_with else outputs
    outputs = [between(output, since, until) for output in outputs] if since else outputs
    texts = [f"$ {line}\n{output}".strip() for line, output in zip(lines, outputs, strict=True)]
    return fenced("\n\n".join(texts))


def quietly(*lines: str) -> str:
    """Run commands whose output is not shown, for those that follow."""
    for line in lines if is_made_anew() else ():
        output_of(line)
    return ""


def files_of(page: str) -> str:
    """Write the files that a page shows into the folder of the commands."""
    for name, text in shown_files((ROOT / page).read_text(encoding="utf-8")).items() if is_made_anew() else ():
        (folder() / name).write_text(text, encoding="utf-8")
    return ""


def shown_files(text: str) -> dict[str, str]:
    """Return the blocks of a page below a line that ends in a file's name: `my_unet.py`, a config ..."""
    return dict(re.findall(r"`([\w.]+)`[^`\n]*:\n\n```\w+\n(.*?)```", text, re.DOTALL))


def before() -> str:
    """What stands in the page already."""
    import cog

    return cog.previous.rstrip("\n")


def output_of(line: str) -> str:
    """Return what a command prints to stdout, on a terminal of 80 columns."""
    words = shlex.split(line.replace("\\\n", " "))
    environment = os.environ | {"COLUMNS": "80", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", *words]
    found = subprocess.run(command, cwd=folder(), env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, f"{line}\n{found.stdout}{found.stderr}"
    rows = [_EVENT_FILE.sub(r"\1.host", row.rstrip()) for row in found.stdout.strip().splitlines()]
    return "\n".join(rows)


def excerpt(output: str, word: str) -> str:
    """Return the lines that have a word, and dots where others stood."""
    chosen: list[str] = []
    for line in output.splitlines():
        if word in line:
            chosen.append(line)
        elif chosen[-1:] != [LEFT_OUT]:
            chosen.append(LEFT_OUT)
    assert any(line != LEFT_OUT for line in chosen), f"nothing has {word!r} in\n{output}"
    return "\n".join(chosen)


def between(output: str, first: str, end: str) -> str:
    """Return the lines from one that begins with a word to before one that begins with another."""
    lines = output.splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith(first)]
    ends = [i for i, line in enumerate(lines) if line.startswith(end) and i > starts[0]]
    return "\n".join(lines[starts[0] : ends[0]]).rstrip()
