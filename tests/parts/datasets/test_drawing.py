"""Gratings and styles, by formula."""

import math

import pytest
import torch

from normbench.datasets._drawing import MAX_CYCLES, MIN_CYCLES, Styles, gratings, random_styles, uniform
from normbench.random_streams import stream


def rng(seed=0):
    return stream(seed, "drawing")


def test_a_grating_is_constant_along_its_stripes():
    upright = gratings(torch.zeros(20), rng())
    level = gratings(torch.full((20,), math.pi / 2), rng())
    assert torch.allclose(upright, upright[:, :, :1].expand_as(upright), atol=1e-5)
    assert torch.allclose(level, level[..., :1].expand_as(level), atol=1e-5)


def test_a_grating_is_a_wave_of_amplitude_one_and_two_to_four_cycles():
    upright = gratings(torch.zeros(500), rng())[:, 0, 0]
    assert upright.abs().max() <= 1
    crossings = (upright.sign().diff(dim=1) != 0).sum(1)
    assert crossings.min() >= 2 * MIN_CYCLES - 1
    assert crossings.max() <= 2 * MAX_CYCLES
    assert upright.square().mean().item() == pytest.approx(0.5, abs=0.02)


def test_turned_by_half_a_circle_a_grating_is_one_of_the_same_direction():
    angle = torch.full((2000,), 0.4)
    power = [
        torch.fft.fft2(gratings(a, rng(s))[:, 0]).abs().square().mean(0) for s, a in enumerate((angle, angle + math.pi))
    ]
    assert ((power[0] - power[1]).abs().max() / power[0].max()).item() < 0.1


def test_the_neutral_style_changes_nothing_but_the_number_of_channels():
    images = torch.randn(3, 1, 4, 4)
    assert torch.equal(random_styles(3, 0, 0, rng()).of(images), images.expand(3, 3, 4, 4))


def test_a_style_is_contrast_times_image_plus_brightness_plus_tint():
    tint = torch.tensor([0.1, 0.0, -0.1]).view(1, 3, 1, 1)
    style = Styles(torch.full((1, 1, 1, 1), 2.0), torch.full((1, 1, 1, 1), 0.5), tint)
    assert torch.allclose(style.of(torch.ones(1, 1, 2, 2))[0, :, 0, 0], torch.tensor([2.6, 2.5, 2.4]))


def test_styles_lie_between_low_and_high_in_every_direction():
    styles = random_styles(3000, 0.5, 1.0, rng())
    for amount in (styles.contrast.log2(), styles.brightness):
        assert amount.abs().min() >= 0.5
        assert amount.abs().max() <= 1.0
        assert 0.45 < (amount > 0).float().mean() < 0.55
    assert styles.tint.sum(1).abs().max() < 1e-5
    size = (styles.tint.square().sum(1) / 1.5).sqrt()  # three cosines a third of a circle apart
    assert size.min() >= 0.5 - 1e-5
    assert size.max() <= 1.0 + 1e-5


def test_chosen_styles_are_those_styles():
    styles, chosen = random_styles(5, 0, 1, rng()), torch.tensor([4, 4, 1])
    assert torch.equal(styles.take(chosen).of(torch.zeros(3, 1, 1, 1))[2], styles.of(torch.zeros(5, 1, 1, 1))[1])


def test_uniform_numbers_keep_to_their_range():
    drawn = uniform(-2, 3, (10_000,), rng())
    assert drawn.min() >= -2
    assert drawn.max() < 3
    assert drawn.mean().item() == pytest.approx(0.5, abs=0.1)
