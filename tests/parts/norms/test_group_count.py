"""The rule for the number of groups."""

import pytest
from pydantic import ValidationError

from normbench.errors import SettingError
from normbench.norms.group_norm import GroupNormSpec

RULE = GroupNormSpec(num_groups={"at_most": 32, "min_channels": 2})


@pytest.mark.parametrize("num_features", [*range(2, 70), 116, 240, 2048])
def test_a_rule_gives_the_most_groups_of_equal_size_that_it_allows(num_features):
    groups = RULE.build((num_features, 3)).num_groups
    allowed = [g for g in range(1, 33) if num_features % g == 0 and num_features // g >= 2]
    assert groups == max(allowed)


def test_known_counts():
    built = {c: RULE.build((c, 3)).num_groups for c in (16, 24, 40, 48, 58, 64, 72, 240)}
    assert built == {16: 8, 24: 12, 40: 20, 48: 24, 58: 29, 64: 32, 72: 24, 240: 30}


def test_a_channel_alone_is_no_group_of_two():
    with pytest.raises(SettingError, match="must leave min_channels to a group of the 1 features"):
        RULE.build((1, 3))


def test_a_plain_number_is_written_as_before_and_a_rule_in_full():
    assert GroupNormSpec(num_groups=4).changed() == {"num_groups": 4}
    assert GroupNormSpec(num_groups=2).changed() == {}
    assert RULE.changed() == {"num_groups": {"at_most": 32, "min_channels": 2}}
    assert GroupNormSpec.model_validate(RULE.model_dump(mode="json")) == RULE
    assert hash(RULE) == hash(GroupNormSpec(num_groups={"at_most": 32}))


@pytest.mark.parametrize("wrong", [0, 2.0, True, "32", {"at_most": 0}, {"most": 32}, {"at_most": 2.0}, [32]])
def test_what_is_neither_number_nor_rule_is_refused(wrong):
    with pytest.raises(ValidationError):
        GroupNormSpec(num_groups=wrong)
