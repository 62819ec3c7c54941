"""The command line: one file per command, found by itself; shows errors, and nothing else."""

import os
import pkgutil
import sys
from importlib import import_module
from pathlib import Path

import typer

INTERRUPTED = 130
app = typer.Typer(
    help="Which normalization and regularization should I use, and is what people say about it true?",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for _module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
    app.command(name=_module)(import_module(f"{__name__}.{_module}").command)


def main() -> None:
    """Run a command; a mistake of the user's is one line each on stderr and exit code 2."""
    from normbench.storage.files.plain_text import only_visible_text

    with only_visible_text():
        _main()


def _main() -> None:
    from normbench.errors import ConfigError, NormbenchError, RunFailedError
    from normbench.storage.files.atomic import refusal
    from normbench.storage.files.plain_text import one_line

    # Tiny networks are slower on several threads; torch reads this when it is imported.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        app()
    except NormbenchError as error:
        for line in error.complaints if isinstance(error, ConfigError) else [str(error)]:
            print(one_line(line), file=sys.stderr)  # noqa: T201 - the one place where a mistake is shown
        sys.exit(1 if isinstance(error, RunFailedError) else 2)
    except SystemExit as stop:
        if stop.code == INTERRUPTED:  # what typer makes of KeyboardInterrupt
            print("interrupted; the same command goes on where it stopped", file=sys.stderr)  # noqa: T201
        raise
    except BrokenPipeError:  # the reader has seen enough, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:  # a full disk, a folder nobody may read
        print(one_line(refusal(error, Path.cwd())), file=sys.stderr)  # noqa: T201
        sys.exit(2)
