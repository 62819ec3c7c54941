"""Where a new thing goes: found in the code by the words that make it one, so that it cannot be out of date."""

from pathlib import Path

from docs_blocks.markdown import ROOT, table
from docs_blocks.tree import PACKAGE, caption, entries

# thing, the words its home is found by (any of them), what to write, what finds it
THINGS = [
    ("a norm", ["class NormSpec("], "a `Spec` with `build`, and the layer", "YAML, messages, tables, `explain`"),
    ("a weight parametrization", ["class WeightParametrizationSpec("], "a `Spec` with `build`", "YAML, tables"),
    ("a model", ["class ModelSpec("], "a `Spec` with `build`, and the network", "YAML, tables"),
    ("a dataset", ["class DatasetSpec("], "a `Spec` with `build` that draws train, validation, test", "YAML, tables"),
    ("an optimizer", ["class OptimizerSpec("], "a `Spec` with `build`", "YAML, tables"),
    ("a preflight check", ["class Check("], "`find(setup)`, which yields findings", "`run`, `probe`, `--dry-run`"),
    ("a measure", ["class RecordedStep:"], "`measure(step)`, which returns probes", "`recording: {diagnostics: true}`"),
    ("a metric", ["\nREDUCERS ="], "a word in `REDUCERS` and its case", "`--metric`, claims, `--fail-if`"),
    (
        "an executor",
        ["class Executor(", "class Workers:"],
        "what takes runs and gives back what became of them",
        "`run`",
    ),
    ("a recorder", ["class Recorders:"], "`record(frame)`", "where a run is made"),
    ("a command", ["\napp = typer.Typer("], "`command(...)` with its help as docstring", "`normbench --help`, docs"),
    ("a page or picture", ["def write_page("], "a function from verdicts or comparisons to text", "its command"),
]


def new_things() -> str:
    """A row per kind of thing: its folder, what to write there, what finds it."""
    rows = [(what, f"`{home(words)}`", write, finds) for what, words, write, finds in THINGS]
    return table("what", "where", "what to write", "what finds it", rows=rows)


def captions(what: str) -> str:
    """The files there are of one kind of thing, with their captions."""
    folder = ROOT / home(next(words for name, words, *_ in THINGS if name == what))
    files = [path for path in entries(folder) if path.stem != "base"]
    return table("name", "what it is", rows=[(f"`{path.stem}`", caption(path)) for path in files])


def home(words: list[str]) -> str:
    """The folder of the file that holds one of the words; the file where it is not a base or a folder's door."""
    found = [path for word in words for path in sorted(PACKAGE.rglob("*.py")) if word in path.read_text("utf-8")]
    assert found, f"no file in normbench/ has {words}"
    return shown(found[0])


def shown(path: Path) -> str:
    is_folder = path.stem in ("base", "__init__")
    return (path.parent if is_folder else path).relative_to(ROOT).as_posix() + "/" * is_folder
