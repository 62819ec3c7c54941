"""Style transfer: two images in random styles, with the first one in the style of the second as target."""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from normbench.datasets._drawing import IMAGE_SIZE, Styles, random_styles, textured_stripes
from normbench.datasets.base import Dataset, DatasetSpec, Split, Task
from normbench.parts import MAX_SAMPLES
from normbench.random_streams import stream

NUM_TEST_PAIRS = 2000


class StyleTransferSpec(DatasetSpec):
    """Two images of textured stripes, each in a style of its own; target: the first in the second's style.

    The input has six channels: red, green and blue of the content image, then those of the style image. A style is
    contrast * image + brightness + tint, at most ``style_spread`` from neutral: at 1 the contrast is doubled or halved,
    and brightness and tint move by a grating's amplitude. No style comes twice. In ``kept`` the inputs are those of
    ``test``, the target is the content image itself: ``kept_style_loss`` is the distance to the style it had.

    Known beforehand: such a style is a mean and a std of each channel, so a network that computes nothing else of the
    style image can do the task, but for what stripes and texture add to these by chance.

    On ``test`` at the default settings, of seeds 2000, 2001, 2002, style and content loss:

    - The content image as it is: 1.22, 1.20, 1.21 and 0; 1.22 is the expected distance between two styles.
    - The content image's channels given the means and stds of the style image's: 0.0039, 0.0040, 0.0039 and 0.
    - The mean target: 1.23, 1.28, 1.23 and 1.99: what is left of its stripes has nothing to do with an image's own.
    """

    task: ClassVar[Task] = "style_transfer"
    name: Literal["style_transfer"] = "style_transfer"
    num_samples: int = Field(800, ge=2, le=MAX_SAMPLES)
    """Pairs of images in train, and as many in validation; >= 2."""
    style_spread: float = Field(1.0, ge=0)
    """How far the styles lie from the neutral one, at most; >= 0."""
    texture_std: float = Field(0.3, ge=0)
    """Std of the texture, which belongs to the content; >= 0."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Three channels of the content image and three of the style image, then rows and columns."""
        return (6, IMAGE_SIZE, IMAGE_SIZE)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """An image like the content image."""
        return (3, IMAGE_SIZE, IMAGE_SIZE)

    def build(self, seed: int) -> Dataset:
        """Draw the splits; test has 2,000 pairs whatever the settings."""
        train, validation = (self._draw(seed, name, self.num_samples) for name in ("train", "validation"))
        test = self._draw(seed, "test", NUM_TEST_PAIRS)
        return Dataset(train, validation, test, extra={"kept": Split(test.x, test.x[:, :3])})

    def _draw(self, seed: int, split: str, num_pairs: int) -> Split:
        (content, own), (other, style) = (self._image(seed, split, image, num_pairs) for image in ("content", "style"))
        return Split(torch.cat([own.of(content), style.of(other)], 1), style.of(content))

    def _image(self, seed: int, split: str, image: str, num_images: int) -> tuple[Tensor, Styles]:
        """Return images in neutral style, and the styles they are seen in."""
        waves, texture, styles = (stream(seed, "data", split, image, what) for what in ("waves", "texture", "styles"))
        neutral = textured_stripes(num_images, self.texture_std, waves, texture)
        return neutral, random_styles(num_images, 0, self.style_spread, styles)
