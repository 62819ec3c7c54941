"""Writes pictures as PNG, SVG or PDF; equal pictures give equal bytes, and no file is left half-written."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from normbench.errors import ComparisonError
from normbench.storage.files.atomic import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

SUFFIXES = (".png", ".svg", ".pdf")
NO_DATE: dict[str, dict[str, None]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
}


def check_path(path: Path) -> None:
    """Refuse a path that is no picture's.

    Raises:
        ComparisonError: Another suffix than .png, .svg or .pdf.
    """
    if path.suffix.lower() not in SUFFIXES:
        rule = f"must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}, got {path.suffix!r}"
        raise ComparisonError(f"--plot {path}: {rule}. Example: --plot figure.png")


def write_picture(picture: "Picture", path: Path) -> None:
    """Write a picture as its path's suffix says.

    Raises:
        ComparisonError: The file cannot be written.
    """
    content = picture_bytes(picture, path.suffix.lower())
    try:
        with replacing(path) as part:
            part.write_bytes(content)
    except OSError as error:
        rule = f"must be a file this user may write, got: {error.strerror}"
        raise ComparisonError(f"--plot {path}: {rule}. Choose another.") from None


def picture_bytes(picture: "Picture", suffix: str) -> bytes:
    """Return a picture as the content of a file; equal pictures give equal bytes.

    Args:
        picture: A picture of ``Sheet``.
        suffix: One of ``SUFFIXES``.
    """
    from normbench.report.figures.sheet import drawing  # a second to import; only where a picture is drawn

    content = BytesIO()
    with drawing():
        picture.savefig(content, format=suffix.removeprefix("."), metadata=NO_DATE[suffix])
    return content.getvalue()
