"""Networks that make their norms with an argument: what they make with it, what stays, and what is refused."""

import copy
import pickle

import pytest
import torch
from command_line import normbench
from own_networks import own_study, write_study

from normbench.errors import ConfigError
from normbench.models.base import built_norms
from normbench.study.own_network import own_network
from normbench.study.own_norms import own_norms

NETS = """\
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width, classes, norm_layer, act=True):
        super().__init__()
        self._norm_layer = norm_layer
        self.first, self.norm = nn.Linear(4, width), norm_layer(width, eps=1e-3)
        self.second, self.last = nn.Linear(width, width), norm_layer(num_channels=[width])
        self.act = nn.ReLU() if act else nn.Identity()
        self.head = nn.Linear(width, classes)
        nn.init.zeros_(self.last.weight)

    def forward(self, x):
        x = self.act(self.norm(self.first(x)))
        return self.head(x + self.last(self.second(x)))


def own_norm(num_channels, **_):
    return nn.BatchNorm1d(num_channels[0] if isinstance(num_channels, list) else num_channels)


def build(output_shape, norm_layer=own_norm):
    return Block(6, *output_shape, norm_layer)


def fused(output_shape, norm_layer=None):
    return Block(6, *output_shape, norm_layer or own_norm, act=norm_layer is None)


def drawing(output_shape, norm_layer=None):
    network = Block(6, *output_shape, norm_layer or own_norm)
    if norm_layer:
        nn.init.normal_(network.second.weight)
    return network


def deaf(output_shape, norm_layer=None):
    return Block(6, *output_shape, own_norm)


def unheard(output_shape, norm_layer=None):
    network = Block(6, *output_shape, own_norm)
    network.spare = norm_layer(6) if norm_layer else None
    return network


def wrong(output_shape, norm_layer=None):
    return Block(6, *output_shape, own_norm if norm_layer is None else lambda *_, **__: norm_layer("6"))


def without(output_shape):
    return Block(6, *output_shape, own_norm)
"""


def arms(build="build", argument="norm_layer", **settings):
    model = {"name": "own", "build": f"my_net:{build}", **settings}
    norms = {"kept": "kept", "none": "none", "rms": "rms_norm", "gn": {"name": "group_norm", "num_groups": 2}}
    return own_study(
        modules={"my_net.py": NETS},
        model=model,
        swap={"norm_argument": argument},
        arms={name: {"norm": norm} for name, norm in norms.items()},
    ).arms


def refusal(build, argument="norm_layer", **settings):
    with pytest.raises(ConfigError) as caught:
        arms(build, argument, **settings)
    return str(caught.value).splitlines()[0].partition(": ")[2]


def test_the_arms_norm_stands_wherever_the_argument_made_one_and_all_else_is_the_same():
    networks = {name: own_network(config, 3) for name, config in arms().items()}
    assert {name: type(one.norm).__name__ for name, one in networks.items()} == {
        "kept": "BatchNorm1d",
        "none": "Identity",
        "rms": "RMSNorm",
        "gn": "GroupNorm",
    }
    kept = dict(networks["kept"].named_parameters())
    for one in networks.values():
        assert all(
            torch.equal(kept[f"{name}.weight"], getattr(one, name).weight) for name in ("first", "second", "head")
        )
    assert {name: spec.spec.num_groups for name, spec in built_norms(networks["gn"]).items()} == {"norm": 2, "last": 2}
    assert not networks["gn"].last.weight.any()  # as the network began it
    assert networks["gn"].norm.weight.all()
    for twin in (copy.deepcopy(networks["gn"]), pickle.loads(pickle.dumps(networks["gn"]))):
        assert torch.equal(twin(torch.ones(2, 4)), networks["gn"](torch.ones(2, 4)))


def test_the_audit_says_what_was_made_and_whether_other_weights_are_equal():
    out = normbench(
        "audit", write_study(modules={"my_net.py": NETS}, swap={"norm_argument": "norm_layer"}, norm="none")
    )
    assert (out.code, out.err) == (0, "")
    assert "0 norms found, 0 swapped, 0 kept; 2 made by norm_layer=; parameters" in " ".join(out.out.split())
    assert own_norms(arms()["gn"]).audit.elsewhere == "equal to those with its own norms"
    told = own_norms(arms("drawing")["gn"]).audit.elsewhere
    assert told == "5 equal to those with its own norms, 1 not (second.weight)"


def test_an_argument_that_loses_activations_or_makes_no_norm_is_refused():
    assert refusal("fused") == (
        "swap.norm_argument: must leave activation functions as they are; without it 1 run, with it 0, got "
        "'norm_layer'. Leave it out, and norms are replaced where they are found."
    )
    assert "swap.norm_argument: must make the network's norms, it was not called, got" in refusal("deaf")
    assert "must make norms that the network calls, it calls none of them, got" in refusal("unheard")
    assert "must be called with a number of channels, the network calls norm_layer with another" in refusal("wrong")
    assert refusal("without") == (
        "swap.norm_argument: must be an argument of my_net:without, got 'norm_layer'. It has output_shape."
    )
    assert "Did you mean 'norm_layer'?" in refusal("build", "norm_layers")
    given_twice = refusal("fused", settings={"norm_layer": 0})
    assert "swap.norm_argument: must not stand under model.settings too, got 'norm_layer'" in given_twice
