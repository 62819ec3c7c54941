"""The verdicts of a study's claims: from its folder, or from its file and what was run of it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from normbench.errors import ComparisonError, ConfigError
from normbench.evidence.claims.claim import read_claims
from normbench.evidence.claims.verdict import NOT_RUN, ClaimVerdict, judge_claim
from normbench.storage.files.json_files import read_json
from normbench.storage.files.plain_text import command_line
from normbench.storage.files.reading import read_bytes
from normbench.storage.files.yaml_file import read_study_file
from normbench.storage.names import content_sha256, study_name
from normbench.storage.run_folder import STUDY_JSON
from normbench.storage.study_folder import StudyFolder, read_study


def study_verdicts(study: StudyFolder) -> list[ClaimVerdict]:
    """Return the verdicts of the claims a study had when it was last run.

    Raises:
        RunFolderError: A file is missing or was changed.
    """
    said = study.content.get("claims")
    if not said:
        return []
    command = _command(str(study.content.get("source", "")), study.folder.parent)
    why = _changed_by_options(study.content)
    if why:
        return [_not_run(raw, study.folder.name, why, command, i) for i, raw in enumerate(said)]
    return _judged(study, said, command)


def file_verdicts(path: Path, runs_dir: Path) -> list[ClaimVerdict]:
    """Return the verdicts of the claims a study file has now, "not run" if its settings were never run as they stand.

    Raises:
        ConfigError: The file cannot be read, or a claim in it.
        RunFolderError: A run's file is missing or was changed.
    """
    data = read_study_file(path).data
    folder = runs_dir / study_name(path, data)
    said = data.get("claims") or []
    if not isinstance(said, list):
        raise ConfigError([f"{path}: claims: must be a list, got {said!r}. Write - says: ... under it."])
    found = read_json(folder / STUDY_JSON) if (folder / STUDY_JSON).exists() else None
    why = _why_not(found, data)
    if found is None or why:
        return [_not_run(raw, folder.name, why, _command(str(path), runs_dir), i) for i, raw in enumerate(said)]
    verdicts = _judged(read_study(folder), said, _command(str(path), runs_dir), str(path))
    return [replace(verdict, content_sha256=found["content_sha256"]) for verdict in verdicts]


def _judged(study: StudyFolder, said: Sequence[Any], command: str, where: str = "") -> list[ClaimVerdict]:
    planned = study.planned_arms()
    claims, errors = read_claims(said, planned)
    if errors:
        raise ConfigError([f"{where or study.folder / STUDY_JSON}: {error}" for error in errors])
    return [
        judge_claim(claim, study.arms, study.content.get("seeds") or [], study.folder.name, command, planned)
        for claim in claims
    ]


def files_with_claims(folder: Path) -> list[Path]:
    """Return the study files in a folder that make claims.

    Raises:
        ComparisonError: There is none.
    """
    found = [path for path in sorted(folder.glob("*.yaml")) if b"\nclaims:" in read_bytes(path)]
    if not found:
        rule = "must hold study files with claims, got none"
        raise ComparisonError(f"{folder}: {rule}. Name the files: normbench claims CONFIG...")
    return found


def _why_not(study: dict[str, Any] | None, data: dict[str, Any]) -> str:
    if study is None:
        return "nothing has been run"
    if "normbench" not in study:
        return "run by normbench 0.1.0, whose runs are not mixed with new ones"
    if study.get("content_sha256") != content_sha256(data):
        return "the file has changed since it was run"
    if _seeds(data.get("seeds")) != study.get("seeds"):
        return _changed_by_options(study) or "study.json was changed: its seeds are not the file's"
    if _tested(data.get("claims")) != _tested(study.get("claims")):
        return "what is expected has changed since it was run"
    return _changed_by_options(study)


def _changed_by_options(study: dict[str, Any]) -> str:
    said = ", ".join(f"{key} {value}" for key, value in (study.get("options") or {}).items())
    return f"last run with other options: {said}" if said else ""


def _seeds(said: Any) -> list[int]:
    return list(range(said)) if isinstance(said, int) else list(dict.fromkeys(said or [0]))


def _tested(claims: Any) -> list[Any]:
    """Return what of the claims decides their verdicts."""
    return [(raw.get("metric"), raw.get("expect")) for raw in claims or [] if isinstance(raw, dict)]


def _not_run(raw: Any, study: str, why: str, command: str, number: int) -> ClaimVerdict:
    said = raw if isinstance(raw, dict) else {}
    name, source = str(said.get("id") or number), said.get("source") or {}
    return ClaimVerdict(name, str(said.get("says", "")), source, NOT_RUN, study, command, why)


def _command(source: str, runs_dir: Path) -> str:
    return command_line("run", source, runs_dir=runs_dir)


def counts(verdicts: Sequence[ClaimVerdict]) -> dict[str, int]:
    """Return how often each verdict was given, in the order in which they first come."""
    found = dict.fromkeys((verdict.verdict for verdict in verdicts), 0)
    for verdict in verdicts:
        found[verdict.verdict] += 1
    return found
