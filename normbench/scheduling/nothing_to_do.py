"""Finds out from files alone, without torch, that all runs that a command asks for are finished."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from normbench.errors import ConfigError
from normbench.scheduling.ownership import source_path
from normbench.storage.files.located import Located
from normbench.storage.files.yaml_file import parse_yaml, read_text
from normbench.storage.names import QUICK, SECOND_RUN, is_name, study_name

if TYPE_CHECKING:
    from normbench.storage.finished_study import FinishedStudy


@dataclass(frozen=True)
class AskedStudy:
    """What a command asks of one study file.

    Attributes:
        path: The file, as the command names it.
        text: Its content.
        folder: The study's folder.
        options: Everything else that decides which runs are made and what is printed, in plain types.
        program: sha256 of the program that is asked.
    """

    path: Path
    text: str
    folder: Path
    options: Mapping[str, Any]
    program: str

    def content(self) -> dict[str, Any]:
        """Return everything that must be the same where a command is repeated."""
        return {
            "source": str(self.path),
            "source_path": source_path(self.path, self.folder),
            "text": sha256(self.text.encode()).hexdigest(),
            "options": dict(self.options),
            "program": self.program,
        }


def read_asked(paths: Sequence[Path], runs_dir: Path, options: Mapping[str, Any]) -> list[AskedStudy]:
    """Read what a command asks of each study file.

    Args:
        paths: The files.
        runs_dir: Folder that the runs are written to.
        options: The command's options, ``quick`` among them.

    Returns:
        One for each file; an empty list where a file has mistakes that are told together with those of its settings.

    Raises:
        ConfigError: No file can be read as YAML; a line for each mistake.
    """
    contents, complaints = list[tuple[Path, str, Located]](), list[str]()
    for path in paths:
        try:
            text = read_text(path)
            contents.append((path, text, parse_yaml(text, str(path))))
        except ConfigError as error:
            complaints += error.complaints
    if complaints and not contents:
        raise ConfigError(complaints)
    if complaints or not all(is_name(located.data.get("study", "its_file")) for _, _, located in contents):
        return []
    from normbench.storage.program import program_sha256  # a mistyped path needs neither

    program, ending = (
        program_sha256(),
        QUICK * bool(options.get("quick")) + SECOND_RUN * bool(options.get("second_run")),
    )
    return [
        AskedStudy(path, text, runs_dir / f"{study_name(path, located.data)}{ending}", options, program)
        for path, text, located in contents
    ]


def find_finished(asked: Sequence[AskedStudy]) -> "list[FinishedStudy]":
    """Return each study as it is shown if all that is asked of all is finished; else an empty list."""
    from normbench.storage.finished_study import read_finished

    found = []
    for one in asked:
        study = read_finished(one.folder, one.content())
        if study is None:
            return []
        found.append(study)
    return found
