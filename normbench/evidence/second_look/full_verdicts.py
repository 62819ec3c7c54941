"""Judges the claims of a study file, with all that is known of each verdict: second run, sensitivity, reason, cost."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from normbench.evidence.claims.reasons import reason_of
from normbench.evidence.claims.study_verdicts import file_verdicts
from normbench.evidence.claims.verdict import NOT_RUN, ClaimVerdict
from normbench.evidence.claims.words import DECIDED
from normbench.evidence.comparison.costs import cpu_seconds_in
from normbench.evidence.second_look.second_run import with_second_run
from normbench.evidence.tuning.sensitivity import Sensitivity, tuning_sensitivity
from normbench.storage.choices import RUNNER_UP
from normbench.storage.names import SECOND_RUN
from normbench.storage.study_folder import read_study


def full_verdicts(path: Path, runs_dir: Path) -> list[ClaimVerdict]:
    """Judge the claims that a study file has now, and add what else its runs say of the verdicts.

    Raises:
        ConfigError: The file or a claim in it cannot be read.
        RunFolderError: A run's file is missing or was changed.
    """
    verdicts = file_verdicts(path, runs_dir)
    if all(one.verdict == NOT_RUN for one in verdicts):
        return verdicts
    study = read_study(runs_dir / verdicts[0].study)
    verdicts = with_second_run(verdicts, study)
    verdicts = _with_sensitivity(verdicts, tuning_sensitivity(study))
    cpu_seconds = sum(cpu_seconds_in(study.folder.with_name(f"{study.folder.name}{ending}")) for ending in _ENDINGS)
    return [replace(one, reason=reason_of(one), cpu_seconds=cpu_seconds) for one in verdicts]


_ENDINGS = ("", RUNNER_UP, SECOND_RUN)


def _with_sensitivity(verdicts: Sequence[ClaimVerdict], found: Sensitivity | None) -> list[ClaimVerdict]:
    """Return verdicts with what becomes of the decided ones at second-best values, where that was run in full."""
    if found is None or found.missing:
        return list(verdicts)
    after = {one.of: one.after for one in found.changed if one.is_claim}
    words = dict.fromkeys(found.claims, "same") | {id_: f"changes: {word}" for id_, word in after.items()}
    return [replace(one, sensitivity=words.get(one.id, "") if one.verdict in DECIDED else "") for one in verdicts]
