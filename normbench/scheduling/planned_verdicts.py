"""Tells before the runs of a study are made how its verdicts will be made, and on how many comparisons they rest."""

from pathlib import Path

from normbench.errors import RunFolderError
from normbench.evidence.claims.claim import read_claims
from normbench.evidence.comparison.checks import read_seed_plan
from normbench.evidence.statistics.seed_plan import SeedPlan
from normbench.scheduling.asked_seeds import history_with
from normbench.scheduling.plan import make_plan
from normbench.storage.files.atomic import os_error_line
from normbench.storage.study_folder import known_study
from normbench.study.arms import final_arms
from normbench.study.study import Study


def planned_verdicts(study: Study, runs_dir: Path) -> SeedPlan:
    """Return how verdicts will be made once this command has run.

    Raises:
        RunFolderError: study.json is damaged, or a folder cannot be read.
    """
    plan = make_plan(study, runs_dir)
    try:
        history = [asked.to_json() for asked in history_with(plan, known_study(plan.folder))]
    except OSError as error:
        raise RunFolderError(os_error_line(error, plan.folder)) from None
    identities = {identity.sha256 for identity in plan.identities.values()}
    return read_seed_plan({"seed_history": history}, identities)


def nums_of_comparisons(study: Study) -> list[int]:
    """Return for how many comparisons p is corrected where a check decides: the tests of each claim, else one."""
    claims = read_claims(study.claims, final_arms(study))[0] if study.claims else []
    return sorted({len(claim.expectations) for claim in claims}) or [1]


def checks_taken(study: Study, runs_dir: Path) -> tuple[int, ...]:
    """Return the checks that can decide something; the last one where none can.

    Raises:
        RunFolderError: study.json is damaged.
    """
    plan, nums = planned_verdicts(study, runs_dir), nums_of_comparisons(study)
    taken = [n for n in study.check_after if any(plan.rule(range(n), num).kind != "no check" for num in nums)]
    return tuple(taken) or study.check_after[-1:]
