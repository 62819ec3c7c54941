"""Writes the commands that make a study again and show it again."""

import shlex
from pathlib import Path

from normbench.report.blocks.block import Block, Line
from normbench.storage.contents.study import StudyContent
from normbench.storage.files.plain_text import command_line, option_words


def again_block(folder: Path, study: StudyContent) -> Block:
    """Return the commands that make the runs of a study again, compare them, show every layer and write this page."""
    source = [study["source"]] if study.get("source") else []
    run = command_line("run", *source, *option_words(study.get("options", {})), runs_dir=folder.parent)
    others = {"compare": ["compare", str(folder), "--details"], "page": ["report", str(folder)]}
    lines = [Line(run, "run", is_command=True)] * bool(source)
    lines += [Line(shlex.join(["normbench", *words]), label, is_command=True) for label, words in others.items()]
    see = Line(command_line("tensorboard", runs_dir=folder.parent), "layers", is_command=True)
    return Block(lines=[*lines, see])
