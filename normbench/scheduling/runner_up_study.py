"""Makes the version of a tuned study for --tuning-sensitivity: each tuned arm at its second-best values."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from normbench.evidence.tuning.ranking import lead_of
from normbench.scheduling.plan import make_plan
from normbench.scheduling.tuning import with_choices
from normbench.storage.arm_labels import tuned_label
from normbench.storage.choices import RUNNER_UP, TUNING_SENSITIVITY, Choice
from normbench.study.study import Study


def runner_up_study(study: Study, choices: Mapping[str, Choice]) -> Study | None:
    """Return the tuned arms of a study at their second-best values, under another name.

    Args:
        study: The study before tuning.
        choices: What tuning chose for each arm.

    Returns:
        The study without given arms and claims; None where nothing but what was chosen was tried for any arm.
    """
    second = {}
    for arm, choice in choices.items():
        lead = lead_of(choice)
        if lead and lead.runner_up:
            second[arm] = replace(choice, chosen=lead.runner_up.values)
    if not second:
        return None
    options = dict(study.options) | {TUNING_SENSITIVITY: True}
    tuned = with_choices(replace(study, keep_given=False), second)
    return replace(tuned, name=f"{study.name}{RUNNER_UP}", options=options, claims=())


def missing_runner_ups(study: Study, choices: Mapping[str, Choice], runs_dir: Path) -> dict[str, int]:
    """Return how many runs each arm lacks at its second-best values: all of its seeds while it is not tuned."""
    counts = {arm: 0 if arm in choices else len(study.seeds) for arm in study.arms}
    second = runner_up_study(study, choices)
    if second:
        plan = make_plan(second, runs_dir)
        lacking = Counter(run.folder.parent.name for run in plan.runs if not run.is_finished)
        counts |= {arm: lacking[plan.folders.get(tuned_label(arm), "")] for arm in choices}
    return counts
