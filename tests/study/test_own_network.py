"""Callables that a user may write: what cannot be trained is told in one line before anything runs."""

import random
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import rich.progress  # noqa: F401 - importing it draws from Python's generator
import torch
from command_line import normbench
from own_networks import NET, own_study, write_study

from normbench.errors import ConfigError
from normbench.study.network import network_without_numbers
from normbench.training.build import build_training

HOSTILE = """\
import sys, warnings
import torch
from torch import nn

ONCE = nn.Linear(4, 2)
SHARED = nn.Linear(4, 4)
CALLS = []


class Scores(nn.Module):
    def __init__(self, forward):
        super().__init__()
        self.fc, self.f = nn.Linear(4, 2), forward

    def forward(self, x):
        return self.f(self.fc, x)


class Frozen(nn.Linear):
    def __init__(self):
        super().__init__(4, 2)
        self.requires_grad_(False)


class Listed(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(4, 2)]

    def forward(self, x):
        return self.layers[0](x)


class OnlyTraining(nn.Linear):
    def forward(self, x):
        y = super().forward(x)
        return (y, y) if self.training else y


def never_the_same():
    CALLS.append(1)
    net = nn.Linear(4, 2)
    net.bias.data.fill_(len(CALLS))
    return net


def raises():
    return {}["width"]


def exits():
    sys.exit("bye")


def needs(width):
    return nn.Linear(4, width)


def number():
    return 7


def once():
    return ONCE


def shares():
    return nn.Sequential(SHARED, nn.Linear(4, 2))


def identity():
    return nn.Identity()


def scripted():
    warnings.simplefilter("ignore")
    return torch.jit.script(nn.Linear(4, 2))


def parallel():
    return nn.DataParallel(nn.Linear(4, 2))


def in_forward(text):
    return Scores(lambda fc, x: eval(text, {"fc": fc, "x": x, "torch": torch, "sys": sys}))


def sparse():
    return nn.Sequential(Longs(), nn.Embedding(9, 2, sparse=True), Mean())


class Longs(nn.Module):
    def forward(self, x):
        return x.abs().long().clamp(0, 8)


class Mean(nn.Module):
    def forward(self, x):
        return x.mean(1)


def normed():
    return nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


class Fewer(nn.Module):
    def __init__(self, channels):
        super().__init__()

    def forward(self, x):
        return x[:1]


def lazy(channels):
    return nn.LazyLinear(channels)


def scripted_norm(channels):
    warnings.simplefilter("ignore")
    return torch.jit.script(nn.Linear(channels, channels))
"""
REFUSED_NORMS = {
    "Fewer": "norm.layer: must leave all else as it was; the norm in place of 1 turned (4, 4) into (1, 4), got ",
    "lazy": "norm.layer: must have the shapes of all parameters when it is made, that of weight is left open",
    "scripted_norm": "norm.layer: must be Python code, whose layers can be watched (in the place of 1), got ",
}
REFUSED = {
    "raises": "must return a network, calling it ended with my_net.py line 48: KeyError: 'width'",
    "exits": "must return a network, calling it ended with my_net.py line 52: SystemExit: bye",
    "needs": "must return a network, calling it ended with TypeError: needs() missing 1 required positional argument",
    "number": "must return a torch.nn.Module, it returned a int",
    "ONCE": "must be a function or class that returns a network, it is a Linear",
    "CALLS": "must be a function or class that returns a network, it is a list",
    "nowhere": "must name something in my_net, which has no 'nowhere'",
    "once": "must make a new network at each call, it returned the same one the second time",
    "shares": "must make a new network at each call, it returned one that shares parameters with the one before",
    "never_the_same": "must draw the same weights for the same seed, bias was another the second time",
    "identity": "must have parameters, the network has none",
    "Listed": "must have parameters, the network has none",
    "Frozen": "must have parameters that learn, all 2 have requires_grad False",
    "scripted": "must be Python code, whose layers can be watched, it holds a RecursiveScriptModule",
    "parallel": "must be made of plain modules of one process, it holds a DataParallel",
    "sparse": "must have gradients that are not sparse, that of 1.weight is",
}
REFUSED_FORWARD = {
    "fc(x).nothere": "must take a batch of shape (4, 4), it ended with my_net.py line 85: AttributeError",
    "sys.exit(3)": "must take a batch of shape (4, 4), it ended with my_net.py line 85: SystemExit: 3",
    "fc(x)[:, :1]": "must put out (4, 2) for a batch of 4, it put out (4, 1) in evaluation",
    "fc(x).argmax(1)": "must put out (4, 2) for a batch of 4, it put out (4,) in evaluation",
    "fc(x).long()": "must put out floating-point numbers, it put out int64 in evaluation",
    "fc(x) / 0 * 0": "must put out finite numbers for training samples, it put out nan in evaluation",
    "fc(x).exp() / 0": "must put out finite numbers for training samples, it put out inf in evaluation",
    "fc(x.mul_(2))": "must leave its input as it is, in evaluation it wrote over it",
    "fc(x.relu_() if fc.training else x)": "must leave its input as it is, in training it wrote over it",
    "fc(x).detach()": "must put out what its parameters can learn from, its output has no gradient",
    "torch.no_grad()(fc.forward)(x)": "must put out what its parameters can learn from, its output has no gradient",
    "torch.set_grad_enabled(False) and fc(x)": "must leave the process as it is, in evaluation its forward changed "
    "whether gradients are taken",
    "(__import__('os').chdir('/'), fc(x))[1]": "must leave the process as it is, in evaluation its forward changed "
    "the current folder",
    "{'scores': fc(x)}": "must put out a tensor, in evaluation its forward gave a dict",
    "fc(x.double())": "must take a batch of shape (4, 4), it ended with my_net.py line 85: RuntimeError",
}


def refusal(**settings):
    with pytest.raises(ConfigError) as caught:
        own_study(modules={"my_net.py": HOSTILE}, **settings)
    (line,) = caught.value.complaints
    assert "\n" not in line
    return line


@pytest.mark.parametrize(("name", "why"), REFUSED.items(), ids=REFUSED)
def test_what_makes_no_network_is_told_in_one_line(name, why):
    line = refusal(model={"name": "own", "build": f"my_net:{name}"})
    assert line.startswith(f"own.yaml:9: model.build: {why}")
    assert f"got 'my_net:{name}'. " in line
    assert line.endswith((".", "?"))


@pytest.mark.parametrize(("name", "why"), REFUSED_NORMS.items(), ids=REFUSED_NORMS)
def test_what_is_no_norm_is_told_in_one_line(name, why):
    line = refusal(model={"name": "own", "build": "my_net:normed"}, norm={"name": "own", "layer": f"my_net:{name}"})
    assert f": {why}" in line


def test_a_network_of_other_numbers_is_told_which_it_is_given():
    line = refusal(model={"name": "own", "build": "my_net:in_forward", "settings": {"text": "fc(x.double())"}})
    assert "It is given float32, and its weights must be float32 too." in line


def test_batch_norm_on_one_sample_is_told_the_batch_size_to_use():
    text = "fc(torch.nn.functional.batch_norm(x, None, None, training=True))"
    line = refusal(model={"name": "own", "build": "my_net:in_forward", "settings": {"text": text}}, batch_size=1)
    assert line.endswith("Its batch norm cannot train on one sample without positions: use batch_size: 2 or more.")


@pytest.mark.parametrize(("text", "why"), REFUSED_FORWARD.items(), ids=REFUSED_FORWARD)
def test_a_network_that_cannot_be_trained_is_told_in_one_line(text, why):
    line = refusal(model={"name": "own", "build": "my_net:in_forward", "settings": {"text": text}})
    assert f": {why}" in line


def test_outputs_in_training_alone_are_told_too():
    sizes = {"in_features": 4, "out_features": 2}
    line = refusal(model={"name": "own", "build": "my_net:OnlyTraining", "settings": sizes})
    assert "model.output: must put out a tensor, in training its forward gave a tuple, got None. Say which" in line


def test_all_settings_that_do_not_go_with_it_are_told_at_once_with_the_way_out():
    wrong = {"dropout": 0.5, "init": "normal", "init_scale": 2.0, "checkpointing": True}
    with pytest.raises(ConfigError) as caught:
        own_study(**wrong, weight_parametrization="weight_norm", model={"name": "own", "build": "my_net:absent"})
    told = [line.partition(": ")[2] for line in caught.value.complaints]
    assert told == [
        (
            "dropout: must be 0 with model: own, whose dropout is its own, got 0.5. Give its probability under "
            "model.settings."
        ),
        (
            "init: must be default with model: own, whose initial weights are its own, got 'normal'. Draw them where "
            "the network is made."
        ),
        (
            "init_scale: must be 1 with model: own, whose initial weights are its own, got 2.0. Scale them where the "
            "network is made."
        ),
        (
            "weight_parametrization: must be none with model: own, whose layers are its own, got 'weight_norm'. Use "
            "torch.nn.utils.parametrizations where it is made."
        ),
        (
            "checkpointing: must be false with model: own, whose forward is its own, got True. Use "
            "torch.utils.checkpoint in it."
        ),
        "model.build: must name something in my_net, which has no 'absent', got 'my_net:absent'. Check the name.",
    ]


def test_normbenchs_own_models_have_no_norms_to_keep():
    with pytest.raises(ConfigError) as caught:
        own_study(model="mlp", norm="kept", swap={"where": ["*"]})
    kept, swapped = [line.partition(": ")[2] for line in caught.value.complaints]
    assert kept.startswith("norm: must name a norm, or none, with model: mlp, which has none to keep, got 'kept'.")
    assert swapped.startswith("swap: must be left out with model: mlp, which is built with its norm, got")


DISTURBING = """\
import os, random, signal, sys, warnings
import numpy as np
import torch
from torch import nn

def disturb():
    print("LOUD")
    torch.manual_seed(1), np.random.seed(2), random.seed(3), torch.rand(3)
    torch.set_default_dtype(torch.float64), torch.set_num_threads(2), torch.set_grad_enabled(False)
    torch.set_deterministic_debug_mode(1), torch.autograd.set_detect_anomaly(True)
    torch.set_float32_matmul_precision("high"), torch.backends.mha.set_fastpath_enabled(False)
    torch.backends.cudnn.benchmark = not torch.backends.cudnn.benchmark
    os.chdir("/"), sys.path.insert(0, "/nowhere"), sys.path.reverse(), sys.argv.append("--odd")
    warnings.simplefilter("error"), signal.signal(signal.SIGINT, signal.SIG_IGN)

if "import" in DISTURBS:
    disturb()

class Net(nn.Linear):
    def forward(self, x):
        print("LOUD")
        return super().forward(x)

def build():
    net = Net(4, 2, dtype=torch.float32)
    if "build" in DISTURBS:
        disturb()
    return net
"""


def process_state():
    return {
        "torch": (torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled()),
        "flags": (torch.get_deterministic_debug_mode(), torch.is_anomaly_enabled()),
        "precision": (torch.get_float32_matmul_precision(), torch.backends.mha.get_fastpath_enabled()),
        "random": (torch.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1].tolist()),  # noqa: NPY002
        "process": (Path.cwd(), sys.argv, signal.getsignal(signal.SIGINT), torch.backends.cudnn.benchmark),
        "path": [entry for entry in sys.path if entry != "/nowhere" and "pytest" not in entry],
    }


@pytest.mark.usefixtures("small_test_sets")
@pytest.mark.parametrize("when", ["import", "build"])
def test_what_its_code_does_to_the_process_is_undone_and_what_it_prints_is_no_answer(when):
    text = f"DISTURBS = {{{when!r}}}\n{DISTURBING}"
    path, before = write_study(modules={"my_net.py": text}, recording={"tensorboard": False}), process_state()
    answer = normbench("run", path, "--json", "--quiet")
    assert answer.code == 0, answer.err
    assert process_state() == before
    assert "LOUD" in answer.err
    assert "LOUD" not in answer.out


@pytest.mark.usefixtures("small_test_sets")
def test_slow_code_is_imported_once_a_command_and_called_a_few_times_however_many_steps_there_are():
    text = NET.replace("    return Net(", "    print('MAKES')\n    return Net(") + "print('IMPORTS')\n"
    counts = []
    for num_steps in (2, 20):
        settings = {"num_steps": num_steps, "recording": {"tensorboard": False}}
        path = write_study(Path(f"{num_steps}"), modules={"my_net.py": text}, **settings)
        told = normbench("run", path, "--quiet").err
        assert told.count("IMPORTS") == 1
        counts.append(told.count("MAKES"))
    assert max(counts) <= 6


def test_the_callable_may_ask_for_shapes_and_gets_its_settings():
    text = "def make(input_shape, output_shape, b):\n    return nn.Linear(*input_shape, *output_shape, b)"
    text = f"from torch import nn\n{text}"
    study = own_study(modules={"net.py": text}, model={"name": "own", "build": "net:make", "settings": {"b": False}})
    (config,) = study.arms.values()
    assert [tuple(p.shape) for p in network_without_numbers(config).parameters()] == [(2, 4)]


@pytest.mark.parametrize(("output", "returns"), [("logits", "{'logits': y}"), (1, "(None, y)"), ("logits", "Named(y)")])
def test_one_part_of_what_a_network_puts_out_is_its_output(output, returns):
    text = f"""
from collections import namedtuple
from torch import nn
Named = namedtuple("Named", "logits")
class Net(nn.Linear):
    def forward(self, x):
        y = super().forward(x)
        return {returns} if self.training else y
def make():
    return Net(4, 2)
"""
    model = {"name": "own", "build": "net:make"}
    (config,) = own_study(modules={"net.py": text}, model=model | {"output": output}).arms.values()
    training, _ = build_training(config, 0)
    assert training.model(torch.ones(3, 4)).shape == (3, 2)
    with pytest.raises(ConfigError, match=r"model.output: must name a part of the .* that the network puts out"):
        own_study(modules={"net.py": text}, model=model | {"output": "absent"})


def test_a_seed_decides_the_weights_whatever_was_imported_or_drawn_before():
    text = "import torch\ntorch.manual_seed(7)\n" + NET.replace("Net(width", "seeded(width").replace(
        "def build",
        "def seeded(*sizes):\n    import numpy as np, random\n    net = Net(*sizes)\n"
        "    net.head.bias.data.fill_(np.random.rand() + random.random())\n    return net\n\n\ndef build",
    )
    (config,) = own_study(modules={"my_net.py": text}).arms.values()
    weights = []
    for seed in (0, 1, 0):
        torch.rand(5), np.random.rand(3), random.random()  # noqa: NPY002
        weights.append(torch.cat([p.flatten() for p in build_training(config, seed)[0].model.parameters()]))
    assert torch.equal(weights[0], weights[2])
    assert not torch.equal(weights[0], weights[1])


def test_a_network_that_was_called_or_trained_where_it_is_made_is_taken_as_it_is():
    text = NET.replace(
        "    return Net(width, *output_shape)",
        "    net = Net(width, *output_shape)\n    net(torch.randn(8, 4)).sum().backward()\n"
        "    torch.optim.SGD(net.parameters(), 0.1).step()\n    return net.eval()",
    )
    (config,) = own_study(modules={"my_net.py": text}).arms.values()
    model = build_training(config, 0)[0].model
    assert model.norm.num_batches_tracked == 1, "that of the call where it is made"
    assert all(module.training for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())


LAZY = """
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.LazyLinear(2)
    def forward(self, x):
        return self.fc(x)
"""
AT_FIRST_CALL = """
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4)
    def forward(self, x):
        if not hasattr(self, "fc"):
            self.fc = nn.Linear(4, 2)
        return self.fc(self.first(x))
"""


@pytest.mark.parametrize("text", [LAZY, AT_FIRST_CALL], ids=["lazy", "made when called"])
def test_layers_that_are_made_at_the_first_call_are_trained_too(text):
    model = {"name": "own", "build": "my_net:Net"}
    (config,) = own_study(modules={"my_net.py": text}, model=model).arms.values()
    training, _ = build_training(config, 0)
    trained = {id(p) for group in training.optimizer.param_groups for p in group["params"]}
    assert {id(training.model.fc.weight), id(training.model.fc.bias)} <= trained
