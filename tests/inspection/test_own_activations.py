"""Norms that end with an activation: the one behind them is left out, and preflight finds where that cannot be."""

import pytest
import torch
from inspection.preflight_cases import IMAGES, POINTS, SEQUENCES, SMALL_IMAGES, found, layers
from torch import nn
from torch.nn import functional as F  # noqa: N812 - torch's idiom

from normbench.norm_swap.graph_behind import activations_behind, watching_outputs
from normbench.parts import find_specs
from normbench.study.config import RunConfig
from normbench.study.network import network_without_numbers

ACTIVATING = [name for name, spec in find_specs("normbench.norms").items() if spec.own_activation]
AFTER = {"model": {**POINTS["model"], "norm_position": "after_activation"}, "dataset": POINTS["dataset"]}
RECURRENT = {"model": {"name": "rnn", "hidden_features": 4}, "dataset": "sequences"}
NOWHERE: dict = {
    "lenet": (IMAGES, []),
    "mlp": (POINTS, []),
    "mlp, norm after the activation": (AFTER, ["hidden1.norm", "hidden2.norm"]),
    "rnn": (RECURRENT, ["cell.input.norm", "cell.hidden.norm"]),
    "resnet": (
        SMALL_IMAGES,
        [
            f"stage{i}.block1.{place}.norm"
            for i in (1, 2, 3)
            for place in ("conv2", "shortcut")
            if (i, place) != (1, "shortcut")
        ],
    ),
    "transformer": (
        SEQUENCES,
        [*(f"block{i}.{place}.norm" for i in (1, 2) for place in ("attention", "feedforward1")), "output.norm"],
    ),
}
"""Where each model has a norm and no activation right behind it."""


def test_there_are_norms_with_an_activation_of_their_own():
    assert {"evo_norm_s0", "filter_response_norm"} <= {*ACTIVATING}


@pytest.mark.parametrize("norm", ACTIVATING)
@pytest.mark.parametrize(("settings", "expected"), NOWHERE.values(), ids=NOWHERE)
def test_models_leave_the_activation_out_or_preflight_warns(norm, settings, expected):
    warned = found("warning", "own_activations", norm=norm, **settings)
    assert layers(warned) == expected
    assert all("puts an activation where the network has none" in one.what for one in warned)
    assert not found(check="own_activations", norm="group_norm" if settings is IMAGES else "layer_norm", **settings)


@pytest.mark.parametrize("norm", ACTIVATING)
def test_only_the_activation_right_behind_the_norm_is_left_out(norm):
    network = network_without_numbers(RunConfig.model_validate({**IMAGES, "norm": norm}))
    assert network.conv1.stages == ("norm", "pool")
    assert network.fc2.stages == ("activation",)  # without a norm


class Net(nn.Module):
    """A norm, then an activation, called in one of several ways."""

    def __init__(self, then):
        super().__init__()
        self.norm, self.then = nn.GroupNorm(2, 4), then

    def forward(self, x):
        return {"out": (self.then(self.norm(x)) * 2).mean((2, 3))}


WAYS = {
    "relu": F.relu,
    "relu in place": lambda x: F.relu(x, inplace=True),
    "leaky_relu": F.leaky_relu,
    "gelu": nn.GELU(),
    "silu": F.silu,
    "tanh behind a transpose": lambda x: x.transpose(2, 3).tanh(),
    "relu behind a pool": lambda x: F.relu(F.max_pool2d(x, 2)),
    "hardtanh": nn.ReLU6(),
    "": lambda x: x + 1,
    " behind an addition": lambda x: F.relu(x + 1),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_activation_that_takes_an_output_is_found_however_it_is_called(way):
    network = Net(WAYS[way])
    with watching_outputs(network, ["norm"]) as nodes:
        out = network(torch.randn(2, 4, 4, 4))["out"]
    name = way.split(" ", maxsplit=1)[0]
    assert activations_behind([out.grad_fn], nodes) == ({"norm": name} if name else {})
