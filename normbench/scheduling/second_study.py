"""Makes the study for --second-run: the same settings on new seeds, as many as the decided claims rest on."""

from dataclasses import replace
from pathlib import Path

from normbench.errors import ConfigError
from normbench.evidence.claims.second_run import FIRST_SEED, second_seeds, seeds_of_decided
from normbench.evidence.claims.study_verdicts import file_verdicts, run_command
from normbench.evidence.claims.verdict import INCOMPLETE, NOT_RUN
from normbench.storage.names import SECOND_RUN, SECOND_RUN_OPTION
from normbench.study.study import SECOND_TUNING_SEEDS, Study


def num_decided_seeds(path: Path, runs_dir: Path) -> int:
    """Return on how many seeds the decided claims of a study file rest; 0 where none is decided.

    Raises:
        ConfigError: The study makes no claims, or has no whole runs; or its seeds reach those of second runs.
        RunFolderError: A run's file is missing or was changed.
    """
    verdicts = file_verdicts(path, runs_dir)
    if not verdicts:
        rule = "must be a study with claims, whose decided ones are run again, got none"
        raise ConfigError([f"{path}: {SECOND_RUN_OPTION}: {rule}. Leave the option out."])
    undone = next((one for one in verdicts if one.verdict in (NOT_RUN, INCOMPLETE)), None)
    if undone:
        rule = f"must follow a first run of all seeds, got: {undone.id} {undone.verdict}, {undone.why}"
        raise ConfigError([f"{path}: {SECOND_RUN_OPTION}: {rule}. First {run_command(str(path), runs_dir)}"])
    seeds = seeds_of_decided(verdicts)
    if any(seed >= FIRST_SEED for seed in seeds):
        rule = f"must follow a first run on seeds below {FIRST_SEED}, got {max(seeds)}"
        raise ConfigError([f"{path}: {SECOND_RUN_OPTION}: {rule}. Choose smaller seeds."])
    return len(seeds)


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
