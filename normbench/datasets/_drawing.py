"""Oriented gratings, and the styles they are seen in, drawn by formula."""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

IMAGE_SIZE = 16
MIN_CYCLES, MAX_CYCLES = 2.0, 4.0


def uniform(low: float, high: float, shape: tuple[int, ...], rng: Generator) -> Tensor:
    """Draw numbers uniformly from [low, high)."""
    return low + (high - low) * torch.rand(shape, generator=rng)


def gratings(angle: Tensor, rng: Generator) -> Tensor:
    """Return a sine wave across each image, 2 to 4 cycles of random phase: (N, 1, 16, 16) in [-1, 1].

    Args:
        angle: In radians, (N,): the direction in which the wave rises and falls; 0 gives upright stripes.
        rng: Decides cycles and phase.
    """
    cycles, phase = uniform(MIN_CYCLES, MAX_CYCLES, angle.shape, rng), uniform(0, 2 * math.pi, angle.shape, rng)
    side = (torch.arange(IMAGE_SIZE) + 0.5) / IMAGE_SIZE - 0.5
    angle, cycles, phase = (each.view(-1, 1, 1) for each in (angle, cycles, phase))
    along = angle.cos() * side + angle.sin() * side.unsqueeze(1)
    return (2 * math.pi * cycles * along + phase).sin().unsqueeze(1)


def textured_stripes(num_images: int, texture_std: float, waves_rng: Generator, texture_rng: Generator) -> Tensor:
    """Return stripes in any direction with a texture of N(0, texture_std^2) per pixel, grey: (N, 3, 16, 16)."""
    waves = gratings(uniform(0, math.pi, (num_images,), waves_rng), waves_rng)
    texture = torch.randn(waves.shape, generator=texture_rng)
    return (waves + texture_std * texture).repeat(1, 3, 1, 1)


@dataclass(frozen=True)
class Styles:
    """Contrast, brightness and tint of each image: contrast * image + brightness + tint.

    A style never mixes pixels, so whatever brings each channel of each image to mean 0 and std 1 takes it away.

    Shape:
        contrast, brightness: (N, 1, 1, 1); 1 and 0 are neutral.
        tint: (N, 3, 1, 1), red, green and blue, with sum 0; 0 is neutral.
    """

    contrast: Tensor
    brightness: Tensor
    tint: Tensor

    def of(self, images: Tensor) -> Tensor:
        """Return each image in its style: (N, 1 or 3, H, W) -> (N, 3, H, W)."""
        return self.contrast * images + self.brightness + self.tint

    def take(self, chosen: Tensor) -> "Styles":
        """Return the styles with these indices."""
        return Styles(self.contrast[chosen], self.brightness[chosen], self.tint[chosen])


def random_styles(num_styles: int, low: float, high: float, rng: Generator) -> Styles:
    """Draw styles at a distance between ``low`` and ``high`` from the neutral one, in random directions.

    An amount of 1 doubles or halves the contrast, adds or takes away as much brightness as a grating's amplitude,
    and tints one hue by as much.
    """
    one_each = (num_styles, 1, 1, 1)
    contrast, brightness, tint = (uniform(low, high, one_each, rng) for _ in range(3))
    lower, darker = (torch.randint(0, 2, one_each, generator=rng) * 2 - 1 for _ in range(2))
    hue = 2 * math.pi * (torch.rand(one_each, generator=rng) + torch.arange(3).view(1, 3, 1, 1) / 3)
    return Styles(torch.exp2(lower * contrast), darker * brightness, tint * hue.cos())
