"""The configs that come with normbench: their questions and their text."""

from pathlib import Path

from docs_blocks.markdown import ROOT, fenced, table


def configs() -> str:
    """Every config with the question that its first line asks."""
    paths = sorted((ROOT / "configs").glob("*.yaml"))
    rows = [(f"[`{path.stem}`](../configs/{path.name})", question(path)) for path in paths]
    return table("config", "what it asks", rows=rows)


def question(config: Path) -> str:
    return config.read_text(encoding="utf-8").partition("\n")[0].removeprefix("#").strip()


def config_file(name: str) -> str:
    """A config as it lies in configs/."""
    return fenced((ROOT / "configs" / f"{name}.yaml").read_text(encoding="utf-8").strip(), "yaml")
