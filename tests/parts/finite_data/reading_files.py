"""Specs of datasets that read files of a test's folder, and the refusals of a study that names them."""

from pathlib import Path

from normbench.own_code.source_folder import reading_from
from normbench.parts import find_specs


def spec_of(name, folder=None, **settings):
    """Return the spec of a dataset whose files lie in a folder, by default the current one."""
    with reading_from(folder or Path.cwd()):
        return find_specs("normbench.datasets")[name].model_validate({"name": name, **settings})


def refusals(name, **settings):
    """Return what a study with this dataset is told, without the place in its file."""
    return [str(error) for error in spec_of(name, **settings).mistakes()]


def written(text, name="data.csv", encoding="utf-8"):
    Path(name).write_bytes(text.encode(encoding))
    return name
