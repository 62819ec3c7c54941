"""Writes the page of a norm, and the table of all norms."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from normbench.report.blocks.block import Block, Column, Line, Table, keys, words
from normbench.report.blocks.explain.by_hand import by_hand_blocks, running_lines
from normbench.report.blocks.explain.parts import (
    LABEL_WIDTH,
    caption_block,
    example_lines,
    settings_block,
    source_lines,
)
from normbench.report.blocks.numbers import short

LETTERS = {1: ("C",), 2: ("C", "L"), 3: ("C", "H", "W"), 4: ("C", "D", "H", "W")}
INVARIANCES = {
    "input_scale": "the scale of the input",
    "sample_shift": "one constant added to each sample",
    "feature_shift": "one constant added to each feature",
}


def norm_blocks(found: Mapping[str, Any]) -> list[Block]:
    """Return the page of one norm; ``found`` is an Explanation as nested mappings."""
    shape = ", ".join(str(size) for size in found["shape"])
    example = example_lines(found["example"]["rows"], _example_caption(found))
    lines = [*_measured_lines(found), *running_lines(found["running"]), *example]
    return [
        caption_block(f"{found['name']} · norm at ({shape})", found),
        settings_block(found["settings"]),
        Block(lines=lines, label_width=LABEL_WIDTH),
        *by_hand_blocks(found["by_hand"]),
        Block(lines=source_lines(found), label_width=LABEL_WIDTH),
    ]


def _measured_lines(found: Mapping[str, Any]) -> list[Line]:
    training, evaluation = found["training"], found["evaluation"]
    sections = [
        ("formula", found["formula"]),
        ("axes", _axes(found["shape"])),
        ("averages", _averages(training)),
        *_block(found),
        ("learned", tensors_text(found["parameters"])),
        ("remembered", tensors_text(found["buffers"])),
        ("training", _mode(training)),
        ("evaluation", "the same as training" if training["same_in_eval"] else _mode(evaluation)),
    ]
    if found["momentum"] is not None:
        sections.append(("momentum", _momentum(found["momentum"])))
    return [Line(text, label) for label, text in sections]


def _example_caption(found: Mapping[str, Any]) -> str:
    example = found["example"]
    shape = ", ".join(map(str, example["shape"]))
    whole = "" if example["is_whole"] else ", a piece of this shape"
    more = "" if found["by_hand"] else "; --by-hand shows the steps"
    return f"batch of ({shape}){whole}, in training: a row per sample{more}"


def _axes(shape: Sequence[int]) -> str:
    letters = ("N", *LETTERS[len(shape) - 1])
    return "  ".join(f"{letter} {size}" for letter, size in zip(letters, shape, strict=True))


def _averages(training: Mapping[str, Any]) -> str:
    count = training["num_statistics"]
    if not count:
        return "nothing"
    if training["overlapping"]:
        return f"over a window along {training['averaged_axes']} around every value; windows overlap"
    return f"over {training['averaged_axes'].replace(' | ', ', and over ')}: {count:,} statistics for this shape"


def _block(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = found["block"]
    if not rows or not found["training"]["num_statistics"]:
        return []
    width = len(rows[0].split())
    positions = "with all their positions" if found["shares_positions"] else "at each position"
    positions = positions if len(found["shape"]) > 2 else ""
    together = "depend on each other" if found["training"]["overlapping"] else "are averaged together"
    caption = f"{len(rows)} samples (down) x {width} channels (across); equal letters {together} {positions}"
    return [("block", caption.rstrip()), *(("", row) for row in rows)]


def tensors_text(tensors: Mapping[str, Sequence[int]]) -> str:
    """Return names and shapes of tensors as text."""
    return ", ".join(f"{name} {tuple(shape)}".replace(",)", ")") for name, shape in tensors.items()) or "nothing"


def _mode(properties: Mapping[str, Any]) -> str:
    unchanged = [text for key, text in INVARIANCES.items() if properties[key]]
    alone = "each sample on its own" if properties["sample_independent"] else "samples of a batch depend on each other"
    random = ["two passes differ"] if properties["random"] else []
    return "; ".join([alone, *random, f"unchanged by: {', '.join(unchanged) or 'nothing'}"])


def _momentum(momentum: float) -> str:
    if not momentum:
        return "0: the initial statistics stay for ever"
    memory = f"memory of about {short(1 / momentum)} steps"
    other = f"others call {1 - momentum:g}, the share of the old, momentum"
    return f"{momentum:g} is the share of the new batch; {memory}; {other}"


def all_norms_blocks(found: Mapping[str, Any]) -> list[Block]:
    """Return a table with a row per norm."""
    rows, shape = found["norms"], found["shape"]
    shown = [row for row in rows if "training" in row]
    columns = [
        keys("norm", [row["name"] for row in shown]),
        words("averages over", [row["training"]["averaged_axes"] or "-" for row in shown]),
        Column("statistics", [_num_statistics(row["training"]) for row in shown]),
        Column("learned", [sum(prod(shape) for shape in row["parameters"].values()) for row in shown]),
        words("evaluation", ["as training" if row["training"]["same_in_eval"] else "differs" for row in shown]),
        words("unchanged by", [_unchanged_by(row["training"]) for row in shown]),
    ]
    refused = [row["name"] for row in rows if "training" not in row and "takes_own" not in row]
    own = [row["name"] for row in rows if "takes_own" in row]
    lines = [Line(f"refused at this shape, or with default settings: {', '.join(refused)}")] if refused else []
    lines += [Line(f"of a network or a layer of your own: {', '.join(own)}")] if own else []
    return [Block(heading=f"all norms at ({', '.join(map(str, shape))})", table=Table(columns), lines=lines)]


def _num_statistics(training: Mapping[str, Any]) -> int | str:
    return "every value" if training["overlapping"] else int(training["num_statistics"])


def _unchanged_by(training: Mapping[str, Any]) -> str:
    return ", ".join(key.replace("_", " ") for key in INVARIANCES if training[key]) or "-"
