"""The recurrent network: torch's own cells where there is no norm, and padding that nothing notices."""

import math
from itertools import product

import pytest
import torch
from contracts.variants import each, label
from sequence_batches import LENGTHS, assert_padding_changes_nothing, seeded, sequences, taken_norms
from torch.nn.utils.rnn import pack_padded_sequence

from normbench.errors import SettingError
from normbench.models.base import built_norms
from normbench.models.rnn import RNNSpec
from normbench.norms.batch_norm import BatchNormSpec
from normbench.norms.layer_norm import LayerNormSpec
from normbench.norms.none import NoneSpec
from normbench.norms.scale_shift import ScaleShiftSpec
from normbench.training.initialization import initialize

TORCHS_OWN = {"plain": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
KINDS = tuple(TORCHS_OWN)
EACH_KIND = pytest.mark.parametrize("kind", KINDS)
EACH_NORM = pytest.mark.parametrize("norm", each(taken_norms(RNNSpec())))
KINDS_AND_NORMS = pytest.mark.parametrize(
    ("spec", "norm"),
    [
        pytest.param(spec, norm, id=f"{label(spec)}-{label(norm)}")
        for spec, norm in product([RNNSpec(cell=kind, hidden_features=6) for kind in KINDS], taken_norms(RNNSpec()))
    ],
)


@KINDS_AND_NORMS
@pytest.mark.parametrize("value", [0.0, 1e3])
def test_padding_further_changes_no_output_no_statistic_and_no_gradient(spec, norm, value):
    assert_padding_changes_nothing(spec, norm, value)


@EACH_NORM
def test_in_evaluation_a_sequence_does_not_depend_on_the_others(norm):
    model, x = seeded(RNNSpec(), norm).eval(), sequences(LENGTHS)
    alone = torch.cat([model(sample.unsqueeze(0)) for sample in x])
    torch.testing.assert_close(alone, model(x), rtol=0, atol=1e-6)


def torch_cell(kind, cell, num_features):
    reference = TORCHS_OWN[kind](num_features, cell.hidden_features, batch_first=True)
    with torch.no_grad():
        for layer, name in ((cell.input, "ih"), (cell.hidden, "hh")):
            getattr(reference, f"weight_{name}_l0").copy_(layer.weight)
            getattr(reference, f"bias_{name}_l0").copy_(layer.bias)
    return reference


@EACH_KIND
@pytest.mark.parametrize("num_features", [1, 3, 150])
def test_it_starts_in_the_interval_of_torchs_own_cells_whatever_the_number_of_inputs(kind, num_features):
    """U(-1/sqrt(hidden_features), 1/sqrt(hidden_features)), weights and biases of both projections alike."""
    cell = RNNSpec(cell=kind, hidden_features=40).build((5, num_features + 1), (3,), NoneSpec(), 0.0).cell
    initialize(cell, "default", 1.0, seed=2)
    ours, torchs = list(cell.parameters()), list(TORCHS_OWN[kind](num_features, 40).parameters())
    assert sorted(tensor.shape for tensor in ours) == sorted(tensor.shape for tensor in torchs)
    bound = 1 / math.sqrt(40)
    for tensor in (*ours, *torchs):
        error = 5 / math.sqrt(tensor.numel())
        assert tensor.abs().max() <= bound
        assert tensor.detach().double().std().item() == pytest.approx(bound / math.sqrt(3), rel=error)
        assert tensor.mean().item() == pytest.approx(0, abs=error * bound)


@EACH_KIND
def test_a_start_of_ones_own_leaves_the_biases_where_torch_draws_them(kind):
    drawn, default = (RNNSpec(cell=kind).build((7, 4), (3,), NoneSpec(), 0.0) for _ in range(2))
    initialize(drawn, "kaiming_normal", 1.0, seed=2)
    initialize(default, "default", 1.0, seed=2)
    for layer in ("input", "hidden"):
        one, other = drawn.cell.get_submodule(layer), default.cell.get_submodule(layer)
        assert torch.equal(one.bias, other.bias)
        assert one.weight.std().item() == pytest.approx(math.sqrt(2 / one.in_features), rel=0.3)
    assert not torch.isclose(default.cell.input.bias, default.cell.hidden.bias).all()


@EACH_KIND
def test_without_a_norm_it_is_the_cell_of_torch(kind):
    model, x = seeded(RNNSpec(cell=kind), NoneSpec()), sequences(LENGTHS)
    packed = pack_padded_sequence(x[..., :-1], torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False)
    _, state = torch_cell(kind, model.cell, 3)(packed)
    last_hidden = (state[0] if kind == "lstm" else state)[0]
    torch.testing.assert_close(model(x), model.output(last_hidden), rtol=0, atol=1e-6)


def normalized(projection):
    """Layer norm as Ba et al. write it, without weight and bias."""
    mean = projection.mean(1, keepdim=True)
    var = (projection - mean).square().mean(1, keepdim=True)
    return (projection - mean) / (var + 1e-5).sqrt()


def test_layer_norm_normalizes_both_projections_of_every_step():
    model, x = seeded(RNNSpec(cell="plain"), LayerNormSpec()).double(), sequences([5, 5]).double()
    hidden = torch.zeros(2, 32, dtype=torch.float64)
    for step in x[..., :-1].unbind(1):
        from_input = step @ model.cell.input.weight.T + model.cell.input.bias
        from_hidden = hidden @ model.cell.hidden.weight.T + model.cell.hidden.bias
        hidden = (normalized(from_input) + normalized(from_hidden)).tanh()
    torch.testing.assert_close(model(x), model.output(hidden), rtol=0, atol=1e-10)


def test_batch_norm_takes_one_statistic_over_all_real_steps():
    model, x = seeded(RNNSpec(), BatchNormSpec(momentum=1.0)), sequences(LENGTHS)
    steps = torch.cat([sample[:length, :-1] for sample, length in zip(x, LENGTHS, strict=True)])
    projected = steps @ model.cell.input.weight.T + model.cell.input.bias
    model(x)
    norm = model.cell.input.norm
    torch.testing.assert_close(norm.running_mean, projected.mean(0), rtol=0, atol=1e-6)
    torch.testing.assert_close(norm.running_var, projected.var(0, correction=1), rtol=0, atol=1e-6)


@EACH_NORM
def test_the_state_has_a_norm_only_if_each_sample_has_its_own_statistics(norm):
    model = seeded(RNNSpec(), norm)
    declared = norm.properties((96,), batch_size=4, training=True)
    expected = ["cell.input.norm", "cell.hidden.norm"] if declared.sample_independent else ["cell.input.norm"]
    assert list(built_norms(model)) == expected


@EACH_NORM
def test_at_the_input_alone_all_norms_stand_at_the_same_place(norm):
    model = seeded(RNNSpec(norm_places="input"), norm)
    assert list(built_norms(model)) == ["cell.input.norm"]


def test_longer_sequences_than_declared_are_taken():
    assert seeded(RNNSpec(), ScaleShiftSpec(), num_steps=9)(sequences([20, 3])).isfinite().all()


def test_dropout_acts_between_state_and_output():
    model, x = seeded(RNNSpec(), NoneSpec(), dropout=0.5), sequences(LENGTHS)
    seen = []
    model.output.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model(x)
    assert 0.3 < (seen[0] == 0).float().mean() < 0.7


@pytest.mark.parametrize(
    ("input_shape", "output_shape", "message"),
    [
        (
            (256,),
            (3,),
            (
                "model.name: must get sequences (T, F + 1), the last feature a mask, got (256,). "
                "Use dataset: sequences with rnn, or model: mlp."
            ),
        ),
        (
            (7, 4),
            (3, 8, 8),
            "model.name: must put out images of shape (3, 8, 8), got 'rnn'. Use model: resnet.",
        ),
    ],
)
def test_what_it_cannot_take_is_refused(input_shape, output_shape, message):
    with pytest.raises(SettingError) as refusal:
        RNNSpec().build(input_shape, output_shape, NoneSpec(), 0.0)
    assert str(refusal.value) == message
