"""Whatever norm is put in, all else of a network keeps its bits."""

import pytest
import torch
from contracts.variants import each, variants
from norm_swap.idioms import NETWORKS, made
from torch.nn.modules import module

from normbench.errors import SettingError
from normbench.norm_swap.audit import Audit
from normbench.norm_swap.swap import swap_norms


def state(network, audit):
    """Return all tensors, modes and modules that belong to no norm that was replaced."""
    replaced = tuple(f"{name}." for site in audit.swapped for name in (site.path, *site.aliases))

    def is_left(name):
        return not f"{name}.".startswith(replaced)

    tensors = {name: one.clone() for name, one in network.state_dict(keep_vars=True).items() if is_left(name)}
    modules = {name: (module, module.training) for name, module in network.named_modules() if is_left(name)}
    return tensors, modules


def check(name, norm):
    network, batch = made(name)
    network.train(name != "resnet")
    twin, _ = made(name)
    states = torch.get_rng_state()
    parameters = dict(network.named_parameters())
    modules = dict(network.named_modules())
    audit = swap_norms(network, norm, batch)
    assert isinstance(audit, Audit)
    assert torch.equal(torch.get_rng_state(), states)
    left, left_modules = state(network, audit)
    expected, _ = state(twin, audit)
    assert left.keys() == expected.keys()
    assert all(torch.equal(one, expected[key]) for key, one in left.items())
    assert all(modules[key] is module for key, (module, _) in left_modules.items())
    assert all(dict(network.named_parameters())[key] is parameters[key] for key in left if key in parameters)
    assert {training for _, training in left_modules.values()} == {name != "resnet"}
    assert all(p.grad is None for p in network.parameters())


@pytest.mark.parametrize("norm", each(variants("norms")))
@pytest.mark.parametrize("name", ["resnet", "fused", "steps_first", "windows"])
def test_every_norm_in_a_few_networks(name, norm):
    check(name, norm())


@pytest.mark.parametrize("name", NETWORKS)
def test_a_norm_in_every_network(name):
    check(name, "layer_norm")


@pytest.mark.parametrize("norm", each(variants("norms")))
def test_the_same_seed_gives_the_same_network(norm):
    outputs = []
    for _ in range(2):
        network, batch = made("resnet")
        swap_norms(network, norm(), batch)
        torch.default_generator.manual_seed(1)
        outputs.append(network(batch))
    assert torch.equal(*outputs)


def test_no_hook_on_all_modules_is_left_behind():
    model, sample = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.BatchNorm1d(4)), torch.randn(3, 4)
    swap_norms(model, "layer_norm", sample)
    with pytest.raises(SettingError):
        swap_norms(torch.nn.Linear(3, 3), "layer_norm", sample)
    hooks = {name: found for name, found in vars(module).items() if name.startswith("_global_") and "hooks" in name}
    assert {name: found for name, found in hooks.items() if found} == {}
