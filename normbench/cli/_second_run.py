"""Finds the studies that --second-run repeats, those with decided claims, and refuses what cannot stand beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import typer


def studies_run_again(configs: Sequence[Path], runs_dir: Path, options: Mapping[str, object]) -> dict[Path, int]:
    """Return the studies with decided claims, each with its number of seeds; say which have none.

    Args:
        configs: The study files.
        runs_dir: Folder of the first runs.
        options: The other options that change a study, by their names in Python.

    Raises:
        ConfigError: One of the options is given, or a study has no claims, or no first run of all seeds.
    """
    from normbench.study.options import refuse_beside_second_run

    refuse_beside_second_run(options)
    found = _num_decided_seeds(configs, runs_dir)
    for path in [path for path, count in found.items() if not count]:
        typer.echo(f"{path}: no claim is decided, so nothing is run a second time.", err=True)
    return {path: count for path, count in found.items() if count}


def _num_decided_seeds(configs: Sequence[Path], runs_dir: Path) -> dict[Path, int]:
    from normbench.errors import ConfigError
    from normbench.evidence.second_look.second_run import num_decided_seeds

    found: dict[Path, int] = {}
    complaints: list[str] = []
    for path in configs:
        try:
            found[path] = num_decided_seeds(path, runs_dir)
        except ConfigError as error:
            complaints += error.complaints
    if complaints:
        raise ConfigError(complaints)
    return found
