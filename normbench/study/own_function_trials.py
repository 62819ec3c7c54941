"""Tries the user's own loss, metric and augmentation before any run, on what has the shapes that they will be given."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod

import torch
from torch import Tensor

from normbench.any_module.process_settings import changed_since, settings_in_force
from normbench.datasets.base import Split
from normbench.errors import SettingError
from normbench.own_code.running import running_own_code
from normbench.random_streams import seeded_globally, stream
from normbench.study.config import RunConfig
from normbench.study.constant_output import constant_output
from normbench.study.data import built_dataset
from normbench.study.own_augmentation import AUGMENT, OwnAugmentation, own_augmentation
from normbench.study.own_code import running_code_of
from normbench.study.own_functions import LOSS, METRIC, OwnLoss, OwnMetric, own_functions
from normbench.study.own_metric import OwnMetricConfig

MAX_NUMBERS = 2**22
"""Most numbers of the outputs that a function is tried on."""


def refused_functions(config: RunConfig) -> list[SettingError]:
    """Return what is wrong with the augmentation, the loss and the metric.

    The last two are tried on random and on constant outputs. A function need not be finite on both: the logarithm of a
    random output may not be, nor the correlation with a constant. What they import when they are called is found from
    the study file's folder, and becomes part of a run's identity.
    """
    with running_code_of(config):
        return [*_refused_augmentation(config), *_refused_scores(config)]


def _refused_scores(config: RunConfig) -> Iterator[SettingError]:
    if not config.loss and not config.metric.name:
        return
    if config.dataset.task == "signal":
        key, path = (LOSS, config.loss) if config.loss else (METRIC, config.metric.function)
        rule = f"must not be given with {config.dataset.name}, which has no target"
        yield SettingError(key, rule, path, "Remove it.")
        return
    for alone in ({"metric": OwnMetricConfig()}, {"loss": None}):
        try:
            own = own_functions(config.model_copy(update=alone))
            if own.loss:
                with _leaving_process_alone(LOSS, own.loss.path, config):
                    _try_loss(own.loss, config)
            if own.metric:
                with _leaving_process_alone(METRIC, own.metric.path, config):
                    _try_metric(own.metric, config)
        except SettingError as error:
            yield error


@contextmanager
def _leaving_process_alone(key: str, path: str, config: RunConfig) -> Iterator[None]:
    """Try a function of the user's inside the block; the process is the same after it, whatever the function does."""
    with running_own_code(config.folder):
        before = settings_in_force()
        yield
        changed = changed_since(before)
    if changed:
        rule = f"must leave the process as it is, it changed {changed[0]}"
        raise SettingError(key, rule, path, "Put it back at the end of the function, or leave it out.")


def _refused_augmentation(config: RunConfig) -> Iterator[SettingError]:
    try:
        augmentation = own_augmentation(config)
        if augmentation:
            with _leaving_process_alone(AUGMENT, augmentation.path, config):
                _try_augmentation(augmentation, config)
    except SettingError as error:
        yield error


def _try_augmentation(augmentation: OwnAugmentation, config: RunConfig) -> None:
    train = built_dataset(config.dataset, 0).train
    batch = train.take(torch.arange(min(config.batch_size, len(train))))
    found = []
    for _ in range(2):
        with seeded_globally(0):
            found.append(augmentation(batch, stream(0, "data", "trial")))
    if not found[0].x.isfinite().all():
        raise SettingError(AUGMENT, "must be finite, some x are nan or infinite", augmentation.path, "Change it.")
    one, other = ([tensor for tensor in (once.x, once.y) if tensor is not None] for once in found)
    if not all(map(torch.equal, one, other)):
        rule = "must return the same for the same generator, it returned two batches"
        raise SettingError(AUGMENT, rule, augmentation.path, "Draw all random numbers from the generator it is given.")


def _try_loss(loss: OwnLoss, config: RunConfig) -> None:
    train = built_dataset(config.dataset, 0).train
    batch = train.take(torch.arange(min(config.batch_size, len(train))))
    reached = []
    for output in _outputs(batch, config):
        output.requires_grad_()
        with seeded_globally(0):
            value = loss(output.clone(), batch.y)  # the output of a network is no leaf either
        grad: Tensor | None = torch.autograd.grad(value, output, allow_unused=True)[0]
        if math.isfinite(value.item()):
            reached.append(grad is not None and bool(grad.any()))
    if not reached:
        raise SettingError(LOSS, "must be finite, it is nan or infinite", loss.path, "Change the function.")
    if not any(reached):
        rule = "must have a gradient, that of what it returned is 0 for every output"
        raise SettingError(LOSS, rule, loss.path, "It must depend on the output smoothly.")


def _try_metric(metric: OwnMetric, config: RunConfig) -> None:
    split = built_dataset(config.dataset, 0).validation
    split = split.take(torch.arange(max(1, min(len(split), MAX_NUMBERS // prod(config.dataset.output_shape)))))
    assert split.y is not None
    with seeded_globally(0), torch.no_grad():
        found = [metric(output, split.y) for output in _outputs(split, config)]
    if not any(map(math.isfinite, found)):
        rule = f"must be finite, it is {found[0]} on {len(split)} validation samples"
        raise SettingError(METRIC, rule, metric.path, "Return a number also where nothing was found, such as 0.")


def _outputs(split: Split, config: RunConfig) -> list[Tensor]:
    """Return random outputs for a split, then the best constant one."""
    shape, train = config.dataset.output_shape, built_dataset(config.dataset, 0).train
    random = torch.randn((len(split), *shape), generator=stream(0, "data", "trial"))
    return [random, constant_output(train, len(split), config.dataset.task, shape).clone()]
