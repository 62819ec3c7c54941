"""What the table tells of each network, looked up in its own outputs and gradients; no probe is involved."""

from fnmatch import fnmatchcase

import pytest
import torch
from inspection.networks.by_hand import by_hand, is_number, joined, leaves, std
from inspection.networks.row import made
from inspection.networks.table import HEALTHY, SICK
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


def hand_of(row):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(1)
        return by_hand(*made(row))


def is_zero(grad):
    return grad is None or not joined([grad]).any()


def outputs(hand, name):
    return [tensor for tensor in leaves(hand.calls[name]) if is_number(tensor)]


def is_finite(hand, name):
    return bool(joined(outputs(hand, name)).isfinite().all())


def differs_by_sample(tensor):
    """Samples are not all the first one; minus infinities, as masks leave them, aside."""
    one = torch.where(tensor.isfinite(), tensor, 0)
    return one.dim() > 0 and std(one - one[:1]) > 1e-3 * std(one)


def is_same_for_all_samples(hand, name):
    """Every sample is the first one, but for rounding."""
    return all((one - one[:1]).abs().max() <= 1e-6 * one.abs().max() for one in outputs(hand, name))


def earlier(hand, name):
    """Return the modules without modules inside that came before."""
    called = list(hand.calls)
    return [one for one in called[: called.index(name)] if not list(hand.modules[one].children())]


def ends(hand, of_gradient):
    """Return the stds at the first and the last layer with a matrix."""
    names = [name for name, module in hand.modules.items() if isinstance(module, nn.Linear)]
    return [hand.figures(name)["grad_std" if of_gradient else "std"] for name in (names[0], names[-1])]


def grows(hand, of_gradient):
    first, last = ends(hand, of_gradient=of_gradient)
    return first / last if of_gradient else last / first


def values_per_statistic(hand, name):
    norm, x = hand.modules[name], outputs(hand, name)[0]
    if isinstance(norm, nn.GroupNorm):
        return x[0].numel() // norm.num_groups
    return norm.normalized_shape[0] if isinstance(norm, nn.LayerNorm) else x.numel() // x.shape[1]


def is_cut_off(hand, name):
    learned = list(hand.modules[name].parameters())
    return learned and all(is_zero(hand.gradient(one)) for one in [*learned, *outputs(hand, name)])


def learned_of(hand, name):
    """Return the learned parameters of a module, by name."""
    found = hand.modules[name].named_parameters(name)
    return {one: parameter for one, parameter in found if parameter.requires_grad}


def are_weights_cut_off(hand, name):
    learned = learned_of(hand, name).values()
    return learned and all(is_zero(hand.gradient(one)) for one in learned)


def has_sick_variance(hand, name):
    module = hand.modules["" if name == "(model)" else name]
    return not module.training and not ((module.running_var > 0) & (module.running_var < 1e6)).all()


def is_dead(hand, name):
    """More than nine of ten numbers are 0; of a healthy ReLU's it is five."""
    return (joined(outputs(hand, name)) == 0).double().mean() > 0.9


def becomes_constant(hand, name):
    """Here, or behind it in the model's output, every sample is the first one for the first time."""
    first = name if is_same_for_all_samples(hand, name) else ""
    before = [one for one in earlier(hand, first) if is_same_for_all_samples(hand, one)]
    return is_same_for_all_samples(hand, first) and not before


def multiplies_by(hand, name):
    weight = hand.modules[name].weight
    return (weight[0].numel() ** 0.5 * weight.square().mean().sqrt()).item()


TRUE_OF = {
    "gradient_cut_off": is_cut_off,
    "weights_cut_off": are_weights_cut_off,
    "weights_too_large": lambda hand, name: multiplies_by(hand, name) > 100,
    "constant": becomes_constant,
    "dead": is_dead,
    "not_finite": lambda hand, name: (
        not is_finite(hand, name) and all(is_finite(hand, one) for one in earlier(hand, name))
    ),
    "gradient_not_finite": lambda hand, name: not torch.isfinite(hand.gradient(outputs(hand, name)[0])).all(),
    "running_statistics": has_sick_variance,
    "few_values": lambda hand, name: values_per_statistic(hand, name) <= 2,
    "vanishes": lambda hand, _: grows(hand, of_gradient=False) < 1e-3,
    "explodes": lambda hand, _: grows(hand, of_gradient=False) > 1e3,
    "gradient_vanishes": lambda hand, _: grows(hand, of_gradient=True) < 1e-3,
    "gradient_explodes": lambda hand, _: grows(hand, of_gradient=True) > 1e3,
}


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_network_is_finite_differs_by_sample_and_learns_all_but_what_it_tells(name):
    row, hand = HEALTHY[name], hand_of(HEALTHY[name])
    learned = learned_of(hand, "")
    told = [{one for one in learned if fnmatchcase(one, pattern)} for pattern in row.without_gradient]
    assert {one for one, p in learned.items() if is_zero(hand.gradient(p))} == set().union(*told)
    assert all(told), "a pattern of no parameter"
    assert all(is_finite(hand, one) for one in hand.calls) == (not row.infinite)
    assert all(differs_by_sample(one) for one in outputs(hand, "") if one.requires_grad) == (not row.alike)


@pytest.mark.parametrize("name", SICK)
def test_a_sick_network_has_its_fault_at_its_layer(name):
    row = SICK[name]
    assert TRUE_OF[row.source.split("|")[0]](hand_of(row), row.layer)


@pytest.mark.parametrize("name", [name for name, row in SICK.items() if row.source == "weights_cut_off"])
def test_weights_that_are_cut_off_get_no_gradient_after_a_step_either(name):
    model, inputs = made(SICK[name])
    hand = by_hand(model, inputs)
    moving = [one for one in learned_of(hand, "").values() if hand.gradient(one) is not None]
    for one in moving:
        one.data.sub_(hand.gradient(one), alpha=0.1)
    assert are_weights_cut_off(by_hand(model, inputs), SICK[name].layer)


class ReadTwice(nn.Module):
    """A recurrent module in both directions, read by its last states, or by the steps they are copies of."""

    def __init__(self, by_states):
        super().__init__()
        self.rnn, self.by_states = nn.GRU(4, 5, num_layers=2, bidirectional=True, batch_first=True), by_states

    def forward(self, x, lengths):
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        steps, h = self.rnn(packed)
        if self.by_states:
            return torch.cat([h[-2], h[-1]], 1)
        steps, _ = pad_packed_sequence(steps, batch_first=True)
        return torch.cat([steps[torch.arange(len(x)), lengths - 1, :5], steps[:, 0, 5:]], 1)


def test_last_states_are_counted_as_the_steps_they_are_copies_of():
    inputs = torch.randn(6, 7, 4), torch.tensor([3, 7, 1, 5, 7, 2])
    by_steps, by_states = ReadTwice(by_states=False), ReadTwice(by_states=True)
    by_states.load_state_dict(by_steps.state_dict())
    found = [by_hand(model, inputs).figures("rnn") for model in (by_steps, by_states)]
    assert found[0] == pytest.approx(found[1], rel=1e-6)
    assert found[0]["grad_std"] > 0.1
