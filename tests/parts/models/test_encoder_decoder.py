"""Encoder and decoder: what of the style image reaches the output, and where a norm stands."""

import pytest
import torch

from normbench.errors import SettingError
from normbench.models.encoder_decoder import EncoderDecoderSpec
from normbench.norms.batch_norm import BatchNormSpec
from normbench.norms.none import NoneSpec

SHAPES = (6, 8, 8), (3, 8, 8)
STYLES = pytest.mark.parametrize("style", ["adain", "concat"])


def network(style, norm=None):
    torch.manual_seed(0)
    return EncoderDecoderSpec(style=style).build(*SHAPES, norm or NoneSpec(), 0.0)


@STYLES
def test_of_the_style_only_means_and_stds_of_its_features_are_handed_on(style):
    """Shifting a style image around, without edges, moves its features and changes neither."""
    model, x = network(style), torch.randn(4, 6, 8, 8)
    for layer in (model.encoder1, model.encoder2):
        layer.padding_mode = "circular"
        layer._reversed_padding_repeated_twice = [1, 1, 1, 1]
    moved = torch.cat([x[:, :3], x[:, 3:].roll((3, 2), (2, 3))], 1)
    other = torch.cat([x[:, :3], 2 * x[:, 3:] + 1], 1)
    assert torch.allclose(model(x), model(moved), atol=1e-5)
    assert not torch.allclose(model(x), model(other), atol=0.01)


def test_adain_hands_the_decoder_the_means_and_stds_of_the_style():
    model, seen = network("adain"), []
    model.decoder1.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    x = torch.randn(4, 6, 8, 8)
    model(x)
    style = model.encoder2(model.encoder1(x[:, 3:]))
    torch.testing.assert_close(seen[0].mean((2, 3)), style.mean((2, 3)))
    alive = (style.std((2, 3)) > 0.01) & (model.encoder2(model.encoder1(x[:, :3])).std((2, 3)) > 0.1)
    torch.testing.assert_close(seen[0].std((2, 3))[alive], style.std((2, 3))[alive], rtol=0.01, atol=0.001)


def test_the_norm_sees_the_contents_features_alone():
    model, seen = network("concat", BatchNormSpec()), []
    model.encoder2.norm.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    x = torch.randn(4, 6, 8, 8)
    model(x)
    torch.testing.assert_close(seen[0], model.encoder2(model.encoder1(x[:, :3])))


@STYLES
def test_a_style_image_of_one_colour_has_a_finite_gradient(style):
    model, x = network(style), torch.randn(4, 6, 8, 8)
    x[:, 3:] = 0
    model(x).square().mean().backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


def test_a_norm_where_adain_stands_is_refused():
    with pytest.raises(SettingError, match=r"must be concat with norm: batch_norm, since AdaIN takes the norm's place"):
        network("adain", BatchNormSpec())
    with pytest.raises(SettingError, match="must get two images, one behind the other"):
        EncoderDecoderSpec().build((3, 8, 8), (3, 8, 8), NoneSpec(), 0.0)
