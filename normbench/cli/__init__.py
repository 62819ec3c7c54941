"""The command line: one file per command, found by itself; shows errors, and nothing else."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import typer

from normbench.storage.files.part_files import import_parts, require_function

INTERRUPTED = 130
app = typer.Typer(
    help="Which normalization and regularization should I use, and is what people say about it true?",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _stub(line: str) -> Callable[[], None]:
    """Return a command that only says what is missing in its file."""

    def command() -> None:
        from normbench.errors import ConfigError

        raise ConfigError([line])

    command.__doc__ = line
    return command


_parts = import_parts(__name__, lambda module, _: require_function(module, "command"))
_commands = _parts.found | {name: _stub(line) for name, line in _parts.unfinished.items()}
for _name in sorted(_commands):
    app.command(name=_name)(_commands[_name])


def main() -> None:
    """Run a command; a mistake of the user's is one line each on stderr and exit code 2."""
    from normbench.storage.files.plain_text import print_visible_text
    from normbench.storage.files.streams import discard_output, open_standard_streams

    open_standard_streams()
    with print_visible_text():
        code = _exit_code()
        try:
            sys.stdout.flush()
        except OSError as error:
            code = code or _code_of(error)
            discard_output()
    sys.exit(code)


def _exit_code() -> int:
    from normbench.errors import ConfigError, NormbenchError, RunFailedError
    from normbench.storage.files.streams import discard_output

    # Tiny networks are slower on several threads; torch reads this when it is imported.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        app()
    except NormbenchError as error:
        for line in error.complaints if isinstance(error, ConfigError) else [str(error)]:
            _tell(line)
        return 1 if isinstance(error, RunFailedError) else 2
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):  # typer makes exit 1 of it
            discard_output()
            return 0
        if stop.code == INTERRUPTED:  # what typer makes of KeyboardInterrupt
            _tell("interrupted; the same command goes on where it stopped")
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except OSError as error:
        discard_output()
        return _code_of(error)
    return 0


def _code_of(error: OSError) -> int:
    """Return the exit code for a failure of the system, after telling it: 0 where the reader has seen enough."""
    from normbench.storage.files.atomic import os_error_line

    if isinstance(error, BrokenPipeError):  # as with `| head`
        return 0
    _tell(os_error_line(error, Path.cwd()))  # a full disk, a folder nobody may read
    return 2


def _tell(line: str) -> None:
    from normbench.storage.files.plain_text import one_line

    print(one_line(line), file=sys.stderr)  # noqa: T201 - the one place where a mistake is shown
