"""Writes the elements that several kinds of pages share: caption, settings, worked example, source."""

from collections.abc import Mapping, Sequence
from typing import Any

from normbench.report.blocks.block import Block, Line

LABEL_WIDTH = 13
"""As "evaluation" takes, and a little more."""
DECIMALS = 3
IN_ONE_LINE, MOST_IN_LINE = 4, 8
"""Numbers of a sample that fit on a line of 80 with the output behind them, and without."""


def caption_block(heading: str, found: Mapping[str, Any]) -> Block:
    """Return the caption of a part, from its docstring."""
    return Block(heading=heading, lines=[Line(found["caption"]), *(Line(text) for text in found["paragraphs"])])


def settings_block(settings: Sequence[Mapping[str, Any]], heading: str = "settings") -> Block:
    """Return a line per setting: name, value and meaning."""
    lines = [Line(": ".join(part for part in (one["value"], one["meaning"]) if part), one["key"]) for one in settings]
    return Block(heading=heading if lines else "", lines=lines, indent=2 if lines else 0)


def example_lines(example: Sequence[Mapping[str, Any]], caption: str) -> list[Line]:
    """Return a worked example: the input numbers of each sample and their output, in one line or below each other."""
    rows = [_row(*(_numbers(row[key]) for key in ("values", "output"))) for row in example]
    return [Line(caption, "example"), *(Line(row) for row in rows)] if rows else []


def _row(values: list[str], output: list[str]) -> str:
    if len(values) <= IN_ONE_LINE:
        return " -> ".join(" ".join(numbers) for numbers in (values, output))
    is_cut = len(values) > MOST_IN_LINE
    shown = (" ".join([*numbers[: MOST_IN_LINE - 1], "..."] if is_cut else numbers) for numbers in (values, output))
    return "   {}\n-> {}".format(*shown)


def _numbers(values: Sequence[float]) -> list[str]:
    return [f"{round(number, DECIMALS) + 0.0:7.{DECIMALS}f}" for number in values]


def source_lines(found: Mapping[str, Any]) -> list[Line]:
    """Return when to use a part and when not, how implementations differ, and the paper."""
    about = found["about"]
    lines = [("use it", about["good_for"]), ("not", about["bad_for"])]
    lines += [("beware", text) for text in about["disagreements"]]
    lines += [("documents", text) for text in about["documents"]]
    lines += [("paper", f"{about['paper']}. {about['url']}")] if about["paper"] else []
    lines += [("source", found["source"])]
    return [Line(text, label) for label, text in lines]
