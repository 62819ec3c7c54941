"""Style removal: the target knows nothing of the style."""

import pytest
import torch

from normbench.datasets.style_removal import StyleRemovalSpec

SPEC = StyleRemovalSpec()


@pytest.fixture(scope="module")
def dataset():
    return SPEC.build(0)


def standardized(x):
    return (x - x.mean((2, 3), keepdim=True)) / x.std((2, 3), keepdim=True, correction=0)


def test_standardized_inputs_and_targets_are_equal(dataset):
    for split in dataset.splits().values():
        assert torch.allclose(standardized(split.x), standardized(split.y), atol=1e-4)


def test_the_target_does_not_depend_on_the_style():
    plain, styled = (StyleRemovalSpec(style_spread=spread).build(0) for spread in (0.0, 2.0))
    for name in plain.splits():
        assert torch.equal(plain.splits()[name].y, styled.splits()[name].y)
    assert torch.equal(plain.test.x, plain.test.y)
    assert not torch.allclose(styled.test.x, styled.test.y, atol=0.5)


def test_the_target_is_neutral_on_average_in_every_style(dataset):
    test = dataset.test
    for style in range(SPEC.num_styles):
        of_style = test.y[test.group == style]
        assert of_style.mean((0, 2, 3)).abs().max() < 0.05
        assert of_style.std().item() == pytest.approx((0.5 + SPEC.texture_std**2) ** 0.5, abs=0.02)


def test_each_style_is_one_change_of_contrast_brightness_and_tint(dataset):
    """The same change in all splits: least squares of input on target leaves nothing over."""
    for style in range(SPEC.num_styles):
        fits = []
        for split in (dataset.train, dataset.validation, dataset.test):
            x, y = (images[split.group == style].double() for images in (split.x, split.y))
            contrast = ((x - x.mean((0, 2, 3), keepdim=True)) * y).mean() / y.var(correction=0)
            offset = (x - contrast * y).mean((0, 2, 3))
            assert (x - contrast * y - offset.view(1, 3, 1, 1)).abs().max() < 0.01
            fits.append(torch.cat([contrast.view(1), offset]))
        assert torch.allclose(fits[0], fits[1], atol=0.01)
        assert torch.allclose(fits[0], fits[2], atol=0.01)


def test_unseen_images_have_a_style_each(dataset):
    means = dataset.extra["unseen"].x.mean((2, 3))
    assert len(dataset.extra["unseen"].group.unique()) == len(means)
    assert means.std(0).min() > 0.3


def test_styles_are_balanced_exactly(dataset):
    for name in ("train", "validation", "test"):
        split = dataset.splits()[name]
        assert torch.bincount(split.group).tolist() == [len(split) // SPEC.num_styles] * SPEC.num_styles


def test_each_seed_has_styles_of_its_own(dataset):
    one, other = (data.train.x[data.train.group == 0].mean((0, 2, 3)) for data in (dataset, SPEC.build(1)))
    assert not torch.allclose(one, other, atol=0.01)
