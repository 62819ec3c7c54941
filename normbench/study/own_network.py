"""Makes the user's own network for a run: calls what makes it, tries it on a batch, and puts norms in their place."""

import torch
from torch import Tensor, nn

from normbench.errors import SettingError
from normbench.norm_swap.audit import Audit
from normbench.norm_swap.swap import swap_norms
from normbench.own_code.import_path import in_one_line
from normbench.random_streams import derive_seed, seeded_globally
from normbench.study.config import RunConfig
from normbench.study.data import sample_of


def own_network(config: RunConfig, seed: int) -> nn.Module:
    """Return the user's network with the initial weights of a seed and the arm's norms, on the CPU.

    Raises:
        SettingError: As ``swapped_network``.
    """
    return swapped_network(config, seed)[0]


def swapped_network(config: RunConfig, seed: int) -> tuple[nn.Module, Audit]:
    """Return the user's network with the initial weights of a seed and the arm's norms, and what became of its own.

    All arms call the same callable under the same seed, so that everything but the norms is equal in them.

    Raises:
        SettingError: It cannot be made, does not take the data, does not put out what the task needs, or a norm does
            not fit.
    """
    data = config.dataset
    with seeded_globally(derive_seed(seed, "init", "own")):
        try:
            network = config.model.build(data.input_shape, data.output_shape, config.norm, config.dropout)
        except SettingError as error:
            raise error.within("model") from None
    sample = sample_of(config)
    _check_output(network, sample, config)
    audit = swap_norms(network, config.norm, sample, where=config.swap.where, said=config.said_of_norm)
    return network, audit


def _check_output(network: nn.Module, sample: Tensor, config: RunConfig) -> None:
    """Refuse a network whose output is no tensor of the shape that the task needs; it is left as it was."""
    was_training = network.training
    network.eval()
    try:
        with torch.no_grad(), seeded_globally(0):
            output = network(sample)
    except (Exception, SystemExit) as error:
        rule = f"must take a batch of shape {tuple(sample.shape)}, it ended with {in_one_line(error)}"
        raise SettingError("model.build", rule, _maker(config), "Change the network, or dataset.") from error
    finally:
        network.train(was_training)
    wanted = (len(sample), *config.dataset.output_shape)
    if not isinstance(output, Tensor):
        rule = f"must put out a tensor, its forward gave {type(output).__name__}"
        raise SettingError("model.output", rule, _maker(config), "Say which part of it: output: logits.")
    if tuple(output.shape) != wanted:
        rule = f"must put out {wanted} for a batch of {len(sample)}, it put out {tuple(output.shape)}"
        raise SettingError("model.build", rule, _maker(config), "The callable may ask for output_shape.")


def _maker(config: RunConfig) -> str:
    return str(getattr(config.model, "maker", config.model.name))
