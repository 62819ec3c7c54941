"""Runs of a user's own network: its layers in files and reports, what decays, and the same bytes after a stop."""

import csv
import json
from pathlib import Path

import pytest
import torch
from command_line import normbench
from own_networks import NET, own_study, write_study
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from normbench.inspection.watch.network_layers import network_layers
from normbench.inspection.watch.parameter_groups import norm_parameters, split_parameters
from normbench.training.attempt import Interrupted
from normbench.training.experiment import run_experiment
from normbench.training.run_hooks import RunHooks

STATEFUL = """\
import random
import numpy as np
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.head, self.first = nn.Linear(6, 2), nn.Linear(4, 6)
        self.norm, self.drop = nn.BatchNorm1d(6), nn.Dropout(0.3)
        self.mine, self.own = np.random.default_rng(0), torch.Generator().manual_seed(5)
        self.calls, self.mean, self.seen = 0, torch.zeros(6), {"largest": [0.0]}

    def forward(self, x):
        y = self.norm(self.first(x))
        if self.training:
            self.calls += 1
            self.mean = 0.9 * self.mean + 0.1 * y.detach().mean(0)
            self.seen["largest"].append(float(y.detach().max()))
            noise = random.random() + np.random.rand() + self.mine.random() + torch.rand(1, generator=self.own)
            y = y * (1 + 0.1 * noise) + self.mean + 0.01 * self.calls + 0.1 * self.seen["largest"][-2]
        return self.head(self.drop(torch.relu(y)) + torch.rand(6) * self.training)


def build():
    return Net()
"""


def config_of(**settings):
    (config,) = own_study(**settings).arms.values()
    return config.on("cpu")


def made(config, folder, **hooks):
    Path(folder).mkdir(exist_ok=True)
    return run_experiment(config, 0, Path(folder), study="own", arm="kept", hooks=RunHooks(**hooks) if hooks else None)


def files_of(folder):
    events = EventAccumulator(str(next(Path(folder).glob("events*")).parent), {"histograms": 0}).Reload()
    tables = {path.name: path.read_bytes() for path in Path(folder).glob("*.csv")}
    return tables | {tag: events.Histograms(tag)[-1].histogram_value for tag in events.Tags()["histograms"]}


@pytest.mark.usefixtures("small_test_sets")
def test_a_run_that_was_stopped_goes_on_with_the_same_bytes_whatever_its_network_keeps():
    config = config_of(modules={"my_net.py": STATEFUL}, num_steps=9, recording={"every_steps": 2, "diagnostics": True})
    made(config, "whole")
    steps = iter(range(100))
    with pytest.raises(Interrupted):
        made(config, "parts", should_stop=lambda: next(steps) == 4)
    torch.rand(3)
    made(config, "parts")
    assert files_of("whole") == files_of("parts")


@pytest.mark.usefixtures("small_test_sets")
def test_every_layer_has_its_rows_and_histograms_under_its_own_path_in_the_order_of_the_calls():
    made(config_of(modules={"my_net.py": STATEFUL}), "run")
    summary = json.loads(Path("run/summary.json").read_text())
    assert [(one["name"], one["role"], one["has_norm"]) for one in summary["layers"]] == [
        ("first", "weights", True),
        ("norm", "norm", True),
        ("head", "weights", False),
    ]
    assert (summary["num_parameters"], summary["num_norm_parameters"]) == (4 * 6 + 6 + 12 + 6 * 2 + 2, 12)
    rows = {(row["layer"], row["kind"]) for row in csv.DictReader(Path("run/layer_stats.csv").read_text().splitlines())}
    for layer in ("first", "norm", "head"):
        assert {(layer, kind) for kind in ("weight", "grad", "activation", "activation_grad", "update")} <= rows
    assert {"01_first/weight", "01_first/weight_grad", "02_head/weight"} <= set(files_of("run"))


class Odd(nn.Module):
    """Layers of many kinds, registered in another order than they are called in."""

    def __init__(self):
        super().__init__()
        self.never = nn.Linear(3, 3)
        self.last = nn.Linear(8, 2)
        self.att, self.lstm = nn.MultiheadAttention(8, 2, batch_first=True), nn.LSTM(8, 8, batch_first=True)
        self.relu, self.norm, self.token = nn.ReLU(), nn.LayerNorm(8), nn.Parameter(torch.zeros(1, 1, 8))
        self.bag = nn.ModuleDict({"a/b": nn.Conv1d(1, 8, 3, padding=1)})

    def forward(self, x):
        y = self.relu(self.bag["a/b"](x[:, None])).transpose(1, 2)
        y = self.norm(self.lstm(torch.cat([y, self.token.expand(len(y), -1, -1)], 1))[0])
        return self.last(self.relu(self.att(y, y, y)[0]).mean(1))


def test_layers_are_listed_as_they_are_called_with_their_weights():
    model, x = Odd(), torch.randn(6, 4)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    layers = {layer.name: layer for layer in network_layers(model, x)}
    assert list(layers) == ["bag.a/b", "relu", "lstm", "norm", "att", "relu#2", "last"]
    assert layers["att"].weights == ("att.in_proj_weight", "att.out_proj.weight")
    assert layers["lstm"].weights == ("lstm.weight_ih_l0", "lstm.weight_hh_l0")
    assert [name for name, layer in layers.items() if layer.is_hidden] == ["bag.a/b", "lstm", "att"]
    assert [name for name, layer in layers.items() if layer.can_die] == ["relu", "relu#2"]
    assert (layers["bag.a/b"].unit_axis, layers["relu"].unit_axis, layers["relu#2"].unit_axis) == (1, 1, -1)
    assert layers["lstm"].has_norm
    assert not layers["att"].has_norm
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_weights_decay_and_nothing_else_with_decay_on_weights():
    model = Odd()
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    decayed, spared = ([names[id(one)] for one in group] for group in split_parameters(model, "weights"))
    assert {"token", "never.weight", "last.weight", "lstm.weight_hh_l0", "att.in_proj_weight"} <= set(decayed)
    assert all(name.endswith("bias") or "bias" in name or name.startswith("norm.") for name in spared)
    assert [names[id(one)] for one in norm_parameters(model)] == ["norm.weight", "norm.bias"]
    every, none = split_parameters(model, "all")
    assert (len(every), none) == (len(names), [])


LONG = f"""{NET}

class Long(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone_with_a_long_name = nn.ModuleList(Net(6, 4) for _ in range(16))
        self.output = nn.Linear(4, 2)

    def forward(self, x):
        for block in self.backbone_with_a_long_name:
            x = x + block(x)
        return self.output(x)
"""


@pytest.mark.usefixtures("small_test_sets")
def test_the_report_of_a_long_network_fits_on_a_screen():
    model = {"name": "own", "build": "my_net:Long"}
    path = write_study(modules={"my_net.py": LONG}, model=model, num_steps=2, recording={"tensorboard": False})
    answer = normbench("run", path)
    lines = [*answer.out.rstrip().splitlines(), *answer.err.rstrip().splitlines()]
    assert len(lines) <= 25
    assert max(map(len, lines)) <= 80
    assert "... " in answer.out
    every = normbench("run", path, "--layers", "all").out
    for block in range(16):
        for layer in ("first", "norm", "relu", "head"):
            assert f"backbone_with_a_long_name.{block}.{layer} " in every


@pytest.mark.usefixtures("small_test_sets")
@pytest.mark.parametrize(
    ("forward", "told"),
    [
        ("import sys; sys.exit(3)", "my_net.py line 16: SystemExit: 3: must not end the program. Take that line out."),
        ("x = x.nowhere", "my_net.py line 16: AttributeError: 'Tensor' object has no attribute 'nowhere'"),
    ],
)
def test_code_that_fails_in_a_later_step_fails_its_run_with_its_own_last_line(forward, told):
    text = NET.replace(
        "    def forward(self, x):\n",
        "        self.calls = 0\n\n    def forward(self, x):\n        self.calls += self.training\n"
        f"        if self.calls > 2:\n            {forward}\n",
    )
    answer = normbench("run", write_study(modules={"my_net.py": text}), "--quiet")
    assert answer.code == 1
    assert f"kept, seed 0: {told}" in answer.err


@pytest.mark.usefixtures("small_test_sets")
def test_settings_of_the_callable_can_be_varied_and_are_told_by_their_keys():
    path = write_study(recording={"tensorboard": False})
    answer = normbench("run", path, "--vary", "model.settings.width=3,5", "--quiet")
    assert answer.code == 0, answer.err
    assert {arm["settings"]["model.settings.width"] for arm in arms()} == {3, 5}
    told = normbench("compare", "runs/own", "--where", "model.settings.width=5", "--json").out
    assert [row["settings"]["model.settings.width"] for row in json.loads(told)[0]["rows"]] == [5]


def arms():
    return [json.loads(path.read_text()) for path in Path("runs/own").glob("*/arm.json")]
