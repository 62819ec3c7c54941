"""Finds the commands, one file each, runs one, and prints its errors with an exit code."""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from copy import copy
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from normbench.cli._completion import BY_METAVAR, asked_words
from normbench.cli._garbage import READING, collected_seldom
from normbench.cli._groups import GroupedCommands, group_of, place_in_help
from normbench.cli._version import print_version
from normbench.storage.files.part_files import import_parts, require_function

INTERRUPTED = 130
PROGRAM = "normbench"
"""What usage lines and shells call it, however it was started."""
MAX_COMPLAINTS = 50
"""Most mistakes that are told one by one."""
app = typer.Typer(
    help="Which normalization and regularization should I use, and is what people say about it true?",
    cls=GroupedCommands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


class _Command(TyperCommand):
    """A command whose file may add a list to its help: ``more_help() -> (heading, rows)``, called when it is shown."""

    def format_epilog(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Write the list below the options."""
        more_help = getattr(sys.modules[self.callback.__module__], "more_help", None)
        if more_help:
            heading, rows = more_help()
            with formatter.section(heading):
                formatter.write_dl(rows)


def _unfinished_command(line: str) -> Callable[[], None]:
    """Return a command that raises the line about its unfinished file."""

    def command() -> None:
        from normbench.errors import ConfigError

        raise ConfigError([line])

    command.__doc__ = line
    return command


def _prepared(command: Callable[..., object]) -> Callable[..., object]:
    """Have a command's arguments completed by what they stand for, and typer pass on paths that may not be read.

    Such a path is told as all others that cannot be, in one line.
    """
    for annotation in command.__annotations__.values():
        for info in getattr(annotation, "__metadata__", ()):
            info.readable = False
            if isinstance(info, typer.models.ArgumentInfo):
                info.autocompletion = info.autocompletion or BY_METAVAR.get(str(info.metavar))
    return command


def _file_of(name: str) -> ModuleType | None:
    return sys.modules.get(f"{__name__}.{name}")


@app.callback()
def _program_options(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=print_version, help="Versions of normbench, Python, torch."),
    ] = False,
) -> None:
    """Take the options that stand before a command."""


_parts = import_parts(__name__, lambda module, _: require_function(module, "command"))
_commands = _parts.found | {name: _unfinished_command(line) for name, line in _parts.unfinished.items()}
for _name in sorted(_commands, key=lambda name: place_in_help(_file_of(name), name)):
    app.command(name=_name.replace("_", "-"), cls=_Command, rich_help_panel=group_of(_file_of(_name)))(
        _prepared(_commands[_name])
    )
_names = {info.name for info in app.registered_commands if info.name}


@cache
def _program(*named: str) -> typer.Typer:
    """Return the program with the parameters of the named commands alone: to read those of all takes 20 ms."""
    program = copy(app)
    program.registered_commands = [
        info if info.name in named else _without_parameters(info) for info in app.registered_commands
    ]
    return program


def _without_parameters(info: typer.models.CommandInfo) -> typer.models.CommandInfo:
    def command() -> None:
        """Have a name and a first line, which is all that the list of commands shows."""

    command.__doc__ = info.callback.__doc__
    named = copy(info)
    named.callback = command
    return named


def main() -> None:
    """Run a command; print each mistake of the user as a line on stderr and exit with code 2."""
    from normbench.storage.files.near_letters import print_near_letters
    from normbench.storage.files.plain_text import print_visible_text
    from normbench.storage.files.streams import discard_output, open_standard_streams

    open_standard_streams()
    print_near_letters()
    with print_visible_text():
        code = _exit_code()
        try:
            sys.stdout.flush()
        except OSError as error:
            code = code or _report_os_error(error)
            discard_output()
    sys.exit(code)


def _exit_code() -> int:
    from normbench.errors import ConfigError, NormbenchError, RunFailedError
    from normbench.storage.files.streams import discard_output

    # Tiny networks are slower on several threads; torch reads this when it is imported.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    named = _names.intersection([*sys.argv, *asked_words()])
    try:
        with collected_seldom() if named <= READING else nullcontext():
            _program(*sorted(named))(prog_name=PROGRAM)
    except NormbenchError as error:
        _print_errors(error.complaints if isinstance(error, ConfigError) else [str(error)])
        return 1 if isinstance(error, RunFailedError) else 2
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):  # typer makes exit 1 of it
            discard_output()
            return 0
        if stop.code == INTERRUPTED:  # what typer makes of KeyboardInterrupt
            _print_error("interrupted; the same command goes on where it stopped")
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except OSError as error:
        discard_output()
        return _report_os_error(error)
    return 0


def _report_os_error(error: OSError) -> int:
    """Print an error of the system and return its exit code; a closed pipe is no error."""
    from normbench.storage.files.atomic import os_error_line

    if isinstance(error, BrokenPipeError):  # as with `| head`
        return 0
    _print_error(os_error_line(error, Path.cwd()))  # a full disk, a folder nobody may read
    return 2


def _print_errors(lines: Sequence[str]) -> None:
    for line in lines[:MAX_COMPLAINTS]:
        _print_error(line)
    if len(lines) > MAX_COMPLAINTS:
        _print_error(f"and {len(lines) - MAX_COMPLAINTS:,} more mistakes")


def _print_error(line: str) -> None:
    from normbench.storage.files.plain_text import one_line

    print(one_line(line), file=sys.stderr)  # noqa: T201 - the only place that prints errors
