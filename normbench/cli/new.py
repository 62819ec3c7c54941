"""normbench new: write a norm, a model or a dataset of your own to begin with, and a study of it."""

import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer

GROUP = "Folders"
PLACE = 5


def command(
    kind: Annotated[Literal["norm", "model", "dataset"], typer.Argument(help="What it is.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name, such as my_norm; the class is then MyNorm.")],
    path: Annotated[Path | None, typer.Option("--path", help="File of code; by default <name>.py.")] = None,
) -> None:
    """Write a norm, a model or a dataset of your own to begin with.

    Two files are written, the code and a study that compares it: they can be run at once, and changed. An existing file
    is never written over.

    Example: normbench new norm my_norm
    """
    from normbench.own_code.new_files import write_new_files
    from normbench.storage.files.plain_text import command_line

    file = path or Path(f"{name}.py")
    study, made = write_new_files(kind, name, file)
    checks = {"norm": [command_line("check-norm", made)], "model": [command_line("audit", study.name)], "dataset": []}
    moves = [] if file.parent == Path() else [shlex.join(["cd", str(file.parent)])]
    steps = [*moves, *checks[kind], command_line("run", study.name)]
    typer.echo("\n".join([f"wrote {file}", f"wrote {study}", f"next  {steps[0]}", *(f"then  {s}" for s in steps[1:])]))
