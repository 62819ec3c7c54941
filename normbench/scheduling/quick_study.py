"""Makes the short version of a study for --quick: two seeds, a tenth of the steps, no tuning."""

from dataclasses import replace

from normbench.evidence.comparison.baselines import Baseline
from normbench.scheduling.candidates import with_settings
from normbench.storage.names import QUICK
from normbench.study.config import RunConfig
from normbench.study.study import Study


def quick_study(study: Study) -> Study:
    """Return a short version of a study under another name: two seeds, a tenth of the steps, no tuning, no claims."""
    arms = {arm: with_settings(config, _tenth_of_the_steps(config)) for arm, config in study.arms.items()}
    seeds = (*study.seeds, study.seeds[0] + 1)[:2]
    options = dict(study.options) | {"--quick": True}
    short = replace(study, name=f"{study.name}{QUICK}", arms=arms, seeds=seeds, options=options)
    short = replace(short, check_after=(), until_decided=False)
    return replace(short, tune={}, keep_given=True, claims=(), baseline=_quick_baseline(study.baseline))


def _quick_baseline(given: Baseline | None) -> Baseline | None:
    """Return the baseline with the number of steps of the short version."""
    if given is None:
        return None
    steps = {key: given.settings[key] for key in ("num_epochs", "num_steps") if given.settings.get(key)}
    return replace(given, settings={**given.settings, **{key: max(1, count // 10) for key, count in steps.items()}})


def _tenth_of_the_steps(config: RunConfig) -> dict[str, int]:
    warmup = {"schedule.warmup": config.schedule.warmup // 10} if config.schedule.warmup else {}
    if config.num_epochs is not None:
        return warmup | {"num_epochs": max(1, config.num_epochs // 10)}
    return warmup | {"num_steps": max(1, config.total_steps // 10) if config.total_steps else 0}
