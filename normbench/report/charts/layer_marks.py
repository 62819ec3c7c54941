"""Marks layers in a chart of layers: an outline and a letter for each finding, and what the letters mean."""

from collections.abc import Sequence
from dataclasses import dataclass

from normbench.findings import Finding
from normbench.report.charts.axes import EDGE, LINE, lines_of, words_at
from normbench.report.charts.svg import WIDTH, Markup, box, path

LETTERS = (("vanish", "V"), ("explode", "E"), ("dead", "D"), ("not finite", "N"))
OTHER = "!"
MAX_MARKED = 4
COLUMN = 13.0
"""Width of the letters of one finding, right of the layers."""


@dataclass(frozen=True)
class Mark:
    """A finding of some layers.

    Attributes:
        letter: What stands beside them.
        blocks: First and last place of each stretch of neighbouring layers.
        words: What was found.
    """

    letter: str
    blocks: Sequence[tuple[int, int]]
    words: str


def short_layer(layer: str, letters: int) -> str:
    """Return a layer's name, of a long one its end, which tells neighbours apart.

    Example:
        >>> short_layer("conv1.norm", 16), short_layer("encoder.stage3.block2.conv1", 16)
        ('conv1.norm', '….block2.conv1')
    """
    if len(layer) <= letters:
        return layer
    end = layer[1 - letters :]
    return f"…{end[end.find('.') :]}" if "." in end[1:-1] else f"…{end}"


def marks_of(findings: Sequence[Finding], layers: Sequence[str], *, is_gradient: bool) -> list[Mark]:
    """Return the marks of findings about outputs, or about gradients, at the layers that a chart shows.

    What is about neither stands in both.
    """
    found = []
    for finding in findings:
        about_gradient, about_output = "gradient" in finding.what, "output" in finding.what
        if (about_gradient and not is_gradient) or (about_output and not about_gradient and is_gradient):
            continue
        places = [place for place, layer in enumerate(layers) if layer in finding.layers]
        if places:
            found.append(Mark(_letter(finding.what), _stretches(places), finding.sentence().rstrip(".")))
    return found


def marks_width(marks: Sequence[Mark]) -> float:
    """Return the space that letters take right of the layers."""
    return COLUMN * min(len(marks), MAX_MARKED)


def draw_marks(marks: Sequence[Mark], left: float, right: float, top: float, row: float) -> list[Markup]:
    """Return outlines around layers whose rows begin at ``top``, with letters right of them."""
    found = []
    for number, mark in enumerate(marks[:MAX_MARKED]):
        ends = [(top + first * row, top + (last + 1) * row) for first, last in mark.blocks]
        found.append(path([box(left, high, right, low) for high, low in ends], "outline"))
        x = right + COLUMN * (number + 0.5)
        found += [words_at(x, (high + low) / 2 + 4, mark.letter, "letter", "middle") for high, low in ends]
    return found


def mark_lines(marks: Sequence[Mark]) -> list[str]:
    """Return what each letter means, wrapped, and how many findings are not marked."""
    said = [f"{mark.letter}: {mark.words}." for mark in marks[:MAX_MARKED]]
    more = len(marks) - MAX_MARKED
    said += [f"{more} more finding{'s' * (more > 1)} not marked."] if more > 0 else []
    return [line for words in said for line in lines_of(words, WIDTH - EDGE)]


def draw_mark_lines(marks: Sequence[Mark], top: float) -> list[Markup]:
    """Return the lines that say what the letters mean."""
    return [words_at(EDGE, top + LINE * (i + 1) - 4, line, "note") for i, line in enumerate(mark_lines(marks))]


def _letter(what: str) -> str:
    return next((letter for word, letter in LETTERS if word in what), OTHER)


def _stretches(places: Sequence[int]) -> list[tuple[int, int]]:
    """Return first and last of each run of neighbours.

    Example:
        >>> _stretches([0, 1, 2, 5])
        [(0, 2), (5, 5)]
    """
    starts = [place for place in places if place - 1 not in places]
    ends = [place for place in places if place + 1 not in places]
    return list(zip(starts, ends, strict=True))
