"""The help of every command, as it is printed."""

from unittest.mock import patch

import typer.rich_utils
from typer.main import get_command
from typer.testing import CliRunner

from docs_blocks.markdown import fenced

WIDTH = 100


def command_names() -> list[str]:
    from normbench.cli import app

    group = get_command(app)
    context = typer.Context(group)
    return [name for name in group.list_commands(context) if not group.get_command(context, name).hidden]


def commands() -> str:
    """The help of every command."""
    return "\n\n".join(f"## normbench {name}\n\n{fenced(help_of(name))}" for name in command_names())


def help_of(*command: str) -> str:
    """What `normbench COMMAND --help` prints on a terminal of a fixed width, without colours."""
    from normbench.cli import app

    with patch.multiple(typer.rich_utils, MAX_WIDTH=WIDTH, FORCE_TERMINAL=False):
        result = CliRunner().invoke(app, [*command, "--help"], prog_name="normbench")
    assert result.exit_code == 0, result.output
    return "\n".join(line.rstrip() for line in result.output.strip().splitlines())
