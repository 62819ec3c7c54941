"""group_norm beyond the contract: groups by number or by size, and what torch lets through."""

import pytest
import torch
from torch import nn

from normbench.errors import SettingError
from normbench.norms.group_norm import GroupNormSpec


def test_groups_by_size_are_groups_by_number():
    x = torch.randn(3, 12, 4, 4)
    y, expected = (
        spec.build((12, 4, 4))(x) for spec in (GroupNormSpec(channels_per_group=3), GroupNormSpec(num_groups=4))
    )
    assert torch.equal(y, expected)


def test_a_size_alone_says_all_of_it():
    spec = GroupNormSpec(channels_per_group=3)
    assert spec.changed() == {"channels_per_group": 3}
    assert spec.num_groups is None
    assert GroupNormSpec(**spec.model_dump()) == spec
    assert GroupNormSpec(num_groups=2) == GroupNormSpec()


@pytest.mark.parametrize("key", ["num_groups", "channels_per_group"])
def test_what_does_not_divide_the_channels_is_refused_with_the_divisors(key):
    """Research 3, row 13: the order of arguments is confused elsewhere, so settings have names."""
    with pytest.raises(SettingError) as refusal:
        GroupNormSpec(**{key: 4}).build((6, 5, 5))
    assert str(refusal.value) == f"{key}: must divide the 6 features, got 4. Use one of 1, 2, 3, 6."


@pytest.mark.parametrize(
    ("settings", "got"), [({"num_groups": 2, "channels_per_group": 3}, 2), ({"num_groups": None}, None)]
)
def test_exactly_one_of_both_is_given(settings, got):
    with pytest.raises(SettingError) as refusal:
        GroupNormSpec(**settings).build((6, 5, 5))
    rule = "must be given if channels_per_group is not, and only then"
    assert str(refusal.value) == f"num_groups: {rule}, got {got!r}. Set one of the two."


@pytest.mark.parametrize("spec", [GroupNormSpec(num_groups=6), GroupNormSpec(channels_per_group=1)])
def test_one_value_per_group_is_refused_where_torch_gives_zeros(spec):
    """Research 1.7, trap 2: for two samples or more torch silently puts out zeros."""
    assert nn.GroupNorm(6, 6)(torch.randn(2, 6)).abs().max() < 1e-3
    for shape in ((6,), (6, 1, 1)):
        with pytest.raises(SettingError, match=r"^name: must average over 2 values or more"):
            spec.build(shape)


def test_gradient_accumulation_equals_the_large_batch():
    """Research 3, row 5: exactly so for norms that do not look at the batch."""
    x = torch.randn(8, 6, 4, 4, dtype=torch.float64)
    whole, parts = (GroupNormSpec().build((6, 4, 4)).double() for _ in range(2))
    whole(x).pow(3).sum().backward()
    for chunk in x.split(2):
        parts(chunk).pow(3).sum().backward()
    torch.testing.assert_close(parts.weight.grad, whole.weight.grad, rtol=1e-12, atol=1e-12)
