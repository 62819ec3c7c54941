"""The generated parts of README.md, each a function that returns text; `make docs` writes them."""

import ast
import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from unittest.mock import patch

import typer.rich_utils
from pydantic import BaseModel
from typer.main import get_command
from typer.testing import CliRunner

from normbench.evidence.claims.margin_test import Part
from normbench.parts import find_specs
from normbench.report.blocks.claims import effect_with_interval, expected
from normbench.study.config import RecordingConfig, RunConfig

ROOT = Path(__file__).parent.parent
WIDTH = 100


def tree() -> str:
    """Every file of normbench/ with its caption, in the order in which entries may import each other."""
    package = ROOT / "normbench"
    order = ["__init__", *reversed(layers())]
    entries = sorted((path for path in package.iterdir() if is_source(path)), key=lambda path: order.index(path.stem))
    return fenced("\n".join(["normbench/", *(line for entry in entries for line in tree_lines(entry, 1))]))


def tree_lines(path: Path, depth: int) -> list[str]:
    if path.is_file():
        return [tree_line(path.name, first_line(path), depth)]
    inside = sorted(child for child in path.iterdir() if is_source(child) and child.name != "__init__.py")
    inside.sort(key=lambda child: child.stem != "base")
    head = tree_line(f"{path.name}/", first_line(path / "__init__.py"), depth)
    return [head, *(line for child in inside for line in tree_lines(child, depth + 1))]


def tree_line(name: str, caption: str, depth: int) -> str:
    return f"{'  ' * depth + name:<26} {caption}"


def is_source(path: Path) -> bool:
    return path.suffix == ".py" or (path / "__init__.py").is_file()


def first_line(module: Path) -> str:
    """A module's caption."""
    return (ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def layers() -> list[str]:
    """The entries of normbench/ from the top down, as import-linter checks them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = settings["tool"]["importlinter"]["contracts"][0]
    return [name.strip("() ") for row in contract["layers"] for name in row.replace("|", ":").split(":")]


def configs() -> str:
    """Every config with the question that its first line asks."""
    paths = sorted((ROOT / "configs").glob("*.yaml"))
    rows = [(f"[`{path.stem}`](configs/{path.name})", question(path)) for path in paths]
    return table("config", "what it asks", rows=rows)


def question(config: Path) -> str:
    return config.read_text(encoding="utf-8").partition("\n")[0].removeprefix("#").strip()


def config_file(name: str) -> str:
    """A config as it lies in configs/."""
    text = (ROOT / "configs" / f"{name}.yaml").read_text(encoding="utf-8")
    return f"```yaml\n{text.strip()}\n```"


VERDICTS = ROOT / "configs" / "RESULTS" / "verdicts.json"
IN_CHINESE = {"supported": "成立", "refuted": "不成立", "cannot tell": "无法判断", "not run": "尚未运行"}


def verdicts(word: str) -> list[dict]:
    """The kept verdicts of one kind."""
    return [found for found in json.loads(VERDICTS.read_text(encoding="utf-8")) if found["verdict"] == word]


def surprises() -> str:
    """What the documents say and the runs refute; not the controls, which nobody claims."""
    rows = [
        (f"{v['id']}", v["says"], figures(v), f"[{v['study']}](configs/{v['study']}.yaml)")
        for v in verdicts("refuted")
        if v["source"]
    ]
    return table("", "what is said, and was refuted", "found, and what was expected", "study", rows=rows)


def figures(verdict: dict) -> str:
    """The part of a claim that its verdict rests on."""
    parts = [part for part in verdict["parts"] if part["verdict"] == verdict["verdict"]] or verdict["parts"]
    part = Part(**parts[0] | {"margins": tuple(parts[0]["margins"])})
    return f"{part.metric}: {effect_with_interval(part)}, expected {expected(part)}"


def counts() -> str:
    """How many claims came out how."""
    words = ("supported", "refuted", "cannot tell", "not run")
    told = [f"{number} {word}" for word in words if (number := len(verdicts(word)))]
    return f"{' · '.join(told)}."


def verdicts_in_chinese() -> str:
    """Every claim as the documents make it, with its verdict."""
    found = json.loads(VERDICTS.read_text(encoding="utf-8"))
    rows = [
        (v["id"], v["source"].get("quote", "").strip(), v["says"], IN_CHINESE.get(v["verdict"], v["verdict"]))
        for v in found
    ]
    return table("", "原文", "检验的命题", "结论", rows=rows)


def run_settings() -> str:
    """Every setting of a run and of its recording with its default; parts have tables of their own."""
    recording = RecordingConfig.model_fields.items()
    fields = {**RunConfig.model_fields, **{f"recording.{key}": info for key, info in recording}}
    told = {key: info for key, info in fields.items() if not isinstance(info.default, BaseModel)}
    rows = [
        (f"`{key}`", f"`{yaml_word(i.default)}`", i.description or "") for key, i in told.items() if not i.is_required()
    ]
    return table("setting", "default", "what it does", rows=rows)


def parts(package: str) -> str:
    """Every variant of a part: its name in YAML, what it is, and its settings with their defaults."""
    rows = [(f"`{name}`", spec_caption(spec), spec_settings(spec)) for name, spec in find_specs(package).items()]
    return table("name", "what it is", "settings", rows=rows)


def spec_caption(spec: type) -> str:
    return (spec.__doc__ or "").partition("\n")[0].replace("``", "`")


def spec_settings(spec) -> str:
    defaults = spec().model_dump(mode="json", exclude={"name"})
    return "<br>".join(f"`{key}: {yaml_word(value)}`" for key, value in defaults.items())


def yaml_word(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def table(*head: str, rows: list[tuple[str, ...]]) -> str:
    return "\n".join(table_row(cells) for cells in [head, ["---"] * len(head), *rows])


def table_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def command_names() -> list[str]:
    from normbench.cli import app

    group = get_command(app)
    context = typer.Context(group)
    return [name for name in group.list_commands(context) if not group.get_command(context, name).hidden]


def commands() -> str:
    """The help of every command."""
    return "\n\n".join(f"### normbench {name}\n\n{fenced(help_of(name))}" for name in command_names())


def help_of(*command: str) -> str:
    """What `normbench COMMAND --help` prints on a terminal of a fixed width, without colours."""
    from normbench.cli import app

    with patch.multiple(typer.rich_utils, MAX_WIDTH=WIDTH, FORCE_TERMINAL=False):
        result = CliRunner().invoke(app, [*command, "--help"], prog_name="normbench")
    assert result.exit_code == 0, result.output
    return "\n".join(line.rstrip() for line in result.output.strip().splitlines())


def fenced(text: str) -> str:
    return f"```text\n{text}\n```"
