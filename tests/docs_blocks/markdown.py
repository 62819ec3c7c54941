"""Markdown in which generated parts are written: tables, code, and where the repository lies."""

from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"


def pages() -> list[Path]:
    """Every page that may hold generated parts."""
    return [README, *sorted((ROOT / "docs").rglob("*.md"))]


def table(*head: str, rows: list[tuple[str, ...]]) -> str:
    return "\n".join(table_row(cells) for cells in [head, ["---"] * len(head), *rows])


def table_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def fenced(text: str, language: str = "text") -> str:
    return f"```{language}\n{text}\n```"
