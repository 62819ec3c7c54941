"""Where a new thing goes: found in the code by the words that make it one, so that it cannot be out of date."""

from pathlib import Path
from typing import NamedTuple

from docs_blocks.markdown import ROOT, table
from docs_blocks.tree import PACKAGE, caption, entries


class Thing(NamedTuple):
    """One kind of thing that can be added.

    Attributes:
        what: Its name.
        words: What stands in the code of its home alone; the first that is found counts.
        write: What its file holds.
        finds: Where it then shows.
    """

    what: str
    words: tuple[str, ...]
    write: str
    finds: str


THINGS = [
    Thing("a norm", ("class NormSpec(",), "the layer and its `NormSpec`", "`norm:`, `explain`, parts"),
    Thing(
        "a weight parametrization",
        ("class WeightParametrizationSpec(",),
        "its `WeightParametrizationSpec` with `about`",
        "`weight_parametrization:`, `explain`, parts",
    ),
    Thing("a model", ("class ModelSpec(",), "the network and its `ModelSpec`", "`model:`, `explain`, parts"),
    Thing("a dataset", ("class DatasetSpec(",), "its `DatasetSpec`", "`dataset:`, `explain`, parts"),
    Thing("an optimizer", ("class OptimizerSpec(",), "its `OptimizerSpec`", "`optimizer:`, `explain`, parts"),
    Thing("a schedule", ("class ScheduleSpec(",), "its `ScheduleSpec`", "`schedule:`, `explain`, parts"),
    Thing("a preflight check", ("class Check(",), "`find(setup)`, yields findings", "`run`, `probe`, `--dry-run`"),
    Thing("a measure", ("class RecordedStep:",), "`measure(step)`", "`probes.csv` with `diagnostics: true`"),
    Thing("a metric", ("class Reducer(",), "its `Reducer`", "`--metric`, claims, `--fail-if`, methods"),
    Thing("a metric of several arms", ("class GroupReducer(",), "its `GroupReducer`", "claims, methods"),
    Thing("an executor", ("class Executor(",), "takes runs, gives back what became of them", "`--executor`, `--jobs`"),
    Thing("a recorder", ("class Recorders:",), "`record(frame)`", "where a run is made"),
    Thing("a command", ("\napp = typer.Typer(",), "`command(...)`", "`normbench --help`, commands"),
    Thing("a picture of a study", ("class ShownStudy:",), "`draw(shown)`", "a study's folder `pictures/`"),
    Thing("a page", ("def write_page(",), "a function from verdicts to text", "the command that writes it"),
]


def new_things() -> str:
    """A row per kind of thing: its folder, what to write there, what finds it."""
    rows = [(thing.what, f"`{shown(thing)}`", thing.write, thing.finds) for thing in THINGS]
    return table("what", "where", "what to write", "where it shows", rows=rows)


def captions(what: str) -> str:
    """The files there are of one kind of thing, with their captions."""
    folder = home(next(thing for thing in THINGS if thing.what == what)).parent
    files = [path for path in entries(folder) if path.stem != "base"]
    return table("name", "what it is", rows=[(f"`{path.stem}`", caption(path)) for path in files])


def shown(thing: Thing) -> str:
    """Its folder."""
    return f"{home(thing).relative_to(ROOT).parent.as_posix()}/"


def home(thing: Thing) -> Path:
    """The file that holds one of its words."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))}
    found = [path for word in thing.words for path, text in texts.items() if word in text]
    assert found, f"no file in normbench/ has {thing.words}"
    return found[0]
