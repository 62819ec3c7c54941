"""Builds the objects of a run from its config and seed."""

from typing import Any

import torch
from torch import Tensor, nn

from normbench.datasets._batches import Batches
from normbench.datasets.base import Dataset
from normbench.inspection.losses import evaluate, evaluating, loss_function, output_means, predict
from normbench.inspection.measures.base import find_measures
from normbench.inspection.readings import Readings
from normbench.inspection.recompute import checkpoint_activations
from normbench.inspection.split_scores import quantities
from normbench.inspection.watch.parameter_groups import split_parameters
from normbench.models.base import parametrize_weights
from normbench.random_streams import derive_seed, dropout_stream, replica_seed, seeded_globally, stream
from normbench.study.config import RunConfig
from normbench.study.data import dataset_on
from normbench.study.network import unparametrized_network
from normbench.study.own_augmentation import own_augmentation
from normbench.study.own_functions import NOTHING_OWN, OwnFunctions, own_functions
from normbench.study.own_network import own_network
from normbench.study.setting_groups import RecordingConfig
from normbench.training.augmented_batches import AugmentedBatches
from normbench.training.dropout import draw_dropout_from
from normbench.training.initialization import check_all_drawn, initialize, materialize
from normbench.training.numerics import available_device
from normbench.training.training_objects import Penalty, Training


def build_training(config: RunConfig, seed: int) -> tuple[Training, Dataset]:
    """Make dataset, model, batches, optimizer and readers of one run.

    Data, batch order, augmentation, initial weights and the masks of dropout have random streams of their own, so that
    a seed gives the same ones in every arm; ``fix`` keeps data or weights at seed 0, and another ``replica`` has
    another order, augmentation, weights and masks.
    """
    device = torch.device(config.on(available_device()).device)
    data_seed = 0 if "data" in config.fix else seed
    dataset = dataset_on(config.dataset, data_seed, device)
    init_seed = replica_seed(0 if "init" in config.fix else seed, config.replica)
    own = own_functions(config)
    model = build_model(config, init_seed).to(device)
    draw_dropout_from(dropout_stream(seed, config.replica, device), model)
    decayed, spared = split_parameters(model, config.decay_on)
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": spared, "weight_decay": 0.0}]
    training = Training(
        model=model,
        batches=_batches(config, seed, dataset),
        optimizer=config.optimizer.build([group for group in groups if group["params"]], config.lr),
        loss=own.loss or loss_function(config.dataset.task, data_seed),
        penalty=Penalty(config.l1, decayed),
        read=lambda model: read_losses(model, dataset, config, own),
        curve=_curve_reader(dataset, config),
        final_read=final_readings(dataset, config),
        measures=chosen_measures(config.recording),
        lr_of_step=config.lr_of_step(),
    )
    return training, dataset


def _batches(config: RunConfig, seed: int, dataset: Dataset) -> Batches:
    seed = replica_seed(seed, config.replica)
    given = dataset.train, config.batch_size, stream(seed, "order"), config.sampling
    augment = own_augmentation(config)
    return AugmentedBatches(*given, augment, stream(seed, "augment")) if augment else Batches(*given)


def build_model(config: RunConfig, seed: int) -> nn.Module:
    """Make the network with its initial weights, on the CPU."""
    if config.model.name == "own":
        return own_network(config, seed)
    model = _with_own_norm(config, seed) if config.norm.takes_own else materialize(unparametrized_network(config))
    initialize(model, config.init, config.init_scale, seed)
    check_all_drawn(model)
    parametrize_weights(model, config.weight_parametrization)
    if config.checkpointing:
        checkpoint_activations(model)
    return model


def _with_own_norm(config: RunConfig, seed: int) -> nn.Module:
    """Make one of normbench's networks with a norm of the user's, which draws its weights where it is made."""
    data = config.dataset
    with seeded_globally(derive_seed(seed, "init", "own")):
        return config.model.build(data.input_shape, data.output_shape, config.norm, config.dropout)


def chosen_measures(recording: RecordingConfig) -> tuple[str, ...]:
    """Return the measures to take: by the setting of the measure's name if there is one, or by ``diagnostics``."""
    return tuple(name for name in find_measures() if getattr(recording, name, recording.diagnostics))


def read_losses(
    model: nn.Module, dataset: Dataset, config: RunConfig, own: OwnFunctions = NOTHING_OWN
) -> dict[str, float]:
    """Return the task's quantities on every split, as columns: train_loss, test_accuracy ..."""
    if config.dataset.task == "signal":
        return output_means(model, dataset.train.x)
    task, is_finite = config.dataset.task, config.dataset.finite is not None
    with evaluating(model):
        read = {
            name: evaluate(model, split, task, own, is_finite=is_finite) for name, split in dataset.splits().items()
        }
    return {
        f"{name}_{quantity}": found[quantity]
        for quantity in quantities(task, config.metric.name, is_finite=is_finite)
        for name, found in read.items()
        if quantity in found
    }


def final_readings(dataset: Dataset, config: RunConfig) -> Readings:
    """Return the reader of further losses after training."""
    return Readings(dataset, config.dataset.task, config.batch_size, config.sampling, own_functions(config))


def has_curve(dataset: Dataset, config: RunConfig) -> bool:
    """Return whether there is a fitted curve: in one-dimensional regression with a known noise-free curve."""
    return dataset.noise_free is not None and config.dataset.input_shape == (1,)


def _curve_reader(dataset: Dataset, config: RunConfig) -> Any:
    if dataset.noise_free is None or not has_curve(dataset, config):
        return None
    grid = dataset.noise_free.x

    def read(model: nn.Module) -> tuple[Tensor, Tensor]:
        return grid[:, 0], predict(model, grid)[:, 0]

    return read
