"""Makes folders of small images and masks for tests, and reads them as the dataset does."""

import numpy as np
from PIL import Image

from normbench.datasets.images import ImagesSpec
from normbench.own_code.source_folder import reading_from


def noise(number, shape=(6, 5), dtype=np.uint8):
    high = np.iinfo(dtype).max + 1
    return np.random.default_rng(number).integers(0, high, shape, dtype=dtype)


def save(path, pixels, mode=None, **settings):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path, **settings)
    return path


def by_class(root, counts, shape=(6, 5)):
    """Save grey noise: a number of images for each class."""
    for name, count in counts.items():
        for number in range(count):
            save(root / name / f"{number}.png", noise((len(name), *map(ord, name), number), shape))


def with_masks(root, masks, shape=(6, 5)):
    """Save grey noise, and for each image a mask."""
    for number, mask in enumerate(masks):
        save(root / "images" / f"{number}.png", noise(number, shape))
        save(root / "masks" / f"{number}.png", np.asarray(mask, dtype=np.uint8))


def spec_of(folder, **settings):
    with reading_from(folder):
        return ImagesSpec(**{"root": "root", **settings})


def mistakes(folder, **settings):
    """Return the lines that a user is told."""
    return [str(mistake) for mistake in spec_of(folder, **settings).mistakes()]


def rows_of(folder, **settings):
    """Return the rows of a folder, as a command reads them that begins now."""
    spec = spec_of(folder, **settings)
    assert spec.mistakes() == []
    return spec.rows
