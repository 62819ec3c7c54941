"""Laws of paired differences with their medians: symmetric, heavy, skewed, with collapses, of accuracies with ties.

A law draws an array of a shape. Those of accuracies are of 500 test images.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

IMAGES = 500
COLLAPSE = -10.0
NUM_FOR_MEDIAN = 2_000_001


@dataclass(frozen=True)
class Law:
    """A law of differences.

    Attributes:
        draw: Draws an array of a shape.
        median: Its median.
    """

    draw: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
    median: float


def t3(rng, shape):
    """Student's t with 3 degrees, of std 1."""
    return rng.standard_t(3, shape) / math.sqrt(3)


def scale_by_seed(rng, shape):
    return rng.normal(size=shape) * rng.lognormal(size=shape)


def collapsing(rate):
    """Normal differences, of which a share is off by -10 std."""

    def draw(rng, shape):
        return rng.normal(size=shape) + COLLAPSE * (rng.random(shape) < rate)

    median = brentq(lambda m: (1 - rate) * ndtr(m) + rate * ndtr(m - COLLAPSE) - 0.5, -5, 5)
    return Law(draw, median)


def losses(rng, shape):
    """Two arms with log-normal losses of equal median, one ten times as spread as the other."""
    return rng.lognormal(0, 1, shape) - rng.lognormal(0, 0.2, shape)


def accuracy(rng, shape, p):
    return np.round(rng.binomial(IMAGES, p, size=shape) / IMAGES, 3)


def accuracies(rng, shape):
    return accuracy(rng, shape, 0.9) - accuracy(rng, shape, 0.9)


def at_the_ceiling(rng, shape):
    """Two arms near 99 %, one of which varies by seed."""
    return accuracy(rng, shape, 1 - 0.01 * rng.lognormal(0, 0.7, shape).clip(0, 50)) - accuracy(rng, shape, 0.99)


def collapsing_accuracies(rng, shape):
    """Two arms at 90 %, one of which falls to 10 % in 5 % of its runs."""
    return accuracy(rng, shape, np.where(rng.random(shape) < 0.05, 0.1, 0.9)) - accuracy(rng, shape, 0.9)


def on_images(draw):
    """The median is read off many draws: it is a whole number of images."""
    middle = np.median(draw(np.random.default_rng(0), (NUM_FOR_MEDIAN,)))
    return Law(draw, round(float(middle) * IMAGES) / IMAGES)


def all_laws() -> dict[str, Law]:
    """Return the laws by name."""
    return {
        "gauss": Law(lambda rng, shape: rng.normal(size=shape), 0.0),
        "t3": Law(t3, 0.0),
        "scale by seed": Law(scale_by_seed, 0.0),
        "exponential": Law(lambda rng, shape: rng.exponential(size=shape), math.log(2)),
        "log-normal 1": Law(lambda rng, shape: rng.lognormal(0, 1, shape), 1.0),
        "log-normal 1.5": Law(lambda rng, shape: rng.lognormal(0, 1.5, shape), 1.0),
        "two log-normal arms": Law(losses, 0.0),
        "collapse 5 %": collapsing(0.05),
        "collapse 10 %": collapsing(0.10),
        "collapse 20 %": collapsing(0.20),
        "accuracies": on_images(accuracies),
        "accuracies at 99 %": on_images(at_the_ceiling),
        "accuracies, collapse": on_images(collapsing_accuracies),
    }
