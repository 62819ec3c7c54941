"""Makes the user's own network for a run: calls what makes it, tries it on a batch, and puts norms in their place."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from normbench.any_module.restore import leaving_unchanged
from normbench.errors import SettingError
from normbench.models.own import OwnSpec
from normbench.norm_swap.audit import Audit
from normbench.norm_swap.norm_argument import KEY
from normbench.norm_swap.swap import swap_norms
from normbench.own_code.error_lines import in_one_line
from normbench.own_code.running import running_own_code
from normbench.random_streams import derive_seed, seed_globally
from normbench.study.config import RunConfig
from normbench.study.data import sample_of
from normbench.study.own_norm_argument import check_used, norm_argument_of

OF_TYPES = ("dtype", "scalar type")
"""Words in torch's errors about tensors of other types."""
TAKES_FLOATS = (
    "It is given float32, and its weights must be float32 too. Ids come as numbers: say dataset.standardize: false, "
    "and begin forward with x = x.long()."
)

OF_ONE_VALUE = "more than 1 value per channel"
"""Words in torch's error where batch norm would see one sample and one position."""
NEEDS_BATCH = "Its batch norm cannot train on one sample without positions: use batch_size: 2 or more."


def own_network(config: RunConfig, seed: int) -> nn.Module:
    """Return the user's network with the initial weights of a seed and the arm's norms, on the CPU, to be trained.

    Raises:
        SettingError: As ``swapped_network``.
    """
    if config.norm.name == "kept":  # never touched
        return made_network(config, seed, sample_of(config))
    return swapped_network(config, seed)[0]


def swapped_network(config: RunConfig, seed: int) -> tuple[nn.Module, Audit]:
    """Return the user's network with the initial weights of a seed and the arm's norms, and what became of its own.

    All arms call the same callable under the same seed, so that everything but the norms is equal in them.

    Raises:
        SettingError: It cannot be made, does not take the data, or a norm does not fit.
    """
    sample = sample_of(config)
    network = made_network(config, seed, sample)
    with running_own_code(spec_of(config).folder):
        seed_globally(derive_seed(seed, "init", "own", "norms"))  # a norm of the user's may draw its weights
        audit = swap_norms(
            network,
            config.norm,
            sample,
            where=config.swap.where,
            said=config.said_of_norm,
            insert_after=config.swap.insert_after,
            may_find_none=bool(config.swap.norm_argument),
        )
    return network, audit


def made_network(config: RunConfig, seed: int, sample: Tensor) -> nn.Module:
    """Return the user's network as its callable makes it, with all of its parameters, on the CPU, in training mode.

    It is called once on a few samples, since layers may get their shape, or be made, at their first call.

    Raises:
        SettingError: It cannot be made, or does not take the data.
    """
    spec, data = spec_of(config), config.dataset
    init_seed = derive_seed(seed, "init", "own")
    try:
        arguments = norm_argument_of(config, spec)
        given = {name: one.as_function() for name, one in arguments.items()}
        network = spec.build_with(init_seed, data.input_shape, data.output_shape, given)
        check_used(arguments)
    except SettingError as error:
        raise error if error.key == KEY else error.within("model") from None
    with trying(config, f"take a batch of shape {tuple(sample.shape)}"), torch.no_grad():
        network.to("cpu").eval()
        seed_globally(init_seed)
        _call_first(network, sample)
    network.zero_grad(set_to_none=True)  # it may have been trained where it was made
    return network.train()


def spec_of(config: RunConfig) -> OwnSpec:
    """Return the settings of the user's own network."""
    assert isinstance(config.model, OwnSpec), config.model.name
    return config.model


@contextmanager
def trying(config: RunConfig, what: str) -> Iterator[None]:
    """Call the user's network inside the block; nothing of the process is different afterwards.

    Args:
        config: The run's settings.
        what: What it must do, for the error: "take a batch of shape (4, 3, 32, 32)".

    Raises:
        SettingError: It fails.
    """
    spec = spec_of(config)
    try:
        with running_own_code(spec.folder), torch.enable_grad():
            yield
    except SettingError as error:
        raise error if error.key.startswith("model.") else error.within("model") from None
    except (Exception, SystemExit) as error:
        rule = f"must {what}, it ended with {in_one_line(error, spec.folder)}"
        raise SettingError("model.build", rule, spec.maker, _way_out(str(error))) from error


def _way_out(message: str) -> str:
    if any(word in message for word in OF_TYPES):
        return TAKES_FLOATS
    return NEEDS_BATCH if OF_ONE_VALUE in message else "Change the network, or dataset."


def _call_first(network: nn.Module, sample: Tensor) -> None:
    """Call a network for the first time; it is left as it was but for layers that are made or get their shape now."""
    if any(is_lazy(tensor) for tensor in (*network.parameters(), *network.buffers())):
        network(sample.clone())
    modules = set(network.modules())
    with leaving_unchanged(network):
        network(sample.clone())
        makes_more = set(network.modules()) != modules
    if makes_more:
        network(sample.clone())
