"""What a swap does to the meaning of a network: where positions are mixed, padding counts, outputs become equal."""

from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - torch's idiom

from normbench.norm_swap.meaning.causality import causality_of, find_leak
from normbench.norm_swap.meaning.equal_outputs import find_dead_norms, find_equal_outputs, output_spread
from normbench.norm_swap.meaning.padding import find_counted_padding, padded_samples
from normbench.norm_swap.swap import swap_norms

GROUPS = {"name": "group_norm", "num_groups": 2}
BY_POSITION = {"name": "layer_norm", "over": "position"}


class Recurrent(nn.Module):
    def __init__(self, bidirectional=False):
        super().__init__()
        self.lstm = nn.LSTM(3, 4, batch_first=True, bidirectional=bidirectional)
        self.norm, self.out = nn.LayerNorm(8 if bidirectional else 4), nn.LazyLinear(2)

    def forward(self, x):
        return self.out(self.norm(self.lstm(x)[0])[:, -1])


class Masked(nn.Module):
    """Attention that leaves out later tokens, padding, or neither; tokens are whole numbers, 0 is padding."""

    def __init__(self, causal):
        super().__init__()
        self.embed, self.norm1 = nn.Embedding(9, 8), nn.LayerNorm(8)
        self.mixing, self.norm2, self.out = nn.Linear(8, 24), nn.LayerNorm(8), nn.Linear(8, 9)
        self.causal = causal

    def forward(self, x):
        h = self.embed(x)
        query, key, value = self.mixing(self.norm1(h)).chunk(3, -1)
        seen = torch.ones(x.shape[1], x.shape[1]).tril().bool() if self.causal else (x != 0)[:, None]
        h = h + (query @ key.mT).masked_fill(~seen, -1e9).softmax(-1) @ value
        return self.out(self.norm2(h)) if self.causal else self.out(self.norm2(h)[:, 0])


class CausalConv(nn.Conv1d):
    def forward(self, x):
        return super().forward(F.pad(x, (self.kernel_size[0] - 1, 0)))


def causal_convs():
    return nn.Sequential(CausalConv(3, 4, 2), nn.BatchNorm1d(4), nn.ReLU(), CausalConv(4, 4, 2), nn.BatchNorm1d(4))


def points():
    return nn.Sequential(nn.Conv1d(3, 4, 1), nn.BatchNorm1d(4), nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(4, 2))


def images():
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten())


STEPS, CHANNELS_FIRST, IMAGES = torch.randn(4, 6, 3), torch.randn(4, 3, 6), torch.randn(4, 1, 5, 5)
TOKENS = torch.randint(0, 9, (4, 6))


def both(make, norm, x):
    """Return a network with its own norms, the same with another, and the names of these."""
    kept = make()
    swap_norms(kept, "kept", x)  # which also gives lazy layers their shape
    swapped = deepcopy(kept)
    return kept, swapped, [site.path for site in swap_norms(swapped, norm, x).swapped]


def leak_of(make, norm, x):
    kept, swapped, names = both(make, norm, x)
    return find_leak(swapped, x, names, causality_of(kept, x, names))


@pytest.mark.parametrize("norm", [GROUPS, "batch_norm", {"name": "layer_norm", "over": "sample"}], ids=str)
def test_norms_over_positions_give_a_language_model_away(norm):
    leak = leak_of(lambda: Masked(causal=True), norm, TOKENS)
    assert (leak.name, leak.training, leak.position) == ("norm1", True, 0)
    assert leak.change > 1e-3


def test_a_recurrent_network_is_causal_in_one_direction_alone():
    assert leak_of(Recurrent, GROUPS, STEPS).name == "norm"
    assert leak_of(lambda: Recurrent(bidirectional=True), GROUPS, STEPS) is None


def test_norms_over_the_batch_hide_a_leak_in_training_and_not_in_evaluation():
    leak = leak_of(causal_convs, GROUPS, CHANNELS_FIRST)
    assert (leak.name, leak.training) == ("1", False)


@pytest.mark.parametrize(("make", "x"), [(lambda: Masked(causal=True), TOKENS), (causal_convs, CHANNELS_FIRST)])
def test_norms_of_each_position_mix_nothing(make, x):
    assert leak_of(make, BY_POSITION, x) is None


@pytest.mark.parametrize(("make", "x"), [(points, CHANNELS_FIRST), (images, IMAGES)])
def test_points_and_images_have_no_order_to_keep(make, x):
    assert leak_of(make, GROUPS, x) is None


def padded_tokens():
    tokens = torch.randint(1, 9, (5, 6))
    for row, length in enumerate((6, 3, 4, 2, 6)):
        tokens[row, length:] = 0
    return tokens


def test_padding_counts_where_statistics_are_over_positions():
    kept, swapped, _ = both(lambda: Masked(causal=False), GROUPS, padded_tokens())
    found = find_counted_padding(kept, swapped, padded_tokens())
    assert found.change > 1e-3 > 1e-5 > found.change_before
    kept, swapped, _ = both(lambda: Masked(causal=False), BY_POSITION, padded_tokens())
    assert find_counted_padding(kept, swapped, padded_tokens()) is None


def test_the_most_padded_samples_are_chosen_and_cut_by_what_all_of_them_have():
    samples, num_positions = padded_samples(padded_tokens())
    assert (len(samples), num_positions) == (3, 2)
    assert padded_samples(torch.randn(4, 6, 3)) is None
    assert padded_samples(torch.zeros(4, 6, 3)) is None, "all alike: nothing tells zeros from padding"


def test_outputs_that_a_norm_makes_equal_are_told_from_those_that_were_so():
    kept, swapped, _ = both(images, "instance_norm", IMAGES)
    found = find_equal_outputs(swapped, IMAGES, output_spread(kept, IMAGES))
    assert found.spread < 1e-4 * found.spread_before
    assert find_equal_outputs(swapped, IMAGES, before=0.0) is None


def test_a_norm_whose_weight_is_zero_is_not_dead():
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(1, 4, 1), nn.GroupNorm(4, 4))
    assert find_dead_norms(network, IMAGES, {"2": 1}) == ("2",)
    nn.init.zeros_(network[2].weight)
    assert find_dead_norms(network, IMAGES, {"2": 1}) == ()
