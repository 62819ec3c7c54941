"""The residual network: its shapes, where norms sit, IBN-a and IBN-b, images out, and what is refused."""

from math import ceil

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - torch's idiom

from normbench.errors import SettingError
from normbench.models.base import built_norms, weighted_layers
from normbench.models.resnet import ResNetSpec
from normbench.norms.batch_norm import BatchNormSpec
from normbench.norms.group_norm import GroupNormSpec
from normbench.norms.layer_norm import LayerNormSpec
from normbench.norms.none import NoneSpec


def build(norm=None, input_shape=(3, 8, 8), output_shape=(5,), dropout=0.0, **settings):
    return ResNetSpec(**settings).build(input_shape, output_shape, norm or BatchNormSpec(), dropout)


def norm_names(model):
    return {name.removesuffix(".norm"): built.spec.name for name, built in built_norms(model).items()}


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_it_has_6_depth_and_2_layers_and_two_shortcuts(depth):
    layers = weighted_layers(build(depth=depth))
    shortcuts = [name for name in layers if name.endswith(".shortcut")]
    assert shortcuts == ["stage2.block1.shortcut", "stage3.block1.shortcut"]
    assert len(layers) - len(shortcuts) == 6 * depth + 2


@pytest.mark.parametrize("side", [8, 15, 32])
def test_channels_double_and_sides_halve_from_stage_to_stage(side):
    model, x = build(width=4, depth=2, input_shape=(3, side, side)), torch.randn(2, 3, side, side)
    half = ceil(side / 2)
    quarter = ceil(half / 2)
    for name, shape in {
        "stem": (4, side, side),
        "stage1": (4, side, side),
        "stage2": (8, half, half),
        "stage3": (16, quarter, quarter),
    }.items():
        x = model.get_submodule(name)(x)
        assert x.shape == (2, *shape)
    assert all(built.feature_shape[0] in (4, 8, 16) for built in built_norms(model).values())


def test_a_stem_stride_of_2_leaves_2x2_of_16x16():
    model = build(input_shape=(3, 16, 16), stem_stride=2)
    shapes = {name: built.feature_shape[1:] for name, built in built_norms(model).items()}
    assert (shapes["stem.norm"], shapes["stage1.block1.conv1.norm"]) == ((8, 8), (8, 8))
    assert shapes["stage3.block1.conv2.norm"] == (2, 2)
    assert model(torch.randn(2, 3, 16, 16)).shape == (2, 5)


@pytest.mark.parametrize(
    ("input_shape", "output_shape", "expected"),
    [
        ((3, 8, 8), (5,), "model.name: must get images (C, H, W) of 16x16 or larger, got (3, 8, 8)"),
        ((3, 16, 16), (3, 16, 16), "model.stem_stride: must be 1 where images are put out, got 2. Leave it out."),
    ],
)
def test_a_stem_stride_needs_larger_images_and_puts_out_none(input_shape, output_shape, expected):
    with pytest.raises(SettingError) as caught:
        build(input_shape=input_shape, output_shape=output_shape, stem_stride=2)
    assert str(caught.value).startswith(expected)


def test_a_norm_follows_every_convolution():
    model = build(GroupNormSpec(), depth=2)
    convolutions = [name for name, layer in weighted_layers(model).items() if isinstance(layer, nn.Conv2d)]
    assert norm_names(model) == dict.fromkeys(convolutions, "group_norm")


def convolved(layer, x):
    return F.conv2d(x, layer.weight, layer.bias, layer.stride, layer.padding)


def normalized(x):
    mean, var = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), correction=0, keepdim=True)
    return (x - mean) / (var + 1e-5).sqrt()


@pytest.mark.parametrize("name", ["stage1.block1", "stage2.block1", "stage2.block2"])
def test_a_block_adds_two_normed_convolutions_to_its_shortcut(name):
    block = build(width=4, depth=2).double().get_submodule(name)
    x = torch.randn(3, block.conv1.in_channels, 8, 8, dtype=torch.float64)
    branch = normalized(convolved(block.conv2, normalized(convolved(block.conv1, x)).relu()))
    shortcut = x if block.shortcut is None else normalized(convolved(block.shortcut, x))
    torch.testing.assert_close(block(x), (branch + shortcut).relu(), rtol=0, atol=1e-10)


def test_outputs_are_a_dense_layer_on_the_mean_of_each_map():
    model, x = build(NoneSpec()), torch.randn(2, 3, 8, 8)
    maps = model.stage3(model.stage2(model.stage1(model.stem(x))))
    assert torch.equal(model(x), model.output(maps.mean((2, 3))))


def test_dropout_zeroes_activations_between_the_two_convolutions():
    model = build(NoneSpec(), dropout=0.5)
    assert [name for name, module in model.named_modules() if isinstance(module, nn.Dropout)] == [
        f"stage{stage}.block1.conv1.dropout" for stage in (1, 2, 3)
    ]


def test_ibn_a_stands_after_the_first_convolution_in_stages_1_and_2():
    plain, ibn = norm_names(build(depth=2)), norm_names(build(depth=2, ibn="a"))
    assert ibn.keys() == plain.keys()
    changed = {name for name, norm in ibn.items() if norm != "batch_norm"}
    assert changed == {f"stage{stage}.block{block}.conv1" for stage in (1, 2) for block in (1, 2)}
    assert {ibn[name] for name in changed} == {"ibn"}


def test_ibn_b_adds_instance_norm_after_two_additions_and_has_one_after_the_stem():
    plain, ibn = norm_names(build(depth=2)), norm_names(build(depth=2, ibn="b"))
    instance_norms = {name for name, norm in ibn.items() if norm == "instance_norm"}
    assert instance_norms == {"stem", "stage1.block2.instance_norm", "stage2.block2.instance_norm"}
    assert ibn.keys() - instance_norms == plain.keys() - {"stem"}


def test_the_instance_norm_of_ibn_b_stands_between_addition_and_relu():
    block = build(width=4, ibn="b").double().stage1.block1
    x = torch.randn(3, 4, 8, 8, dtype=torch.float64)
    added = block.conv2(block.conv1(x)) + x
    mean, var = added.mean((2, 3), keepdim=True), added.var((2, 3), correction=0, keepdim=True)
    torch.testing.assert_close(block(x), ((added - mean) / (var + 1e-5).sqrt()).relu(), rtol=0, atol=1e-10)
    assert block.instance_norm.weight.shape == (4,)


@pytest.mark.parametrize("ibn", ["a", "b"])
def test_ibn_has_the_settings_of_batch_norm(ibn):
    model = build(BatchNormSpec(eps=0.25, momentum=0.3), ibn=ibn)
    specs = [built.spec for built in built_norms(model).values()]
    assert {spec.eps for spec in specs} == {0.25}
    assert {spec.momentum for spec in specs if spec.name != "instance_norm"} == {0.3}


def test_no_convolution_gets_channels_last_maps_which_can_end_the_process_in_backward(monkeypatch):
    model, seen, convolve = build(LayerNormSpec(over="position"), width=4), [], nn.Conv2d._conv_forward

    def noting(layer, x, *weights):
        seen.append(x.is_contiguous())
        return convolve(layer, x, *weights)

    monkeypatch.setattr(nn.Conv2d, "_conv_forward", noting)
    model(torch.randn(4, 3, 8, 8))
    assert seen == [True] * 9


@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("ibn", ["none", "a", "b"])
def test_images_out_keep_their_size_and_are_not_pooled(ibn, dropout):
    model = build(output_shape=(3, 8, 8), ibn=ibn, dropout=dropout)
    assert model(torch.randn(2, 3, 8, 8)).shape == (2, 3, 8, 8)
    assert {built.feature_shape[1:] for built in built_norms(model).values()} == {(8, 8)}
    assert isinstance(model.output, nn.Conv2d)
    assert list(weighted_layers(model)) == list(weighted_layers(build()))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"input_shape": (256,)},
            (
                "model.name: must get images (C, H, W) of 8x8 or larger, got (256,). "
                "Use model: mlp, or dataset: banknotes."
            ),
        ),
        (
            {"input_shape": (3, 8, 7)},
            (
                "model.name: must get images (C, H, W) of 8x8 or larger, got (3, 8, 7). "
                "Use model: mlp, or dataset: banknotes."
            ),
        ),
        (
            {"output_shape": (3, 16, 16)},
            "model.name: must put out vectors, or images as large as the 8x8 inputs, got (3, 16, 16). Use model: mlp.",
        ),
        (
            {"norm": LayerNormSpec(), "ibn": "a"},
            (
                "model.ibn: must be none with norm: layer_norm, since IBN joins instance norm to batch norm, got 'a'. "
                "Use norm: batch_norm."
            ),
        ),
        (
            {"norm": BatchNormSpec(momentum=None), "ibn": "a"},
            (
                "norm.momentum: must be the default with model.ibn: a, since ibn has no such setting, got None. "
                "Leave it out."
            ),
        ),
        (
            {"norm": GroupNormSpec(num_groups=3)},
            "norm.num_groups: must divide the 16 features of layer stem, got 3. Use one of 1, 2, 4, 8, 16.",
        ),
    ],
)
def test_what_it_cannot_take_is_refused(settings, message):
    with pytest.raises(SettingError) as refusal:
        build(**settings)
    assert str(refusal.value) == message
