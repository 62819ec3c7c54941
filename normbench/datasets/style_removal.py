"""Style removal: images of gratings in random styles, with the neutral image as target."""

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor

from normbench.datasets._drawing import IMAGE_SIZE, Styles, random_styles, textured_stripes
from normbench.datasets.base import Dataset, DatasetSpec, Split, Task, even_labels, even_shares
from normbench.parts import MAX_SAMPLES, MAX_SIZE
from normbench.random_streams import stream

NUM_TEST_IMAGES = 2000


class StyleRemovalSpec(DatasetSpec):
    """Textured stripes in one of ``num_styles`` styles; target: the same stripes and texture in neutral style.

    A style is contrast * image + brightness + tint, at most ``style_spread`` from neutral: at 1 the contrast is
    doubled or halved, and brightness and tint move by a grating's amplitude. The styles are those of a seed, the
    same in train, validation and test, each as often; in ``unseen`` every image has a style of its own. The style
    is the split's ``group``, so ``sampling: by_class`` makes batches of one style.

    Known beforehand: the target does not depend on the style. Batch norm in training takes the style away from a
    batch of one style, and not from a mixed one; instance norm takes it away from both. In evaluation the running
    statistics are of all styles, so what batch norm learned on batches of one style does not hold there.

    Mean squared error on ``test`` at the default settings, of seeds 0, 1, 2; the mean image has 0.59:

    - Batch norm: mixed batches 0.0146, 0.0249, 0.0201 (unseen 0.088, 0.034, 0.175); of one style 0.15, 0.38, 0.41.
    - Instance norm: mixed 0.0040, 0.0042, 0.0043 (unseen 0.0044, 0.0041, 0.0058); of one style 0.0039, 0.0041, 0.0045.
    - None: mixed 0.0144, 0.0246, 0.0238 (unseen 0.191, 0.088, 0.355); of one style 0.040, 0.058, 0.043.

    Three convolutions 3x3 of 16, 16 and 3 channels, norms after the first two; 300 steps of Adam, batch size 16,
    lr 0.003.
    """

    task: ClassVar[Task] = "regression"
    name: Literal["style_removal"] = "style_removal"
    num_samples: int = Field(800, ge=2, le=MAX_SAMPLES)
    """Images in train, and as many in validation; >= 2."""
    num_styles: int = Field(8, ge=1, le=MAX_SIZE)
    """Styles of a seed; >= 1."""
    style_spread: float = Field(1.0, ge=0)
    """How far the styles lie from the neutral one, at most; >= 0."""
    texture_std: float = Field(0.3, ge=0)
    """Std of the texture, which belongs to the target; >= 0."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Red, green and blue, then rows and columns."""
        return (3, IMAGE_SIZE, IMAGE_SIZE)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """An image like the one that comes in."""
        return self.input_shape

    @property
    def group_sizes(self) -> tuple[int, ...]:
        """Training samples of each style."""
        return even_shares(self.num_samples, self.num_styles)

    def build(self, seed: int) -> Dataset:
        """Draw the splits; test and unseen have 2,000 images whatever the settings."""
        styles = random_styles(self.num_styles, 0, self.style_spread, stream(seed, "data", "styles"))
        train, validation = (self._draw(seed, name, self.num_samples, styles) for name in ("train", "validation"))
        test = self._draw(seed, "test", NUM_TEST_IMAGES, styles)
        new_styles = random_styles(NUM_TEST_IMAGES, 0, self.style_spread, stream(seed, "data", "new_styles"))
        unseen = self._draw(seed, "unseen", NUM_TEST_IMAGES, new_styles)
        return Dataset(train, validation, test, extra={"unseen": unseen})

    def _draw(self, seed: int, split: str, num_images: int, styles: Styles) -> Split:
        group = even_labels(num_images, len(styles.contrast), stream(seed, "data", split, "style"))
        neutral = self._neutral(seed, split, num_images)
        return Split(styles.take(group).of(neutral), neutral, group)

    def _neutral(self, seed: int, split: str, num_images: int) -> Tensor:
        waves_rng, texture_rng = (stream(seed, "data", split, purpose) for purpose in ("waves", "texture"))
        return textured_stripes(num_images, self.texture_std, waves_rng, texture_rng)
