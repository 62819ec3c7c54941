"""What `normbench explain` prints: a norm, a regularizer, or the table of all norms."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from rich.console import Console

from normbench.report.blocks.block import Block, Column, Table, keys, words
from normbench.report.blocks.numbers import short
from normbench.report.terminal.render import print_blocks

LETTERS = {1: ("C",), 2: ("C", "L"), 3: ("C", "H", "W"), 4: ("C", "D", "H", "W")}
INVARIANCES = {
    "input_scale": "the scale of the input",
    "sample_shift": "one constant added to each sample",
    "feature_shift": "one constant added to each feature",
}


def print_norm(console: Console, found: Mapping[str, Any]) -> None:
    """Print all that is known of one norm; ``found`` is an Explanation as nested mappings."""
    settings = ", ".join(f"{key} {value}" for key, value in found["settings"].items())
    shape = ", ".join(str(size) for size in found["shape"])
    _say(console, f"{found['name']} at ({shape}){': ' if settings else ''}{settings}")
    for title, text in _sections(found):
        console.print(f"{title:<12} {text}", soft_wrap=True)
    _print_example(console, found["example"])
    _print_words(console, found["about"])


def _sections(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    training, evaluation = found["training"], found["evaluation"]
    sections = [
        ("formula", found["about"]["formula"]),
        ("axes", _axes(found["shape"])),
        ("averages", _averages(training)),
        *_block(found),
        ("learned", _tensors(found["parameters"])),
        ("remembered", _tensors(found["buffers"])),
        ("training", _mode(training)),
        ("evaluation", "the same as training" if training["same_in_eval"] else _mode(evaluation)),
    ]
    if found["momentum"] is not None:
        sections.append(("momentum", _momentum(found["momentum"])))
    return sections


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
    if not found["training"]["num_statistics"]:
        return []
    width = len(rows[0].split())
    positions = "with all their positions" if found["shares_positions"] else "at each position"
    positions = positions if len(found["shape"]) > 2 else ""
    together = "depend on each other" if found["training"]["overlapping"] else "are averaged together"
    caption = f"{len(rows)} samples (down) x {width} channels (across); equal letters {together} {positions}"
    return [("block", caption.rstrip()), *(("", row) for row in rows)]


def _tensors(tensors: Mapping[str, Sequence[int]]) -> str:
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


def _print_example(console: Console, example: Sequence[Mapping[str, Any]]) -> None:
    if not example:
        return
    console.print(f"{'example':<12} three samples, four numbers each, in training")
    for row in example:
        values, output = (" ".join(f"{number:7.3f}" for number in row[key]) for key in ("values", "output"))
        console.print(f"{'':<12} {values}   ->  {output}", soft_wrap=True)


def _print_words(console: Console, about: Mapping[str, Any]) -> None:
    lines = [("use it", about["good_for"]), ("not", about["bad_for"])]
    lines += [("beware", text) for text in about["disagreements"]]
    lines += [("documents", text) for text in about["documents"]]
    lines.append(("paper", f"{about['paper']}. {about['url']}"))
    for title, text in lines:
        console.print(f"{title:<12} {text}", soft_wrap=True)


def print_regularizer(console: Console, found: Mapping[str, Any]) -> None:
    """Print all that is known of dropout or weight decay."""
    _say(console, found["name"])
    for title, text in found["rules"]:
        console.print(f"{title:<24} {text}", soft_wrap=True)
    table = found["table"]
    console.print(f"{'example':<24} {table['caption']}")
    written = {
        name: [f"{number:,.4f}" if abs(number) < 10 else f"{number:,.1f}" for number in numbers]
        for name, numbers in table["rows"]
    }
    places = zip(table["columns"], zip(*written.values(), strict=True), strict=True)
    columns = [keys("", list(written)), *(Column(title, numbers) for title, numbers in places)]
    print_blocks(console, [Block(table=Table(columns))])
    for note in found["notes"]:
        console.print(f"- {note}", soft_wrap=True)
    console.print(f"paper: {found['paper']}. {found['url']}", soft_wrap=True)


def print_all_norms(console: Console, rows: Sequence[Mapping[str, Any]], shape: Sequence[int]) -> None:
    """Print every norm in a line each."""
    console.print(f"all norms at ({', '.join(map(str, shape))}); more: normbench explain NAME")
    shown = [row for row in rows if "training" in row]
    columns = [
        keys("norm", [row["name"] for row in shown]),
        words("averages over", [row["training"]["averaged_axes"] or "-" for row in shown]),
        Column("statistics", [_num_statistics(row["training"]) for row in shown]),
        Column("learned", [sum(prod(shape) for shape in row["parameters"].values()) for row in shown]),
        words("evaluation", ["as training" if row["training"]["same_in_eval"] else "differs" for row in shown]),
        words("unchanged by", [_unchanged_by(row["training"]) for row in shown]),
    ]
    print_blocks(console, [Block(table=Table(columns))])
    refused = [row["name"] for row in rows if "training" not in row]
    if refused:
        console.print(f"refused at this shape, or with default settings: {', '.join(refused)}", soft_wrap=True)


def _num_statistics(training: Mapping[str, Any]) -> int | str:
    return "every value" if training["overlapping"] else int(training["num_statistics"])


def _unchanged_by(training: Mapping[str, Any]) -> str:
    return ", ".join(key.replace("_", " ") for key in INVARIANCES if training[key]) or "-"


def _say(console: Console, headline: str) -> None:
    console.print(headline, style="bold", soft_wrap=True)
