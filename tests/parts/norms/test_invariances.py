"""What the output of a dense layer with a norm does not change under: the table published with RMSNorm.

Zhang and Sennrich, Root Mean Square Layer Normalization, 2019, table 1. The weight matrix is scaled or shifted as a
whole, or one row of it scaled; all data is scaled or shifted, or one sample scaled.
"""

import pytest
import torch

from normbench.models.base import Linear
from normbench.norms.batch_norm import BatchNormSpec
from normbench.norms.group_norm import GroupNormSpec
from normbench.norms.layer_norm import LayerNormSpec
from normbench.norms.none import NoneSpec
from normbench.norms.rms_norm import RMSNormSpec
from normbench.weight_parametrizations.weight_norm import WeightNormSpec

NUM_INPUTS, NUM_FEATURES = 5, 6
CHANGES = ("weights scaled", "weights shifted", "one row scaled", "data scaled", "data shifted", "one sample scaled")
TABLE = {
    #             W a    W + 1c' row a  x a    x + c  one x a
    "batch norm": (True, False, True, True, True, False),
    "weight norm": (True, False, True, False, False, False),
    "layer norm": (True, True, False, True, False, True),
    "group norm": (True, True, False, True, False, True),
    "rms norm": (True, False, False, True, False, True),
    "none": (False,) * 6,
}
NORMS = {
    "batch norm": BatchNormSpec(),
    "weight norm": NoneSpec(),
    "layer norm": LayerNormSpec(),
    "group norm": GroupNormSpec(num_groups=1),
    "rms norm": RMSNormSpec(),
    "none": NoneSpec(),
}


def output(name, weight, x):
    layer = Linear(NUM_INPUTS, NUM_FEATURES, bias=False).double()
    with torch.no_grad():
        layer.weight.copy_(weight)
    if name == "weight norm":
        fixed_lengths = torch.ones(NUM_FEATURES, 1, dtype=torch.float64)
        WeightNormSpec().build(layer)
        with torch.no_grad():  # the learned lengths stay while the directions are changed
            for parameter in layer.parameters():
                if parameter.numel() == NUM_FEATURES:
                    parameter.copy_(fixed_lengths.view_as(parameter))
    return NORMS[name].build((NUM_FEATURES,)).double()(layer(x))


def changed(change, weight, x):
    weight, x = weight.clone(), x.clone()
    c = torch.randn(NUM_INPUTS, dtype=torch.float64)
    if change.startswith("weights"):
        weight = 3 * weight if change == "weights scaled" else weight + c
    elif change == "one row scaled":
        weight[0] *= 3
    elif change == "one sample scaled":
        x[0] *= 3
    else:
        x = 3 * x if change == "data scaled" else x + c
    return weight, x


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", TABLE)
def test_the_table_of_invariances_holds(name, change):
    weight = torch.randn(NUM_FEATURES, NUM_INPUTS, dtype=torch.float64)
    x = torch.randn(16, NUM_INPUTS, dtype=torch.float64)
    before, after = output(name, weight, x), output(name, *changed(change, weight, x))
    difference = ((after - before).norm() / before.norm()).item()
    assert (difference < 1e-3) == TABLE[name][CHANGES.index(change)]
    assert difference < 1e-3 or difference > 1e-2
