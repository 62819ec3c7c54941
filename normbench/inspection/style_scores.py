"""Scores images by style and content: how far each channel's mean and std lie from the target's, and what is left."""

import torch
from torch import Tensor

EPS = 1e-5
"""Added to variances, so that an image of one colour has no content at all."""
SCORES = ("style_loss", "content_loss")


class StyleScores:
    """Adds up, batch by batch, in what outputs differ from the images they should be.

    ``style_loss`` is (mean - target's mean)^2 + (std - target's std)^2 of a channel, averaged over channels and images:
    the style loss of Huang and Belongie (2017), taken in the image's own channels. ``content_loss`` is the mean squared
    error between both images, each channel of each brought to mean 0 and std 1: 2 (1 - r), with r their correlation. 0
    is perfect, 1 an image of one colour, 2 one that has nothing to do with the target. With s and t the stds, the mean
    squared error of the images themselves is style_loss + s t content_loss in each channel.

    References:
        Huang and Belongie, Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization, 2017,
        equation 13. https://arxiv.org/abs/1703.06868
    """

    def __init__(self) -> None:
        self.sums = dict.fromkeys(SCORES, 0.0)
        self.num_images = 0

    def add(self, output: Tensor, targets: Tensor) -> None:
        """Add a batch: images (N, C, H, W), and those that they should be."""
        (mean, std, content), (other_mean, other_std, other_content) = map(_taken_apart, (output, targets))
        losses = (mean - other_mean).square() + (std - other_std).square(), (content - other_content).square()
        for name, loss in zip(SCORES, losses, strict=True):
            self.sums[name] += loss.mean().item() * len(output)
        self.num_images += len(output)

    def result(self) -> dict[str, float]:
        """Return both losses of all that was added."""
        return {name: total / self.num_images for name, total in self.sums.items()}


def _taken_apart(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return means (N, C), stds (N, C), and the images without both, (N, C, H * W), in float64."""
    pixels = images.double().flatten(2)
    std, mean = torch.std_mean(pixels, 2, correction=0, keepdim=True)
    return mean.squeeze(2), std.squeeze(2), (pixels - mean) / (std.square() + EPS).sqrt()
