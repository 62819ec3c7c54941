"""Makes the study for --second-run: the same settings on new seeds, as many as the decided claims rest on."""

from dataclasses import replace

from normbench.evidence.second_look.second_run import second_seeds
from normbench.storage.names import SECOND_RUN, SECOND_RUN_OPTION
from normbench.study.study import SECOND_TUNING_SEEDS, Study


def second_study(study: Study, num_seeds: int) -> Study:
    """Return a study on new seeds under another name, judged once; what it tunes is tuned again on other seeds."""
    again = replace(
        study,
        name=f"{study.name}{SECOND_RUN}",
        seeds=second_seeds(num_seeds),
        tuning_seeds=SECOND_TUNING_SEEDS,
        options=dict(study.options) | {SECOND_RUN_OPTION: True},
    )
    return replace(again, check_after=(), until_decided=False, claims=())
