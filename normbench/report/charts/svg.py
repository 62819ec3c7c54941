"""Builds SVG markup: elements with everything escaped, coordinates of one decimal, and the chart around them."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import NewType
from xml.sax.saxutils import escape

from normbench.storage.files.plain_text import one_line

Markup = NewType("Markup", str)
"""Text that is SVG already; any other text goes through ``text``."""

WIDTH = 372.0
"""Width of every chart: a page of 420 pixels shows it in its own size, so that letters of 12 stay 12 pixels high."""
QUOTES = {'"': "&quot;"}
NO_XML = {ord(letter): f"\\u{ord(letter):04x}" for letter in "\ufffe\uffff"}
"""Characters that no XML document may hold, beside those that ``one_line`` writes as escapes."""


def text(words: object) -> Markup:
    r"""Return words as the content of an element.

    Example:
        >>> text("<script>&\x00")
        '&lt;script&gt;&amp;\\u0000'
    """
    return Markup(escape(one_line(str(words)).translate(NO_XML)))


def number(value: float) -> str:
    """Return a coordinate, rounded to one decimal.

    Example:
        >>> number(12.345), number(7.0), number(-0.01)
        ('12.3', '7', '0')
    """
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")


def element(name: str, *children: Markup, **attributes: str | float | None) -> Markup:
    """Return an element; ``class_`` stands for class, ``text_anchor`` for text-anchor, None for no attribute.

    Example:
        >>> element("text", text("a"), x=1.25, class_="tick", text_anchor=None)
        '<text x="1.2" class="tick">a</text>'
    """
    said = "".join(f' {_key(key)}="{_value(value)}"' for key, value in attributes.items() if value is not None)
    return Markup(f"<{name}{said}>{''.join(children)}</{name}>" if children else f"<{name}{said}/>")


def group(children: Iterable[Markup], **attributes: str | float | None) -> Markup:
    """Return a group of elements; nothing where it would be empty."""
    inner = Markup("".join(children))
    return element("g", inner, **attributes) if inner else inner


def path(parts: Iterable[str], class_: str) -> Markup:
    """Return a path from its commands, nothing where there are none."""
    way = "".join(parts)
    return element("path", d=way, class_=class_) if way else Markup("")


def polyline(points: Sequence[tuple[float, float]]) -> str:
    """Return the commands of a line through points.

    Example:
        >>> polyline([(0, 1), (2.5, 3)])
        'M0 1L2.5 3'
    """
    return "".join(f"{'L' if i else 'M'}{number(x)} {number(y)}" for i, (x, y) in enumerate(points))


def box(left: float, top: float, right: float, bottom: float) -> str:
    """Return the commands of a rectangle."""
    x, y, far_x, far_y = map(number, (left, top, right, bottom))
    return f"M{x} {y}H{far_x}V{far_y}H{x}z"


def chart(title: str, about: str, height: float, body: Iterable[Markup]) -> str:
    """Return a whole chart.

    Args:
        title: What it shows, for those who hear it.
        about: Of how many seeds, with which interval, and what is to be seen.
        height: Its height; the width is that of all charts.
        body: Its elements.
    """
    inner = "".join(body)
    name = f"chart-{sha256(f'{title}{about}{inner}'.encode()).hexdigest()[:12]}"
    return element(
        "svg",
        element("title", text(title), id=f"{name}-title"),
        element("desc", text(about), id=f"{name}-desc"),
        Markup(inner),
        class_="chart",
        viewBox=f"0 0 {number(WIDTH)} {number(height)}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
    )


def _key(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _value(value: str | float) -> str:
    if isinstance(value, str):
        return escape(one_line(value).translate(NO_XML), QUOTES)
    return number(value)
