"""Norms in the user's own network, as a run makes it."""

from pathlib import Path
from textwrap import dedent

import pytest
import torch

from normbench.models.base import built_norms
from normbench.own_code.source_folder import reading_from
from normbench.study.config import RunConfig
from normbench.study.own_network import own_network

OWN = """
    import torch
    from torch import nn

    def build():
        conv = nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8, eps=1e-3), nn.ReLU(), nn.Dropout(0.5)
        return nn.Sequential(*conv, nn.Flatten(), nn.Linear(8 * 196, 2))

    class Drawn(nn.Module):
        def __init__(self, num_features):
            super().__init__()
            self.gain = nn.Parameter(torch.randn(num_features))

        def forward(self, x):
            return x * self.gain.view(-1, 1, 1)
"""


@pytest.fixture
def network(tmp_path):
    Path("own_net.py").write_text(dedent(OWN))

    def make(norm, seed=0):
        with reading_from(tmp_path):
            settings = {"model": {"name": "own", "build": "own_net:build"}, "dataset": "gratings", "norm": norm}
            return own_network(RunConfig.model_validate(settings), seed)

    return make


def test_all_arms_share_all_other_initial_weights(network):
    kept, none, grouped = network("kept"), network("none"), network({"name": "group_norm", "num_groups": 4})
    for other in (none, grouped):
        for k in (0, 5):
            assert torch.equal(kept[k].weight, other[k].weight)
    assert (built_norms(grouped)["1"].spec.num_groups, grouped[1].eps) == (4, 1e-3)


def test_norms_that_draw_their_weights_draw_them_by_the_runs_seed(network):
    norm = {"name": "own", "layer": "own_net:Drawn"}
    gains = [network(norm, seed)[1].gain for seed in (0, 0, 1)]
    assert torch.equal(gains[0], gains[1])
    assert not torch.equal(gains[0], gains[2])
