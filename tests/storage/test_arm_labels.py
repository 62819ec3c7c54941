"""What arms are called: short where that is unmistakable, never alike, never too long for a folder."""

import pytest

from normbench.storage.arm_labels import MAX_LABEL, label_words, short_keys, tuned_label, unique_labels
from normbench.storage.names import is_name


@pytest.mark.parametrize(
    ("sets", "label"),
    [
        ({"norm": "group_norm", "norm.num_groups": 4}, "norm=group_norm,num_groups=4"),
        ({"norm.momentum": 0.1, "optimizer.momentum": 0.9}, "norm.momentum=0.1,optimizer.momentum=0.9"),
        ({"model.hidden_features": [4, 8], "optimizer.lr": 0.1}, "hidden_features=4x8,lr=0.1"),
    ],
)
def test_a_key_is_cut_to_its_last_step_only_where_no_other_ends_so(sets, label):
    assert ",".join(label_words("", sets, short_keys(sets))) == label


def test_arms_that_would_be_called_alike_are_told_apart():
    arms = [("", {"dataset.path": path}) for path in ("a/b", "a_b", "a b", "c")]
    labels = unique_labels(arms, short_keys(["dataset.path"]), "none")
    assert len(set(labels)) == len(arms)
    assert labels[-1] == "path=c"
    assert all(map(is_name, labels))


def test_arms_that_differ_behind_the_longest_label_are_told_apart():
    arms = [("", {"model.hidden_features": [8] * 100 + [last]}) for last in (1, 2)]
    labels = unique_labels(arms, {}, "none")
    assert len(set(labels)) == len(arms)
    assert all(len(label) <= MAX_LABEL and is_name(label) for label in labels)


@pytest.mark.parametrize("label", ["none", "x" * MAX_LABEL])
def test_a_tuned_arm_has_a_label_of_its_own_that_fits(label):
    assert tuned_label(label) != label
    assert tuned_label(label).endswith(",tuned")
    assert is_name(tuned_label(label))
    assert tuned_label("x" * MAX_LABEL) != tuned_label("x" * (MAX_LABEL - 1) + "y")
