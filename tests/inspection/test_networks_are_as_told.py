"""What the table tells of each network, looked up in its own outputs and gradients; no probe is involved."""

import pytest
import torch
from inspection.networks.by_hand import by_hand, is_number, joined, leaves, std
from inspection.networks.row import made
from inspection.networks.table import HEALTHY, SICK
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


def hand_of(row):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return by_hand(*made(row))


def is_zero(grad):
    return grad is None or not joined([grad]).any()


def outputs(hand, name):
    return [tensor for tensor in leaves(hand.calls[name]) if is_number(tensor)]


def is_finite(hand, name):
    return bool(joined(outputs(hand, name)).isfinite().all())


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


def has_sick_variance(hand, name):
    return not hand.modules[name].training and not (hand.modules[name].running_var > 0).all()


TRUE_OF = {
    "gradient_cut_off": is_cut_off,
    "constant": lambda hand, name: (
        is_same_for_all_samples(hand, name)
        and not any(is_same_for_all_samples(hand, one) for one in earlier(hand, name))
    ),
    "dead": lambda hand, name: not joined(outputs(hand, name)).any(),
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
    hand = hand_of(HEALTHY[name])
    learned = {one: p for one, p in hand.modules[""].named_parameters() if p.requires_grad}
    assert {one for one, p in learned.items() if is_zero(hand.gradient(p))} == set(HEALTHY[name].without_gradient)
    assert all(is_finite(hand, one) for one in hand.calls)
    assert all(std(one - one[:1]) > 1e-3 * std(one) for one in outputs(hand, "") if one.requires_grad)


@pytest.mark.parametrize("name", SICK)
def test_a_sick_network_has_its_fault_at_its_layer(name):
    row = SICK[name]
    assert TRUE_OF[row.source.split("|")[0]](hand_of(row), row.layer)


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
