"""Norms of queries and keys: by head as a formula, of real steps alone, and as a setting inside a setting."""

import pytest
import torch
from pydantic import ValidationError
from sequence_batches import LENGTHS, assert_padding_changes_nothing, seeded, sequences

from normbench.inspection.joined_batches import can_join
from normbench.inspection.reestimation import reestimate, tracking_layers
from normbench.models._attention import QueryKeyNorm
from normbench.models.base import built_norms
from normbench.models.transformer import TransformerSpec
from normbench.norms.batch_norm import BatchNormSpec
from normbench.norms.layer_norm import LayerNormSpec
from normbench.norms.none import NoneSpec
from normbench.norms.rms_norm import RMSNormSpec
from normbench.storage.files.located import Located
from normbench.study.complaints import complaints_about
from normbench.study.config import RunConfig
from normbench.study.contradictions import contradictions

BATCH = TransformerSpec(width=8, num_layers=1, qk_norm=BatchNormSpec())
LAYER = TransformerSpec(width=8, num_layers=1, qk_norm=LayerNormSpec())
RMS = {"name": "rms_norm", "affine": "none"}


def config_of(qk_norm, **settings):
    model = {"name": "transformer", "width": 8, "num_layers": 1, "qk_norm": qk_norm}
    return RunConfig.model_validate({"model": model, "dataset": "sequences", "device": "cpu"} | settings)


def test_each_heads_queries_and_keys_are_normalized_before_their_products():
    block = seeded(LAYER, NoneSpec()).double().block1
    norm = block.attention.qk_norm
    for parameter in norm.parameters():
        torch.nn.init.normal_(parameter)
    x = sequences([5], num_features=8).double()[0, :, :-1]
    projected = torch.nn.functional.linear(x, block.attention.weight, block.attention.bias)
    query, key, value = projected.unflatten(1, (3, 2, 4)).permute(1, 2, 0, 3)  # (heads, steps, features of a head)

    def normed(rows, affine):
        centred = rows - rows.mean(-1, keepdim=True)
        return centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt() * affine.weight + affine.bias

    products = normed(query, norm.query) @ normed(key, norm.key).transpose(1, 2) / 4**0.5
    expected = block.attended((products.softmax(-1) @ value).transpose(0, 1).flatten(1))
    torch.testing.assert_close(block._attend(x, torch.ones(1, 5, dtype=torch.bool)), expected, rtol=0, atol=1e-12)


def test_with_rms_norm_products_are_cosines_times_the_root_of_the_features_of_a_head():
    norm = QueryKeyNorm(RMSNormSpec(affine="none", eps=1e-12), 8, 2, "attention").double()
    query, key, _ = norm(torch.randn(5, 24, dtype=torch.float64)).unflatten(1, (3, 2, 4)).unbind(1)
    torch.testing.assert_close(query.norm(dim=-1), torch.full((5, 2), 2.0, dtype=torch.float64))
    torch.testing.assert_close(key.norm(dim=-1), torch.full((5, 2), 2.0, dtype=torch.float64))


@pytest.mark.parametrize("spec", [LAYER, BATCH], ids=["layer_norm", "batch_norm"])
def test_padding_changes_nothing(spec):
    assert_padding_changes_nothing(spec, LayerNormSpec(), 1e3)


def test_batch_norm_takes_its_statistics_over_the_heads_of_all_real_steps():
    model, seen = seeded(BATCH, NoneSpec()), []
    model.block1.attention.qk_norm.key.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model(sequences(LENGTHS))
    assert seen[0].shape == (2 * sum(LENGTHS), 4)
    assert model.rows_per_sample(sequences(LENGTHS)).sum() == sum(LENGTHS)


def test_batches_pass_one_by_one_where_heads_have_rows_of_their_own():
    model, batches = seeded(BATCH, NoneSpec()), [sequences(LENGTHS, seed=seed) for seed in (1, 2)]
    assert not can_join(model, tracking_layers(model))
    layers = seeded(LAYER, BatchNormSpec())
    assert can_join(layers, tracking_layers(layers))
    reestimate(model.eval(), batches)


def test_norms_bear_the_name_of_the_setting_and_none_adds_nothing():
    names = [name for name in built_norms(seeded(LAYER, LayerNormSpec())) if "qk_norm" in name]
    assert names == ["block1.attention.qk_norm.query", "block1.attention.qk_norm.key"]
    plain = seeded(TransformerSpec(width=8, num_layers=1), LayerNormSpec())
    assert not any("qk_norm" in name for name, _ in plain.named_modules())


def test_a_norm_inside_a_model_is_written_as_yaml_holds_it():
    config = config_of(RMS)
    assert config.settings()["model"]["qk_norm"] == RMS
    assert config_of("rms_norm").settings()["model"]["qk_norm"] == "rms_norm"
    assert RunConfig.model_validate(config.settings()) == config_of(RMS, device="cpu")
    assert "qk_norm" not in config_of("none").settings()["model"]


def test_a_norm_that_a_head_is_too_small_for_is_refused_with_the_setting():
    (found,) = contradictions(config_of({"name": "group_norm", "num_groups": 3}))
    assert (found.key, found.rule) == (
        "model.qk_norm.num_groups",
        "must divide the 4 features of layer block1.attention",
    )


MISTAKES = {
    "model.qk_norm: must be one of normbench's norms, got 'kept'. Use layer_norm.": "kept",
    "model.qk_norm.eps: must be > 0, got -1.": {"name": "layer_norm", "eps": -1},
    "model.qk_norm.epss: is not a setting of layer_norm. Did you mean 'eps'?": {
        "name": "layer_norm",
        "epss": 1,
    },
    "model.qk_norm: must be a known name, got 'bn'. Write batch_norm. One of: adain,": "bn",
}


@pytest.mark.parametrize("message", MISTAKES)
def test_a_mistake_is_told_with_its_place_in_the_model(message):
    said = {"model": {"name": "transformer", "qk_norm": MISTAKES[message]}, "dataset": "sequences"}
    with pytest.raises(ValidationError) as error:
        RunConfig.model_validate(said)
    (line,) = complaints_about(error.value, RunConfig, Located(said, {("model", "qk_norm"): "a.yaml:1"}))
    assert line.startswith(f"a.yaml:1: {message}")
