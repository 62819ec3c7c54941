"""Chooses the engine of a study by its settings: its runs one by one, or the seeds of each arm trained as one."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from normbench.errors import ConfigError, SettingError
from normbench.scheduling.candidates import candidates_of
from normbench.storage.files.yaml_file import read_study_file
from normbench.storage.identity import LOOP, STACKED
from normbench.study.complaints import setting_complaint
from normbench.study.config import RunConfig
from normbench.study.study import Study
from normbench.study.study_keys import Engine
from normbench.training.stack.stackable import obstacle

FEWEST_SEEDS = 4
"""Fewest seeds of an arm for which ``engine: auto`` chooses stacks: fewer would leave most of a stack idle."""
MAX_LISTED = 3
"""Most arms that a message lists."""


def with_engine(study: Study, folder: Path, earlier: Mapping[str, Any]) -> Study:
    """Return a study with ``engine: auto`` replaced by the engine of its first run, or else by what fits its settings.

    That is stacked where every arm stacks, the device is the CPU and there are seeds enough up to the first check.

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
    if not _has_enough(study):
        return replace(chosen, engine=LOOP)
    engine: Engine = LOOP if known == LOOP or obstacles else STACKED
    is_mixed = bool(obstacles) and not obstacles.keys() >= study.arms.keys()
    return replace(chosen, engine=engine, why_loop=_in_words(obstacles, 1) if is_mixed else "")


def _has_enough(study: Study) -> bool:
    """Return whether stacks would be filled, on a device on which they pay."""
    return len(study.first_seeds) >= FEWEST_SEEDS and all(config.device == "cpu" for config in study.arms.values())


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
    """Return which arms do not stack, and why: "arm lenet does not stack (conv1 is a convolution)"."""
    listed = ", ".join(f"{arm} ({why})" for arm, why in list(obstacles.items())[:most])
    more = f" and {len(obstacles) - most} more" if len(obstacles) > most > 1 else ""
    is_one = len(obstacles) == 1 or most == 1
    first, why = next(iter(obstacles.items()))
    return f"arm {first} does not stack ({why})" if is_one else f"arms do not stack: {listed}{more}"


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
