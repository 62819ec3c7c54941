"""Decides which runs of a study keep histograms: of more than 64 runs the first seed of each arm, of fewer all."""

from collections.abc import Sequence

from normbench.study.arms import final_arms
from normbench.study.config import RunConfig
from normbench.study.study import Study

MOST_WITH_HISTOGRAMS = 64
"""Runs up to which all keep histograms; of more nobody looks at all, and they are most of what a run writes."""


def may_lack_histograms(study: Study, config: RunConfig, seed: int) -> bool:
    """Return whether a run of this seed counts though it has scalars alone: not the first, unless all are asked for.

    So it is in a study of few runs, too: what was made for more seeds is not made again for fewer.
    """
    return seed != study.seeds[0] and config.recording.tensorboard != "all"


def recorded_config(study: Study, config: RunConfig, seed: int) -> RunConfig:
    """Return the config with what a run of this seed records: without histograms where there are many runs."""
    is_left_out = config.recording.tensorboard is True and may_lack_histograms(study, config, seed)
    return config.without_histograms() if is_left_out and _has_many_runs(study, len(study.arms)) else config


def leaves_out_histograms(study: Study) -> bool:
    """Return whether some runs of a study that may still be tuned will have no histograms, though there are some."""
    kept = [config.recording for config in study.arms.values()]
    is_any = any(one.tensorboard is True and one.histograms for one in kept)
    return is_any and len(study.seeds) > 1 and _has_many_runs(study, len(final_arms(study).arms))


def seeds_with_curves(study: Study) -> Sequence[int]:
    """Return the seeds whose fitted curves are drawn: all, of many runs the first, unless all histograms are kept."""
    keeps_all = any(config.recording.tensorboard == "all" for config in study.arms.values())
    return study.seeds if keeps_all or not _has_many_runs(study, len(study.arms)) else study.seeds[:1]


def _has_many_runs(study: Study, num_arms: int) -> bool:
    """Return whether arms times seeds, those up to the last check, are more runs than keep histograms."""
    num_seeds = max(len(study.seeds), *(study.check_after if study.until_decided else (0,)))
    return num_arms * num_seeds > MOST_WITH_HISTOGRAMS
