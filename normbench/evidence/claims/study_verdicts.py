"""Judges all claims of a study, read from the study's folder or from its file."""

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from normbench.errors import ComparisonError, ConfigError
from normbench.evidence.claims.claim import Claim, claim_id, read_claims
from normbench.evidence.claims.verdict import INCOMPLETE, NOT_RUN, ClaimVerdict, judge_claim
from normbench.evidence.comparison.checks import read_seed_plan
from normbench.evidence.comparison.collapses import read_collapse_rule
from normbench.storage.contents.study import STUDY, StudyContent
from normbench.storage.files.plain_text import command_line
from normbench.storage.files.reading import read_bytes
from normbench.storage.files.yaml_file import read_study_file
from normbench.storage.names import claim_sha256, content_sha256, study_name
from normbench.storage.run_folder import STUDY_JSON
from normbench.storage.seed_history import read_history
from normbench.storage.study_folder import StudyFolder, read_study


def study_verdicts(study: StudyFolder) -> list[ClaimVerdict]:
    """Judge the claims that a study's file had when it was last run.

    Raises:
        RunFolderError: A file is missing or was changed.
    """
    raw_claims = study.content.get("claims")
    if not raw_claims:
        return []
    command = run_command(study.content.get("source", ""), study.folder.parent)
    why = _changed_by_options(study.content)
    if why:
        return [_not_run(claim, study.folder.name, why, command, i) for i, claim in enumerate(raw_claims)]
    return judge_claims(study, raw_claims, command)


def file_verdicts(path: Path, runs_dir: Path) -> list[ClaimVerdict]:
    """Judge the claims that a study file has now; "not run" if the file's settings have not been run.

    Raises:
        ConfigError: The file or a claim in it cannot be read.
        RunFolderError: A run's file is missing or was changed.
    """
    data = read_study_file(path).data
    folder = runs_dir / study_name(path, data)
    raw_claims = data.get("claims") or []
    if not isinstance(raw_claims, list):
        raise ConfigError([f"{path}: claims: must be a list, got {raw_claims!r}. Write - says: ... under it."])
    found = STUDY.read(folder / STUDY_JSON) if os.path.lexists(folder / STUDY_JSON) else None
    why, command = _why_not_judged(found, data), run_command(str(path), runs_dir)
    if found is None or why:
        return [_not_run(claim, folder.name, why, command, i) for i, claim in enumerate(raw_claims)]
    verdicts = judge_claims(read_study(folder), raw_claims, command, str(path))
    return [replace(verdict, content_sha256=found["content_sha256"]) for verdict in verdicts]


def judge_claims(study: StudyFolder, raw_claims: Sequence[Any], command: str, where: str = "") -> list[ClaimVerdict]:
    """Judge claims by the runs in a study's folder; ``where`` is the file of the claims.

    Raises:
        ConfigError: A claim cannot be read.
        RunFolderError: A run's file is missing or was changed.
    """
    planned = study.planned_arms()
    claims, errors = read_claims(raw_claims, planned)
    if errors:
        raise ConfigError([f"{where or study.folder / STUDY_JSON}: {error}" for error in errors])
    seeds, rule = study.content.get("seeds", []), read_collapse_rule(study.content, study.folder / STUDY_JSON)
    plan = read_seed_plan(study.content, {arm.identity for arm in study.arms})
    where_run = (study.folder.name, command)

    def judged(claim: Claim) -> ClaimVerdict:
        try:
            return judge_claim(claim, study.arms, seeds, *where_run, planned, rule, plan, study.unreadable)
        except ComparisonError as error:  # its metric is in no run; the other claims keep their verdicts
            found = ClaimVerdict(claim.id, claim.says, claim.source, INCOMPLETE, *where_run)
            return replace(found, why=str(error).removeprefix("--"), discussion=claim.discussion, seeds=tuple(seeds))

    found = [judged(claim) for claim in claims]
    said = zip(found, raw_claims, strict=True)
    return [replace(_with_version(one, study.content), claim_sha256=claim_sha256(raw)) for one, raw in said]


def _with_version(verdict: ClaimVerdict, content: StudyContent) -> ClaimVerdict:
    """Return a verdict with the version of normbench that made the runs, if it rests on any."""
    version = str(content.get("normbench", ""))
    said = {"normbench": version} if version and verdict.versions else {}
    return replace(verdict, versions={**said, **verdict.versions})


def has_claims(path: Path) -> bool:
    """Return whether a study file makes claims, without reading it as YAML."""
    return re.search(rb"^claims:", read_bytes(path, follows_links=True), re.MULTILINE) is not None


def _why_not_judged(study: StudyContent | None, data: dict[str, Any]) -> str:
    if study is None:
        return "nothing has been run"
    if "normbench" not in study:
        return "run by normbench 0.1.0, whose runs are not mixed with new ones"
    if study.get("content_sha256") != content_sha256(data):
        return "the file has changed since it was run"
    if not _are_asked_for(data.get("seeds"), study):
        return _changed_by_options(study) or "study.json was changed: its seeds are not the file's"
    if _sha256s(data.get("claims")) != _sha256s(study.get("claims")):
        return "what is expected has changed since it was run"
    return _changed_by_options(study)


def _changed_by_options(study: StudyContent) -> str:
    changed = ", ".join(f"{key} {value}" for key, value in study.get("options", {}).items())
    return f"last run with other options: {changed}" if changed else ""


def _are_asked_for(said: Any, study: StudyContent) -> bool:
    """Return whether seeds in study.json are those of the file, or the first ones up to a check that was planned."""
    seeds, checks = study.get("seeds", []), {n for one in read_history(study) for n in one.check_after}
    return seeds == (list(range(len(seeds))) if len(seeds) in checks else _seeds(said))


def _seeds(seeds: Any) -> list[int]:
    return list(range(seeds)) if isinstance(seeds, int) else list(dict.fromkeys(seeds or [0]))


def _sha256s(claims: Any) -> list[str]:
    return [claim_sha256(claim) for claim in claims or [] if isinstance(claim, dict)]


def _not_run(claim: Any, study: str, why: str, command: str, number: int) -> ClaimVerdict:
    raw = claim if isinstance(claim, dict) else {}
    said = raw.get("source")
    source = said if isinstance(said, dict) else {}
    says, discussion, sha256 = str(raw.get("says", "")), str(raw.get("discussion") or "").strip(), claim_sha256(raw)
    found = ClaimVerdict(claim_id(raw, number), says, source, NOT_RUN, study, command, why)
    return replace(found, discussion=discussion, claim_sha256=sha256)


def run_command(source: str, runs_dir: Path) -> str:
    """Return the command that makes the runs of a study file."""
    return command_line("run", source, runs_dir=runs_dir)


def count_verdicts(verdicts: Sequence[ClaimVerdict]) -> dict[str, int]:
    """Return the number of claims with each verdict, in order of first appearance."""
    found = dict.fromkeys((verdict.verdict for verdict in verdicts), 0)
    for verdict in verdicts:
        found[verdict.verdict] += 1
    return found
