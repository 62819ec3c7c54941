"""Reduces defaults that do not fit the data or the network; settings written in the file are never changed."""

from collections.abc import Iterator
from typing import Any

from normbench.study.config import DEFAULT_NUM_STEPS, RunConfig
from normbench.study.contradictions import contradictions


def fit_defaults(config: RunConfig) -> tuple[RunConfig, list[str]]:
    """Return the config with its unset settings made to fit, and a line for each that is not at its default."""
    notes: list[str] = []
    for find in (_fit_batch_size, _fit_num_steps, _fit_num_groups):
        for changes, note in find(config):
            config = config.model_copy(update=changes)
            notes.append(note)
    return config, notes


def _fit_batch_size(config: RunConfig) -> Iterator[tuple[dict[str, Any], str]]:
    by_class = config.sampling == "by_class" and bool(config.dataset.group_sizes)
    most = min(config.dataset.group_sizes) if by_class else config.dataset.num_train
    if "batch_size" not in config.model_fields_set and 1 <= most < config.batch_size:
        all_of_it = "all samples of the smallest class" if by_class else "the whole training set"
        yield {"batch_size": most}, f"batch_size {most}, {all_of_it}: the default {config.batch_size} does not fit"


def _fit_num_steps(config: RunConfig) -> Iterator[tuple[dict[str, Any], str]]:
    is_set = config.num_steps is not None or config.num_epochs is not None
    if config.dataset.task == "signal" and not is_set:
        reason = f"{config.dataset.name} has no target to train on, the default {DEFAULT_NUM_STEPS} does not fit"
        yield {"num_steps": 0}, f"num_steps 0: {reason}"


def _fit_num_groups(config: RunConfig) -> Iterator[tuple[dict[str, Any], str]]:
    """Give a norm one group where its default number of groups does not divide the channels of some layer."""
    default = getattr(config.norm, "num_groups", None)
    if default is None or "num_groups" in config.norm.model_fields_set:
        return
    refused = [error for error in contradictions(config) if error.key == "norm.num_groups"]
    if refused:
        norm = config.norm.model_copy(update={"num_groups": 1})
        where = refused[0].rule.removeprefix("must divide ")
        yield {"norm": norm}, f"norm.num_groups 1: the default {default} does not divide {where}"
