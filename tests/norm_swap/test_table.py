"""An audit as text."""

from dataclasses import replace

import torch
from norm_swap import idioms
from norm_swap.idioms import NETWORKS, made
from torch import nn

import normbench
from normbench.norm_swap.swap import swap_norms


def test_a_row_for_each_norm_and_a_line_of_totals():
    network, batch = made("mobilenet")
    audit = normbench.swap_norms(network, {"name": "group_norm", "num_groups": {"at_most": 32}}, batch)
    assert str(replace(audit, same_kind="bit-equal")) == (
        "path  class        calls  sees        C   eps mom affine  becomes    groups\n"
        "1     BatchNorm2d  1      4,[16],8,8  16  0.001 - yes     GroupNorm  8 x 2\n"
        "4     BatchNorm2d  1      4,[24],8,8  24  0.001 - yes     GroupNorm  12 x 2\n"
        "7     BatchNorm2d  1      4,[40],8,8  40  0.001 - yes     GroupNorm  20 x 2\n"
        "3 norms found, 3 swapped, 0 kept; parameters 12,811 -> 12,811; same-kind check:\n"
        "bit-equal"
    )


def test_notes_stand_below_their_rows_and_once_where_many_share_them():
    network, batch = made("resnet")
    text = str(swap_norms(network, "rms_norm", batch))
    assert text.count("has no bias, which the replaced norm had (1.bn1, 1.bn2, 2.bn1 and 2 more)") == 1
    network, batch = made("uncalled")
    lines = str(swap_norms(network, "kept", batch)).splitlines()
    assert lines[2:] == [
        "_bn1  BatchNorm2d  0                    1e-05 0.1 yes   kept",
        "    never called: left as it is",
        "2 norms found, 0 swapped, 1 kept; 1 never called (_bn1); parameters 264 -> 264",
    ]


def test_norms_outside_of_modules_are_counted():
    text = str(swap_norms(idioms.Functional(), "kept", torch.randn(4, 3, 8, 8)))
    assert " ".join(text.split()) == (
        "0 norms found, 0 swapped, 0 kept; 2 norm operations run inside Functional.forward (layer_norm, "
        "instance_norm): not swapped; parameters 112 -> 112"
    )


def test_a_name_has_a_line_of_its_own_where_the_table_is_too_wide():
    inner = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
    network = nn.ModuleDict({"a_name_of_many_letters_that_leaves_no_room_for_more": inner})
    network.forward = inner.forward
    text = str(swap_norms(network, "kept", torch.randn(4, 3, 8, 8)))
    assert text.splitlines()[2] == "a_name_of_many_letters_that_leaves_no_room_for_more.1"


def test_lines_fit_a_terminal():
    for name in NETWORKS:
        network, batch = made(name)
        assert max(map(len, str(swap_norms(network, "batch_norm", batch)).splitlines())) <= 80
