"""The encoder: torch's own layer with copied weights, pre-norm and post-norm as formulas, padding unnoticed."""

import math
from itertools import product

import pytest
import torch
from contracts.variants import label
from pydantic import ValidationError
from sequence_batches import LENGTHS, assert_padding_changes_nothing, seeded, sequences, taken_norms
from torch.nn.functional import layer_norm

from normbench.errors import SettingError
from normbench.models._attention import sinusoids
from normbench.models.base import built_norms
from normbench.models.transformer import TransformerSpec
from normbench.norms.batch_norm import BatchNormSpec
from normbench.norms.layer_norm import LayerNormSpec
from normbench.norms.none import NoneSpec

POSITIONS = ("pre", "post", "peri")
TORCHS = pytest.mark.parametrize("position", ["pre", "post"])
POSITIONS_AND_NORMS = pytest.mark.parametrize(
    ("spec", "norm"),
    [
        pytest.param(spec, norm, id=f"{label(spec)}-{label(norm)}")
        for spec, norm in product(
            [TransformerSpec(norm_position=position, width=8) for position in POSITIONS],
            taken_norms(TransformerSpec(width=8)),
        )
    ],
)


@POSITIONS_AND_NORMS
@pytest.mark.parametrize("value", [0.0, 1e3])
def test_padding_further_changes_no_output_no_statistic_and_no_gradient(spec, norm, value):
    assert_padding_changes_nothing(spec, norm, value)


@POSITIONS_AND_NORMS
def test_in_evaluation_a_sequence_does_not_depend_on_the_others(spec, norm):
    model, x = seeded(spec, norm).eval(), sequences(LENGTHS)
    alone = torch.cat([model(sample.unsqueeze(0)) for sample in x])
    torch.testing.assert_close(alone, model(x), rtol=0, atol=1e-6)


def copied_layer(block, position):
    """Return torch's encoder layer with a block's weights; its norms are new, weight 1 and bias 0, like ours."""
    layer = torch.nn.TransformerEncoderLayer(
        8, 2, 32, dropout=0.0, batch_first=True, norm_first=position == "pre", dtype=torch.float64
    )
    pairs = {
        "self_attn.in_proj_": block.attention,
        "self_attn.out_proj.": block.attended,
        "linear1.": block.feedforward1,
        "linear2.": block.feedforward2,
    }
    with torch.no_grad():
        for name, ours in pairs.items():
            layer.get_parameter(f"{name}weight").copy_(ours.weight)
            layer.get_parameter(f"{name}bias").copy_(ours.bias)
    return layer


@TORCHS
def test_a_block_with_layer_norm_is_the_encoder_layer_of_torch(position):
    spec = TransformerSpec(norm_position=position, width=8, num_layers=1)
    block = seeded(spec, LayerNormSpec()).double().block1
    x = sequences(LENGTHS, num_features=8).double()
    mask = x[..., -1] > 0
    expected = copied_layer(block, position)(x[..., :-1], src_key_padding_mask=~mask)[mask]
    torch.testing.assert_close(block(x[..., :-1][mask], mask), expected, rtol=0, atol=1e-10)


@TORCHS
def test_the_network_embeds_adds_positions_passes_blocks_and_averages_real_steps(position):
    model = seeded(TransformerSpec(norm_position=position, width=8), LayerNormSpec()).double()
    x = sequences(LENGTHS).double()
    mask = x[..., -1] > 0
    steps = x[..., :-1] @ model.embedding.weight.T + model.embedding.bias + sinusoids(9, 8)
    for block in (model.block1, model.block2):
        steps = copied_layer(block, position)(steps, src_key_padding_mask=~mask)
    if position == "pre":
        steps = layer_norm(steps, (8,))
    means = torch.stack([sample[:length].mean(0) for sample, length in zip(steps, LENGTHS, strict=True)])
    torch.testing.assert_close(model(x), means @ model.output.weight.T + model.output.bias, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        ("pre", ["block1.attention.norm", "block1.feedforward1.norm", "output.norm"]),
        ("post", ["block1.attended.norm", "block1.feedforward2.norm"]),
        (
            "peri",
            [f"block1.{name}.norm" for name in ("attention", "attended", "feedforward1", "feedforward2")]
            + ["output.norm"],
        ),
    ],
)
def test_a_norm_bears_the_name_of_the_layer_it_precedes_or_follows(position, expected):
    model = seeded(TransformerSpec(norm_position=position, num_layers=1), LayerNormSpec())
    assert list(built_norms(model)) == expected


def test_around_a_branch_its_input_and_its_output_are_normalized_and_the_sum_is_not():
    block = seeded(TransformerSpec(norm_position="peri", width=8, num_layers=1), LayerNormSpec()).double().block1
    for norm in (block.attended.norm, block.feedforward2.norm):
        torch.nn.init.normal_(norm.weight)
        torch.nn.init.normal_(norm.bias)
    x = sequences([5], num_features=8).double()[0, :, :-1]

    def branch(steps, norm, change):
        normed = layer_norm(change(layer_norm(steps, (8,))), (8,))
        return steps + normed * norm.weight + norm.bias

    def attend(steps):
        query, key, value = block.attention(steps).unflatten(1, (3, 2, 4)).permute(1, 2, 0, 3)  # (heads, steps, 4)
        mixed = (query @ key.transpose(1, 2) / 2).softmax(-1) @ value
        return torch.nn.functional.linear(mixed.transpose(0, 1).flatten(1), block.attended.weight, block.attended.bias)

    def feed_forward(steps):
        inner = block.feedforward1(steps)
        return torch.nn.functional.linear(inner, block.feedforward2.weight, block.feedforward2.bias)

    expected = branch(branch(x, block.attended.norm, attend), block.feedforward2.norm, feed_forward)
    output = block(x, torch.ones(1, 5, dtype=torch.bool))
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-12)


def test_around_a_branch_dropout_zeroes_what_is_normalized():
    block = seeded(TransformerSpec(norm_position="peri", num_layers=1), LayerNormSpec(), dropout=0.5).block1
    assert block.attended.stages == block.feedforward2.stages == ("norm", "dropout")


def test_batch_norm_takes_its_statistics_over_all_real_steps():
    model = seeded(TransformerSpec(num_layers=1), BatchNormSpec(momentum=1.0))
    seen = []
    model.block1.attention.norm.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model(sequences(LENGTHS))
    (steps,) = seen
    assert steps.shape == (sum(LENGTHS), 32)
    norm = model.block1.attention.norm
    torch.testing.assert_close(norm.running_mean, steps.mean(0), rtol=0, atol=1e-6)
    torch.testing.assert_close(norm.running_var, steps.var(0, correction=1), rtol=0, atol=1e-6)


def test_positions_are_sines_and_cosines_whose_waves_grow():
    table = sinusoids(50, 6)
    for step, k in product(range(50), range(3)):
        angle = step * 10_000 ** (-k / 3)
        assert table[step, k].item() == pytest.approx(math.sin(angle), abs=1e-5)
        assert table[step, 3 + k].item() == pytest.approx(math.cos(angle), abs=1e-5)
    assert sinusoids(4, 5).shape == (4, 5)
    assert torch.equal(sinusoids(50, 6)[:20], sinusoids(20, 6))


def test_longer_sequences_than_declared_are_taken():
    assert seeded(TransformerSpec(), LayerNormSpec(), num_steps=9)(sequences([40, 3])).isfinite().all()


def test_order_matters():
    model, x = seeded(TransformerSpec(), NoneSpec()), sequences([6])
    assert not torch.allclose(model(x), model(x.flip(1)))


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValidationError) as refusal:
        TransformerSpec(num_heads=3)
    message = "num_heads: must divide the width 32, got 3. Use one of 1, 2, 4, 8, 16, 32."
    assert message in str(refusal.value)


def test_inputs_that_are_no_sequences_are_refused():
    with pytest.raises(SettingError) as refusal:
        TransformerSpec().build((3, 8, 8), (3,), NoneSpec(), 0.0)
    assert str(refusal.value) == (
        "model.name: must get sequences (T, F + 1), the last feature a mask, got (3, 8, 8). "
        "Use dataset: sequences with transformer, or model: mlp."
    )
