"""Renders the templates of pages with everything escaped, and writes a page whole or not at all."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from normbench.errors import ComparisonError
from normbench.report.blocks.block import Table
from normbench.report.pages.html.table_cells import html_table, rows_between
from normbench.storage.files.atomic import replacing
from normbench.storage.files.plain_text import visible
from normbench.storage.files.reading import read_bytes

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = "normbench.report.pages.html"
CHARTS = "normbench.report.charts"


def rendered(template: str, **content: Any) -> str:
    """Return a template filled in, with the characters that control a terminal or turn text written as escapes."""
    script = _text(TEMPLATES, "templates/page.js")
    style = _text(TEMPLATES, "templates/page.css") + _text(CHARTS, "charts.css")
    own = {"script": script, "script_sha256": _sha256(script), "style": style, "version": version("normbench")}
    return visible(_environment().get_template(template).render(**own, **content))


def write_page(path: Path, page: str) -> None:
    """Write a page, unless the file has it already.

    Raises:
        ComparisonError: The file cannot be written.
    """
    content = page.encode()
    if _holds(path, content):
        return
    try:
        with replacing(path) as part:
            part.write_bytes(content)
    except OSError as error:
        rule, way_out = "must be a file this user may write", "Write it elsewhere: normbench report STUDY --out FILE"
        raise ComparisonError(f"{path}: {rule}, got: {error.strerror}. {way_out}") from None


def _holds(path: Path, content: bytes) -> bool:
    try:
        return not path.is_symlink() and read_bytes(path) == content
    except OSError:
        return False


def _text(package: str, name: str) -> str:
    return files(package).joinpath(name).read_text(encoding="utf-8")


def _sha256(script: str) -> str:
    """Return the digest by which a page's content security policy knows its one script."""
    return b64encode(sha256(script.encode()).digest()).decode()


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    made = Environment(
        autoescape=True,
        loader=FunctionLoader(lambda name: _text(TEMPLATES, f"templates/{name}")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["cells"] = html_table
    made.filters["split_at"] = _split_at
    return made


def _split_at(table: Table, max_rows: int | None) -> list[Table]:
    """Return a table in one part, or in two where it has more rows than are shown at once."""
    if max_rows is None or len(table.rows) <= max_rows:
        return [table]
    return [rows_between(table, 0, max_rows), rows_between(table, max_rows)]
