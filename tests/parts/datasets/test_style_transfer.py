"""Style transfer: the target has the content of one image and the style of the other, and nothing else of either."""

import pytest
import torch

from normbench.datasets.style_transfer import StyleTransferSpec
from normbench.inspection.split_scores import score
from normbench.norms.adain import AdaIN


@pytest.fixture(scope="module")
def dataset():
    return StyleTransferSpec().build(2000)


def standardized(x):
    return (x - x.mean((2, 3), keepdim=True)) / x.std((2, 3), keepdim=True, correction=0)


def test_the_target_has_the_content_images_content(dataset):
    for split in dataset.splits().values():
        assert torch.allclose(standardized(split.x[:, :3]), standardized(split.y), atol=1e-4)


def test_the_target_is_a_change_of_contrast_brightness_and_tint_that_the_style_image_shows(dataset):
    """What the two differ in, beside style, are stripes and texture: by chance, with mean 0."""
    content, style = dataset.test.x.split(3, 1)
    given = score(AdaIN()(content, style), dataset.test.y, "style_transfer")
    assert given["style_loss"] < 0.005 < 1 < score(content, dataset.test.y, "style_transfer")["style_loss"]
    means = style.mean((2, 3)) - dataset.test.y.mean((2, 3))
    assert means.mean().abs() < 0.01
    ratios = style.std((2, 3)) / dataset.test.y.std((2, 3))
    assert ratios.log().mean().abs() < 0.01


def test_two_styles_lie_as_far_apart_as_their_laws_say(dataset):
    """Brightness and tint: twice the variances 1/3 and 1/6; contrast 2^u: E c^2 - (E c)^2, times 0.5 + 0.09."""
    contrast = (4 - 0.25) / (4 * torch.log(torch.tensor(2.0))) - (1.5 / (2 * torch.log(torch.tensor(2.0)))) ** 2
    expected = 2 * (1 / 3 + 1 / 6 + 0.59 * contrast.item())
    found = score(dataset.test.x[:, :3], dataset.test.y, "style_transfer")["style_loss"]
    assert found == pytest.approx(expected, abs=0.06)


def test_the_kept_images_are_the_content_images_of_test(dataset):
    kept = dataset.extra["kept"]
    assert torch.equal(kept.x, dataset.test.x)
    assert torch.equal(kept.y, dataset.test.x[:, :3])


def test_without_a_spread_all_images_are_neutral():
    neutral = StyleTransferSpec(num_samples=8, style_spread=0.0).build(2000).train
    assert torch.equal(neutral.y, neutral.x[:, :3])
