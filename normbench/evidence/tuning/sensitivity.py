"""Tells whether verdicts stay the same with each tuned arm at its second-best values, from the runs of both.

The rules are in docs/methods.md, "7. Tuning".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from normbench.evidence.claims.study_verdicts import study_verdicts
from normbench.evidence.comparison.comparison import compare_study
from normbench.evidence.comparison.effects import with_first_baseline
from normbench.evidence.tuning.ranking import Lead, lead_of
from normbench.storage.choices import RUNNER_UP, TUNING_SENSITIVITY, are_set, choice_of, read_choices
from normbench.storage.files.plain_text import command_line, option_words
from normbench.storage.run_folder import STUDY_JSON, Arm
from normbench.storage.seed_history import with_arms
from normbench.storage.study_folder import StudyFolder, read_study


@dataclass(frozen=True)
class ChangedVerdict:
    """A verdict that another learning rate changes.

    Attributes:
        of: Label of a tuned arm, or the id of a claim.
        is_claim: Whether it is a claim's verdict.
        before: The verdict with each arm at its best values.
        after: The verdict with each arm at its second-best values.
    """

    of: str
    is_claim: bool
    before: str
    after: str


@dataclass(frozen=True)
class Sensitivity:
    """What the verdicts on tuned arms become with each of them at its second-best values.

    Attributes:
        keys: Full keys of the tuned settings.
        num_verdicts: Number of verdicts that were compared: of tuned arms, and of claims on tuned arms.
        changed: The verdicts that change.
        claims: Ids of the claims that were judged again, since they read a tuned arm.
        alone: Labels of arms that stay as they are, since nothing else was tried for them.
        missing: Labels of arms whose runs at their second-best values are missing or of other settings.
        command: The command that makes what is missing.
    """

    keys: Sequence[str]
    num_verdicts: int = 0
    changed: Sequence[ChangedVerdict] = ()
    claims: Sequence[str] = ()
    alone: Sequence[str] = ()
    missing: Sequence[str] = ()
    command: str = ""


def tuning_sensitivity(study: StudyFolder) -> Sensitivity | None:
    """Judge a study again with its arms at their second-best values; None if it was not run at these.

    Raises:
        RunFolderError: A file is missing or was changed.
    """
    tuned = [arm for arm in study.arms if arm.labelled.id.tuned]
    second = _read_runner_ups(study) if tuned else None
    leads = _leads(tuned, study) if tuned else {}
    alone = [arm for arm, lead in leads.items() if not lead.runner_up]
    if not tuned or (second is None and len(alone) < len(tuned)):
        return None
    others = {arm.name: _at_second_best(arm, leads.get(arm.name), second) for arm in tuned}
    missing = [arm for arm, other in others.items() if other is None and arm not in alone]
    keys = sorted({key for arm in tuned for key in arm.labelled.id.tuned})
    found = Sensitivity(keys, alone=alone, missing=missing, command=_command(study))
    if missing or len(alone) == len(tuned):
        return found
    again = _judged_alike(replace(study, arms=[others.get(arm.name) or arm for arm in study.arms]))
    pairs = [*_arm_verdicts(study, again), *_claim_verdicts(study, again)]
    changed, claims = [one for one in pairs if one.before != one.after], [one.of for one in pairs if one.is_claim]
    return replace(found, num_verdicts=len(pairs), changed=changed, claims=claims)


def _judged_alike(again: StudyFolder) -> StudyFolder:
    """Return the study with the checks of its best values planned for its second-best ones, too."""
    identities = [arm.identity for arm in again.arms]
    return replace(again, content=with_arms(again.content, identities))


def _command(study: StudyFolder) -> str:
    words = [study.content.get("source", ""), *option_words(study.content.get("options", {}))]
    return command_line("run", *words, TUNING_SENSITIVITY, runs_dir=study.folder.parent)


def _read_runner_ups(study: StudyFolder) -> StudyFolder | None:
    """Read the study of the second-best values beside a study; None if there is none."""
    folder = study.folder.with_name(f"{study.folder.name}{RUNNER_UP}")
    if not (folder / STUDY_JSON).is_file():
        return None
    found = read_study(folder)
    return found if TUNING_SENSITIVITY in found.content.get("options", {}) else None


def _leads(tuned: Sequence[Arm], study: StudyFolder) -> dict[str, Lead]:
    """Return the lead of each tuned arm whose choice is stored."""
    stored, tune = read_choices(study.folder), study.content.get("tune") or {}
    choices = {arm.name: choice_of(arm.labelled, arm.settings, tune, stored) for arm in tuned}
    found = {arm: lead_of(choice) for arm, choice in choices.items() if choice}
    return {arm: lead for arm, lead in found.items() if lead}


def _at_second_best(arm: Arm, lead: Lead | None, second: StudyFolder | None) -> Arm | None:
    """Return a tuned arm at its second-best values, with a run for each seed that it has; None if one is missing."""
    if second is None or lead is None or lead.runner_up is None:
        return None
    for other in second.arms:
        is_same = other.name == arm.name and other.labelled.id == arm.labelled.id
        if is_same and are_set(lead.runner_up.values, other.settings) and set(arm.seeds) <= set(other.seeds):
            return replace(other, runs=tuple(run for run in other.runs if run.seed in arm.seeds))
    return None


def _arm_verdicts(study: StudyFolder, again: StudyFolder) -> list[ChangedVerdict]:
    """Return the verdict of each tuned arm against its baseline, before and after."""
    before, after = (_verdicts_by_arm(one) for one in (study, again))
    return [ChangedVerdict(arm, False, verdict, after[arm]) for arm, verdict in before.items() if arm in after]


def _verdicts_by_arm(study: StudyFolder) -> Mapping[str, str]:
    rows = with_first_baseline(compare_study(study)).rows
    return {row.arm: row.effect.verdict_on_new for row in rows if row.effect and row.is_tuned}


def _claim_verdicts(study: StudyFolder, again: StudyFolder) -> list[ChangedVerdict]:
    """Return the verdict of each claim that reads a tuned arm, before and after: it then reads other runs."""
    pairs = zip(study_verdicts(study), study_verdicts(again), strict=True)
    return [ChangedVerdict(one.id, True, one.verdict, other.verdict) for one, other in pairs if one.hash != other.hash]
