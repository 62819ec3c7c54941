"""Reads the verdicts that are shipped beside the configs, for studies of which there are no runs here."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from normbench.errors import ConfigError
from normbench.evidence.claims.study_verdicts import file_verdicts, has_claims, run_command
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.evidence.claims.verdicts_file import read_verdicts
from normbench.storage.files.yaml_file import parse_yaml, question_of, read_text
from normbench.storage.names import content_sha256, study_name
from normbench.storage.run_folder import STUDY_JSON
from normbench.storage.shipped_configs import config_file, shipped_folder, shipped_names

Judge = Callable[[Path, Path], Sequence[ClaimVerdict]]
VERDICTS = Path("RESULTS", "verdicts.json")
FIRST_VERSION = "0.1.0"
"""The version whose verdicts do not say by which version they were made."""


@dataclass(frozen=True)
class StudyVerdicts:
    """The verdicts of one study file.

    Attributes:
        path: The file, as the command names it.
        question: The question in its first line.
        verdicts: One for each claim.
    """

    path: Path
    question: str
    verdicts: Sequence[ClaimVerdict]

    @property
    def is_stored(self) -> bool:
        """Whether they are shipped with normbench, as no runs of the study were found."""
        return any(one.stored for one in self.verdicts)

    @property
    def versions(self) -> list[str]:
        """The versions of normbench that made the verdicts, of those that rest on runs."""
        said = (one.versions.get("normbench", FIRST_VERSION) for one in self.verdicts if one.versions)
        return list(dict.fromkeys(said))


def claim_files() -> list[Path]:
    """Return the study files with claims where none are named: those in configs/ here, else the shipped ones."""
    own, shipped = Path("configs"), shipped_folder()
    own_files = [path for path in sorted(own.glob("*.yaml")) if has_claims(path)]
    if own_files and own.resolve() != shipped.resolve():
        return own_files
    return [Path(name) for name in shipped_names() if has_claims(config_file(Path(name)))]


def judged_or_stored(paths: Sequence[Path], runs_dir: Path, judge: Judge = file_verdicts) -> list[StudyVerdicts]:
    """Judge the claims of each file by its runs; without runs take the shipped verdicts of a shipped file.

    A claim that was added since, or expects something else now, is "not run", as are those of changed settings.

    Args:
        paths: The files.
        runs_dir: Folder in which runs are looked for.
        judge: Judges a file's claims by the runs in a folder.

    Raises:
        ConfigError: A file or a claim in it cannot be read.
        RunFolderError: A run's file is missing or was changed.
    """
    kept = read_verdicts(shipped_folder() / VERDICTS)
    _refuse_claims(paths, kept)
    return [_of_file(path, runs_dir, kept, judge) for path in paths]


def _refuse_claims(paths: Sequence[Path], kept: Sequence[ClaimVerdict]) -> None:
    """Refuse the names of claims, and name the study that each stands in; a file of that name is a study."""
    studies = {one.id: one.study for one in kept}
    named = [str(path) for path in paths if str(path) in studies and not config_file(path).exists()]
    rule = "must be a study, got a claim of"
    if named:
        raise ConfigError([f"{one}: {rule} {studies[one]}. See normbench claims {studies[one]}" for one in named])


def _of_file(path: Path, runs_dir: Path, kept: Sequence[ClaimVerdict], judge: Judge) -> StudyVerdicts:
    text = read_text(path)
    data, question = parse_yaml(text, str(path)).data, question_of(text)
    name, sha256 = study_name(path, data), content_sha256(data)
    is_shipped = config_file(path).resolve().parent == shipped_folder().resolve()
    command = run_command(config_file(path).stem if is_shipped else str(path), runs_dir)
    judged = [replace(one, command=command) for one in judge(path, runs_dir)]
    if not is_shipped or os.path.lexists(runs_dir / name / STUDY_JSON):
        return StudyVerdicts(path, question, judged)
    of_study = {(one.id, one.claim_sha256): one for one in kept if (one.study, one.content_sha256) == (name, sha256)}
    stored = [_in_words_of(of_study.get((one.id, one.claim_sha256), one), one) for one in judged]
    return StudyVerdicts(path, question, [replace(one, command=command, stored=True) for one in stored])


def _in_words_of(verdict: ClaimVerdict, claim: ClaimVerdict) -> ClaimVerdict:
    """Return a verdict with the sentence, the source and the discussion that its claim has in the file now."""
    return replace(verdict, says=claim.says, source=claim.source, discussion=claim.discussion)
