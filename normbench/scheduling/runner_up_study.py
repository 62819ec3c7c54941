"""Makes the version of a tuned study for --tuning-sensitivity: each tuned arm at its second-best values."""

from collections.abc import Mapping
from dataclasses import replace

from normbench.evidence.tuning.ranking import lead_of
from normbench.scheduling.tuning import with_choices
from normbench.storage.choices import RUNNER_UP, TUNING_SENSITIVITY, Choice
from normbench.study.config import Study


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
