"""Finds what a plan adds to the history of seeds in study.json, before its runs are made."""

from typing import TYPE_CHECKING

from normbench.storage.contents.study import StudyContent
from normbench.storage.run_folder import finished_seeds
from normbench.storage.seed_history import Asked, add_to_history, read_history
from normbench.study.check_plan import FEWEST

if TYPE_CHECKING:
    from normbench.scheduling.plan import Plan


def history_with(plan: "Plan", earlier: StudyContent) -> list[Asked]:
    """Return the history of an earlier study.json, with the seeds and checks that a plan asks for.

    Fewer seeds than can give a verdict are no look at the results, and not kept. Results that no entry accounts for, as
    where study.json was lost, may have been looked at.
    """
    history = read_history(earlier)
    for asked in [*_found(plan, history), asked_by(plan)]:
        if len(asked.seeds) >= FEWEST:
            history = add_to_history(history, asked)
    return history


def asked_by(plan: "Plan") -> Asked:
    """Return the seeds that a plan asks for; with planned checks all up to the last check."""
    study = plan.study
    is_within = study.check_after and len(study.seeds) <= study.check_after[-1]
    seeds = tuple(range(study.check_after[-1])) if is_within else study.seeds
    arms = tuple(dict.fromkeys(identity.sha256 for identity in plan.identities.values()))
    return Asked(seeds, study.check_after, arms)


def _found(plan: "Plan", history: list[Asked]) -> list[Asked]:
    """Return the finished seeds of each arm that the history does not name."""
    known = {arm for one in history for arm in one.arms}
    folders = {plan.identities[arm].sha256: plan.folder / name for arm, name in plan.folders.items()}
    return [Asked(finished_seeds(path), (), (arm,)) for arm, path in folders.items() if arm not in known]
