"""What lies before a norm, read off one pass: dropouts, the last bias, the rows it gets."""

import pytest
from torch import nn

from normbench.inspection import forward_pass
from normbench.inspection.forward_pass import norm_calls
from normbench.models.base import Linear, build_norm
from normbench.norms.batch_norm import BatchNormSpec
from normbench.study.config import RunConfig


def calls(**settings):
    return {call.name: call for call in norm_calls(RunConfig.model_validate(settings))}


def test_norms_come_in_the_order_of_the_pass_with_what_a_batch_gives_them():
    found = calls(model="lenet", norm="batch_norm", dataset="banknotes", batch_size=16)
    assert [(name, call.num_rows, call.num_positions) for name, call in found.items()] == [
        ("conv1.norm", 16, 28 * 28),
        ("conv2.norm", 16, 10 * 10),
        ("fc1.norm", 16, 1),
    ]


@pytest.mark.parametrize(("model", "name"), [("rnn", "cell.input.norm"), ("transformer", "block1.attention.norm")])
def test_of_sequences_the_real_steps_are_counted_at_their_shortest(model, name):
    data = {"name": "sequences"}
    config = RunConfig.model_validate({"model": model, "norm": "batch_norm", "dataset": data, "batch_size": 3})
    (call,) = (call for call in norm_calls(config) if call.name == name)
    assert (call.num_rows, call.per_step) == (3 * min(config.dataset.sequence_lengths), True)


def test_a_state_has_one_row_per_sequence():
    found = calls(model="rnn", norm="layer_norm", dataset="sequences", batch_size=5)
    assert (found["cell.hidden.norm"].num_rows, found["cell.hidden.norm"].per_step) == (5, False)


def test_biases_right_before_a_norm_are_named_under_any_weight_parametrization():
    for parametrization in ("none", "weight_norm", "weight_standardization"):
        found = calls(model="lenet", norm="batch_norm", dataset="banknotes", weight_parametrization=parametrization)
        assert [call.bias for call in found.values()] == ["conv1.bias", "conv2.bias", "fc1.bias"]


@pytest.mark.parametrize(
    "model", [{"name": "mlp", "bias": False}, {"name": "mlp", "norm_position": "after_activation"}]
)
def test_there_is_no_bias_right_before_a_norm_if_an_activation_lies_between_or_none_is_added(model):
    found = calls(model=model, norm="batch_norm", dataset="gaussian_clusters")
    assert {call.bias for call in found.values()} == {""}


def test_dropouts_are_those_upstream_in_their_order():
    found = calls(model="mlp", norm="batch_norm", dataset="gaussian_clusters", dropout=0.5)
    assert [call.dropouts for call in found.values()] == [
        (),
        ("hidden1.dropout",),
        ("hidden1.dropout", "hidden2.dropout"),
    ]


class TwoBranches(nn.Module):
    """A dropout that runs first, and two norms, of which only the second depends on it."""

    def __init__(self):
        super().__init__()
        self.dropout = nn.Dropout(0.5)
        self.plain = Linear(3, 3).followed_by(build_norm(BatchNormSpec(), (3,), "plain"))
        self.thinned = Linear(3, 3).followed_by(build_norm(BatchNormSpec(), (3,), "thinned"))

    def forward(self, x):
        dropped = self.dropout(x)
        return self.plain(x) + self.thinned(dropped)


def test_a_dropout_on_another_branch_is_not_before_a_norm():
    network = TwoBranches().to("meta")
    found = {call.name: call.dropouts for call in forward_pass._pass(network, (3,))}
    assert found == {"plain.norm": (), "thinned.norm": ("dropout",)}


def test_arms_with_the_same_network_share_one_pass(monkeypatch):
    calls_made = []
    real = forward_pass.functional_call
    monkeypatch.setattr(forward_pass, "functional_call", lambda *given: calls_made.append(1) or real(*given))
    settings = {"model": {"name": "mlp", "hidden_features": [7]}, "norm": "batch_norm", "dataset": "gaussian_clusters"}
    rows = [calls(**settings, batch_size=size)["hidden1.norm"].num_rows for size in (4, 32)]
    assert (rows, len(calls_made)) == ([4, 32], 1)
