"""Layers are numbered from input to output by their weights, so that a layer has one number in every arm."""

import pytest
import torch

from normbench.inspection.watch.frame import Frame
from normbench.training.recorders.tags import LayerTags, is_bias_like, number_layers


def weights(**shapes):
    return {name.replace("__", "."): torch.ones(shape) for name, shape in shapes.items()}


PLAIN = weights(fc__weight=(3, 4), fc__bias=(3,), conv__weight=(4, 1, 2, 2))
NORMED = PLAIN | weights(conv__norm__weight=(4,), conv__norm__bias=(4,))


def test_the_order_is_that_of_the_calls_and_a_norm_moves_no_number():
    assert number_layers(PLAIN, ["conv", "relu", "fc"]) == [("conv", 1), ("relu", 1), ("fc", 2)]
    assert number_layers(NORMED, ["conv", "fc"]) == [("conv", 1), ("conv.norm", 1), ("fc", 2)]


def test_what_is_not_called_stands_behind_what_holds_it_or_came_before():
    found = weights(token=(1, 3), attention__in_proj_weight=(9, 3), attention__out__weight=(3, 3), head__weight=(2, 3))
    order = [("token", 1), ("attention", 2), ("attention.out", 3), ("head", 4)]
    assert number_layers(found, ["attention", "head"]) == order
    assert number_layers(found, []) == order


@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        ("fc.weight", (200, 1), False),
        ("fc.weight", (1, 200), False),
        ("fc.bias", (200,), True),
        ("fc.norm.weight", (200,), True),
        ("fc.g", (200, 1), True),
        ("scale", (), True),
    ],
)
def test_what_has_one_dimension_is_like_a_bias(name, shape, expected):
    assert is_bias_like(name, torch.ones(shape)) is expected


def test_sorted_by_name_layers_stand_in_order_and_a_weight_before_its_gradient():
    layers = {f"layer{i}.weight": torch.ones(2, 2) for i in range(120)}
    tags = LayerTags.of(Frame(0, {}, layers, {}, {}, {}), with_biases=False)
    expected = [tags.tag(kind, name) for name in layers for kind in ("weight", "grad", "update")]
    assert sorted(expected) == expected
    assert expected[:2] == ["001_layer0/weight", "001_layer0/weight_grad"]
