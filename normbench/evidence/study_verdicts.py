"""The verdicts of a study's claims: from its folder, or from its file and what was run of it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from normbench.errors import ComparisonError, ConfigError
from normbench.evidence.claim_verdicts import NOT_RUN, ClaimVerdict, judge_claim
from normbench.evidence.claims import read_claims
from normbench.evidence.comparison import read_study_arms
from normbench.evidence.identity import content_sha256, study_name
from normbench.evidence.run_folder import STUDY_JSON, read_json
from normbench.evidence.study_file import read_study_file


def study_verdicts(folder: Path) -> list[ClaimVerdict]:
    """Return the verdicts of the claims a study had when it was last run.

    Raises:
        RunFolderError: A file is missing or was changed.
    """
    study, arms, _, _ = read_study_arms(folder)
    names = [arm["arm"] for arm in study.get("arms", [])]
    claims, _ = read_claims(study.get("claims") or [], names)
    seeds = study.get("seeds") or []
    source = str(study.get("source", ""))
    return [judge_claim(claim, arms, seeds, folder.name, _command(source, folder.parent)) for claim in claims]


def file_verdicts(path: Path, runs_dir: Path) -> list[ClaimVerdict]:
    """Return the verdicts of the claims a study file has now, "not run" if its settings were never run as they stand.

    Raises:
        ConfigError: The file cannot be read, or a claim in it.
        RunFolderError: A run's file is missing or was changed.
    """
    data = read_study_file(path).data
    folder = runs_dir / study_name(path, data)
    said = data.get("claims") or []
    study = read_json(folder / STUDY_JSON) if (folder / STUDY_JSON).is_file() else None
    why = _why_not(study, data)
    if study is None or why:
        return [_not_run(raw, folder.name, why, _command(str(path), runs_dir), i) for i, raw in enumerate(said)]
    _, arms, _, _ = read_study_arms(folder)
    claims, errors = read_claims(said, [arm["arm"] for arm in study.get("arms", [])])
    if errors:
        raise ConfigError([f"{path}: {error}" for error in errors])
    command = _command(str(path), runs_dir)
    verdicts = [judge_claim(claim, arms, study["seeds"], folder.name, command) for claim in claims]
    return [replace(verdict, content_sha256=study["content_sha256"]) for verdict in verdicts]


def files_with_claims(folder: Path) -> list[Path]:
    """Return the study files in a folder that make claims.

    Raises:
        ComparisonError: There is none.
    """
    found = [path for path in sorted(folder.glob("*.yaml")) if "\nclaims:" in path.read_text(encoding="utf-8")]
    if not found:
        rule = "must hold study files with claims, got none"
        raise ComparisonError(f"{folder}: {rule}. Name the files: normbench claims CONFIG...")
    return found


def _why_not(study: dict[str, Any] | None, data: dict[str, Any]) -> str:
    if study is None:
        return "nothing has been run"
    if study.get("options"):
        said = ", ".join(f"{key} {value}" for key, value in study["options"].items())
        return f"last run with other options: {said}"
    return "" if study.get("content_sha256") == content_sha256(data) else "the file has changed since it was run"


def _not_run(raw: Any, study: str, why: str, command: str, number: int) -> ClaimVerdict:
    said = raw if isinstance(raw, dict) else {}
    name, source = str(said.get("id") or number), said.get("source") or {}
    return ClaimVerdict(name, str(said.get("says", "")), source, NOT_RUN, study, command, why)


def _command(source: str, runs_dir: Path) -> str:
    return f"normbench run {source}" + ("" if str(runs_dir) == "runs" else f" --runs-dir {runs_dir}")


def counts(verdicts: Sequence[ClaimVerdict]) -> dict[str, int]:
    """Return how often each verdict was given, in the order in which they first come."""
    found = dict.fromkeys((verdict.verdict for verdict in verdicts), 0)
    for verdict in verdicts:
        found[verdict.verdict] += 1
    return found
