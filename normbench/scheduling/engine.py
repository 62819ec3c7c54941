"""Chooses the engine of a study by its settings: its runs one by one, or the seeds of each arm trained as one."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from normbench.errors import ConfigError, SettingError
from normbench.scheduling.candidates import candidates_of
from normbench.storage.contents.study import StudyContent
from normbench.storage.files.yaml_file import read_study_file
from normbench.storage.identity import LOOP, STACKED
from normbench.study.complaints import setting_complaint
from normbench.study.config import RunConfig
from normbench.study.study import Study
from normbench.study.study_keys import Engine
from normbench.training.stack.stackable import SMALLEST, obstacle

FEWEST_SEEDS, FEWEST_PER_STACK = 4, 2
"""Fewest seeds of an arm for which ``engine: auto`` chooses stacks, in all and in the mean stack, else mostly idle."""
MAX_LISTED = 3
"""Most arms that a message lists."""


def with_engine(study: Study, folder: Path, earlier: StudyContent) -> Study:
    """Return a study with ``engine: auto`` replaced by the engine of its first run, or else by what fits its settings.

    That is stacked where every arm stacks and there are seeds enough up to the first check.

    Args:
        study: The study; its arms' devices are not auto.
        folder: The study's folder.
        earlier: The content of study.json of an earlier command.

    Raises:
        ConfigError: The file asks for stacks, or the first runs were stacks, and an arm does not stack.
    """
    if study.is_engine_chosen:
        return study
    chosen = replace(study, is_engine_chosen=True)
    known = earlier.get("engine") if study.engine == "auto" else study.engine
    if known == LOOP and study.engine == LOOP:
        return chosen
    obstacles = dict(_obstacles(study))
    if known == STACKED:
        _refuse(study, folder, obstacles)
        return replace(chosen, engine=STACKED)
    if not _has_enough(study.first_seeds):
        return replace(chosen, engine=LOOP)
    engine: Engine = LOOP if known == LOOP or obstacles else STACKED
    return replace(chosen, engine=engine, why_loop=_why_loop(study, engine, obstacles))


def _has_enough(seeds: Collection[int]) -> bool:
    """Return whether so many slots of stacks would be filled that they pay."""
    return len(seeds) >= max(FEWEST_SEEDS, FEWEST_PER_STACK * len({seed // SMALLEST for seed in seeds}))


def _why_loop(study: Study, engine: Engine, obstacles: Mapping[str, str]) -> str:
    """Return why runs that could be stacked are not: some arms do not stack, or the first command made few seeds."""
    if obstacles:
        return "" if obstacles.keys() >= study.arms.keys() else _in_words(obstacles, 1)
    return "its first runs were (--engine stacked makes all again)" if engine == LOOP else ""


def _obstacles(study: Study) -> Iterator[tuple[str, str]]:
    """Yield each arm that cannot be stacked, and why: as it is, or at the first of its values to try that cannot."""
    for arm, config in study.arms.items():
        found = ((label, obstacle(one)) for label, one in _configs(arm, config, study))
        why = next((f"{label}{why}" for label, why in found if why), "")
        if why:
            yield arm, why


def _configs(arm: str, config: RunConfig, study: Study) -> Iterator[tuple[str, RunConfig]]:
    yield "", config
    for values, tried in candidates_of(config, arm, study.tune) if study.tune else ():
        yield f"tuned to {', '.join(f'{key}={value}' for key, value in values.items())}, ", tried


def _in_words(obstacles: Mapping[str, str], most: int) -> str:
    """Return which arms do not stack, and why: "in arm lenet, conv1 of class Conv2d does not stack"."""
    listed = "; ".join(f"in arm {arm}, {why}" for arm, why in list(obstacles.items())[:most])
    return f"{listed}; and {len(obstacles) - most} more" if len(obstacles) > most > 1 else listed


def _refuse(study: Study, folder: Path, obstacles: Mapping[str, str]) -> None:
    if not obstacles:
        return
    rule = f"must be loop, since {_in_words(obstacles, MAX_LISTED)}"
    if study.engine == "auto":
        way_out = "Write engine: loop, which makes all runs again, or another name under study."
        raise ConfigError([f"{study.source}: engine: {rule}, got the stacked runs in {folder}. {way_out}"])
    located = read_study_file(Path(study.source))
    if located.data.get("engine") != STACKED:
        raise ConfigError([f"--engine {STACKED}: {rule}, got {STACKED!r}. Leave it out."])
    raise ConfigError([setting_complaint(SettingError("engine", rule, STACKED, "Write engine: loop."), located)])
