"""Lists the commands in groups in the program's help; each command's file says its group and its place in it."""

from types import ModuleType
from typing import Any

import typer
from typer.core import TyperGroup

GROUPS = ("Start", "Your network", "Evidence", "Folders")
"""The groups, in the order of the help."""
OTHERS = "Others"
"""Heading of commands whose file says no GROUP."""
LAST = 100
"""Place of commands whose file says no PLACE: behind those that do, by name."""
WHOLE = 1_000
"""More letters than any first sentence has, so that none is cut."""


def place_in_help(module: ModuleType | None, name: str) -> tuple[int, str, int, str]:
    """Return what commands are sorted by: their group, their PLACE in it, their name."""
    group = group_of(module)
    known = GROUPS.index(group) if group in GROUPS else len(GROUPS)
    return known, group, getattr(module, "PLACE", LAST), name


def group_of(module: ModuleType | None) -> str:
    """Return the GROUP that a command's file says."""
    return str(getattr(module, "GROUP", OTHERS))


class GroupedCommands(TyperGroup):
    """The program, whose help lists the commands below the heading of their group."""

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Write a list for each group, all aligned, each command with its first sentence."""
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        rows: dict[str, list[tuple[str, str]]] = {}
        width = max(map(len, commands), default=0)
        for name, command in commands.items():
            group = getattr(command, "rich_help_panel", None) or OTHERS
            rows.setdefault(group, []).append((name.ljust(width), command.get_short_help_str(WHOLE) if command else ""))
        for group, listed in rows.items():
            with formatter.section(group):
                formatter.write_dl(listed)
