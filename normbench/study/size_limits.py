"""Refuses studies of more runs than can be planned, or of more layers than can be checked, before any is built."""

from collections.abc import Collection

from normbench.errors import ConfigError
from normbench.study.config import RunConfig

MAX_RUNS = 100_000
"""Most runs of a study: to plan as many takes ten CPU seconds."""
MAX_LAYERS = 100_000
"""Most layers in all arms and values to tune together: each is built and looked at, which takes a millisecond."""


def refuse_too_many_runs(num_arms: int, num_seeds: int, place: str) -> None:
    """Refuse a study whose arms times seeds are more runs than can be planned.

    Raises:
        ConfigError: There are too many.
    """
    num_runs = num_arms * num_seeds
    if num_runs > MAX_RUNS:
        got = f"{num_runs:,}: {num_arms:,} arms x {num_seeds:,} seeds"
        raise ConfigError([f"{place}: must stand for at most {MAX_RUNS:,} runs, got {got}. Split the study."])


def refuse_too_many_layers(configs: Collection[RunConfig], place: str, num_tried: int = 0) -> None:
    """Refuse arms whose networks have together more layers than can be checked.

    Args:
        configs: The settings of each arm.
        place: Where the study is written.
        num_tried: Number of values to tune, each of which is checked in every arm.

    Raises:
        ConfigError: There are too many.
    """
    num_layers = sum(config.model.num_weight_layers for config in configs) * (1 + num_tried)
    if num_layers > MAX_LAYERS and len(configs) * (1 + num_tried) > 1:
        tried = f", each with {num_tried:,} values to tune" * bool(num_tried)
        got = f"about {num_layers:,} in {len(configs):,} arm{'s' * (len(configs) > 1)}{tried}"
        rule = f"must have at most {MAX_LAYERS:,} layers in the networks of all arms"
        raise ConfigError([f"{place}: {rule}, got {got}. Split the study, or use smaller networks."])
