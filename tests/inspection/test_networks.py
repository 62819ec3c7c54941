"""What a probe says of a hundred networks: each figure against hooks by hand, each fault found, none made up."""

import re
from functools import cache

import pytest
import torch
from inspection.networks.by_hand import by_hand, leaves
from inspection.networks.row import made
from inspection.networks.table import HEALTHY, SICK
from torch import nn

from normbench.evidence.probe.probe_report import read_probe
from normbench.inspection.probe import probe_model

ROWS = HEALTHY | SICK


@cache
def probed(name):
    """Return the probe of a network; each is made once for all tests, which only read it."""
    model, inputs = made(ROWS[name])
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(1)
        return probe_model(model, inputs, seed=0)


def findings_of(name):
    return read_probe(name, "", [probed(name)]).findings


@cache
def counted(name):
    """Return what hooks by hand keep of the same network in a run of its own."""
    model, inputs = made(ROWS[name])
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(1)
        return by_hand(model, inputs, seed=0)


def call_of(reading):
    """Return the module's name and which of its calls the row describes, None for all of them."""
    name, _, number = reading.layer.partition("#")
    is_per_call = number or reading.role == "activation"
    return "" if name == "(model)" else name, int(number or 1) - 1 if is_per_call else None


def said_of(found):
    return " ".join((found.sentence(), found.figure, found.why, found.way_out, *found.layers)).lower()


@pytest.mark.parametrize("name", ROWS)
def test_every_figure_is_what_hooks_by_hand_give(name):
    hand = counted(name)
    for reading in probed(name).layers:
        wanted = hand.figures(*call_of(reading))
        found = {key: value for key, value in reading.figures.items() if key in wanted or key.endswith("grad_std")}
        assert found == pytest.approx(wanted, rel=1e-6, abs=0, nan_ok=True), reading.layer


def is_layer(module):
    """Return whether it owns a matrix, filters or vectors to look up, and none inside it is called for it."""
    has_matrix = any(weight.dim() > 1 for weight in module.parameters(recurse=False))
    return has_matrix and (isinstance(module, nn.MultiheadAttention) or not list(module.children()))


def puts_out_numbers(hand, name):
    """Return whether it was called with any sample, as an expert that none chose was not."""
    return any(tensor.numel() for tensor in leaves(hand.calls[name]))


@pytest.mark.parametrize("name", ROWS)
def test_every_layer_with_a_matrix_has_a_row(name):
    hand, rows = counted(name), {reading.layer for reading in probed(name).layers}
    layers = {one for one in hand.calls if is_layer(hand.modules[one])}
    assert {one for one in layers if puts_out_numbers(hand, one)} <= rows


@pytest.mark.parametrize("name", HEALTHY)
def test_of_a_healthy_network_nothing_is_warned_and_only_what_its_row_tells_is_noted(name):
    found = findings_of(name)
    assert [one.sentence() for one in found if one.level != "note"] == []
    assert sorted(one.source for one in found) == sorted(HEALTHY[name].notes), [one.sentence() for one in found]


@pytest.mark.parametrize("name", SICK)
def test_the_fault_of_a_sick_network_is_named_with_its_layer_and_cause(name):
    row = SICK[name]
    found = findings_of(name)
    told = [(one.source, one.sentence()) for one in found]
    right = [one for one in found if re.fullmatch(row.source, one.source) and one.level != "note"]
    assert right, told
    at_layer = [one for one in right if not row.layer or one.layers[:1] == (row.layer,)]
    assert at_layer, told
    assert any(all(re.search(word, said_of(one)) for word in row.words) for one in at_layer), told


@pytest.mark.parametrize("name", SICK)
def test_of_a_sick_network_nothing_else_is_warned(name):
    row = SICK[name]
    allowed = {*row.source.split("|"), *row.also}
    warned = [one for one in findings_of(name) if one.level != "note"]
    assert [(one.source, one.sentence()) for one in warned if one.source not in allowed] == []
