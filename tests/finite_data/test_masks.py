"""Folders of images and masks: matched by name, values as classes, sizes, and what is refused."""

import numpy as np
import pytest
import torch
from finite_data.picture_folders import mistakes, noise, rows_of, save, spec_of, with_masks
from PIL import Image

from normbench.datasets.base import IGNORED

SQUARES = [np.where(np.add.outer(np.arange(6), np.arange(5)) > number, 255, 0) for number in range(6)]


def test_values_are_classes_in_their_order_and_masks_follow_their_images(tmp_path):
    with_masks(tmp_path / "root", SQUARES)
    spec = spec_of(tmp_path)
    assert (spec.task, spec.input_shape, spec.output_shape) == ("segmentation", (1, 6, 5), (2, 6, 5))
    dataset, chosen = spec.build(1), spec.split_of(1)
    for name, split in (("train", dataset.train), ("validation", dataset.validation), ("test", dataset.test)):
        assert (split.y.dtype, split.x.dtype) == (torch.int64, torch.float32)
        for row, mask in zip(chosen[name], split.y, strict=True):
            number = int(spec.rows.files[row].split("/")[1].split(".")[0])
            assert torch.equal(mask, torch.from_numpy(SQUARES[number] // 255))
    assert any("values 0 (" in finding.what for finding in spec.rows.findings)


def test_declared_values_have_their_own_order_and_ignored_ones_do_not_count(tmp_path):
    masks = [np.where(np.arange(30).reshape(6, 5) % 3 == 0, 7, np.where(mask, 3, 255)) for mask in SQUARES]
    with_masks(tmp_path / "root", masks)
    spec = spec_of(tmp_path, mask_values=[7, 3], ignore=255)
    assert spec.rows.class_names == ("7", "3")
    found = spec.build(0).train.y[0].numpy()
    number = int(spec.rows.files[spec.split_of(0)["train"][0]].split("/")[1].split(".")[0])
    assert np.array_equal(found, np.select([masks[number] == 7, masks[number] == 3], [0, 1], IGNORED))


def test_palettes_are_read_by_number_and_sixteen_bits_by_value(tmp_path):
    for number, mask in enumerate(SQUARES):
        save(tmp_path / "root" / "images" / f"{number}.jpg", noise(number, (6, 5, 3)))
        image = Image.fromarray((mask // 255 * 2).astype(np.uint8), "L")
        if number % 2:
            image = image.convert("P")
            image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
            image.putdata((mask // 255 * 2).flatten().tolist())
        else:
            image = Image.fromarray((mask // 255 * 2).astype(np.uint16))
        (tmp_path / "root" / "masks").mkdir(exist_ok=True)
        image.save(tmp_path / "root" / "masks" / f"{number}.png")
    rows = rows_of(tmp_path)
    assert rows.class_names == ("0", "2")
    assert np.array_equal(rows.masks, np.stack(SQUARES) // 255)


def test_masks_are_resized_without_new_values(tmp_path):
    with_masks(tmp_path / "root", SQUARES)
    rows = rows_of(tmp_path, size=[3, 20])
    assert rows.masks.shape[1:] == rows.x.shape[2:] == (3, 20)
    assert set(np.unique(rows.masks)) == {0, 1}
    whole = rows_of(tmp_path, size=[12, 10])
    assert np.array_equal(whole.masks[:, ::2, ::2], np.stack(SQUARES) // 255)


def test_255_that_is_not_declared_is_told(tmp_path):
    with_masks(tmp_path / "root", [np.where(mask, 255, np.arange(30).reshape(6, 5) % 2) for mask in SQUARES])
    warned = [finding for finding in rows_of(tmp_path).findings if finding.level == "warning"]
    assert [finding.way_out for finding in warned] == ["Say dataset.ignore: 255, or mask_values."]
    assert not [one for one in rows_of(tmp_path, ignore=255).findings if one.level == "warning"]


def test_what_lacks_its_mask_or_its_image_is_named(tmp_path):
    with_masks(tmp_path / "root", SQUARES)
    (tmp_path / "root" / "masks" / "1.png").unlink()
    save(tmp_path / "root" / "masks" / "x.png", noise(1))
    (line,) = mistakes(tmp_path)
    assert line.startswith("root: must hold a mask of the same name for each image")
    assert "got 'images/1.png has no mask, masks/x.png has no image'" in line


@pytest.mark.parametrize(
    ("pixels", "name", "why"),
    [
        (noise(1, (6, 5, 3)), "3.png", "masks/3.png, which is RGB, and must be grey or have a palette"),
        (noise(1), "3.jpg", "masks/3.jpg, which is a JPEG, which changes the values of pixels; save masks as PNG"),
        (noise(1, (5, 6)), "3.png", "masks/3.png must have the size of its image, 6x5, got '5x6'"),
    ],
)
def test_a_file_that_is_no_mask_of_its_image_is_named(tmp_path, pixels, name, why):
    with_masks(tmp_path / "root", SQUARES)
    (tmp_path / "root" / "masks" / "3.png").unlink()
    save(tmp_path / "root" / "masks" / name, pixels)
    (line,) = mistakes(tmp_path)
    assert why in line


@pytest.mark.parametrize(
    ("masks", "settings", "line"),
    [
        (
            SQUARES,
            {"mask_values": [0, 1]},
            "mask_values: must hold every value of the masks, [0, 1], got '255 in",
        ),
        ([np.zeros((6, 5))] * 6, {}, "mask_values: masks must hold two values or more, got [0]"),
        ([noise(n, (16, 16)) for n in range(6)], {}, "mask_values: must be said where masks hold more than 64 values"),
        (
            [*SQUARES[:5], np.full((6, 5), 9)],
            {"ignore": 9},
            "ignore: must leave a pixel that counts in every mask",
        ),
    ],
)
def test_values_that_cannot_be_classes_are_refused(tmp_path, masks, settings, line):
    with_masks(tmp_path / "root", masks, np.shape(masks[0]))
    assert [found[: len(line)] for found in mistakes(tmp_path, **settings)] == [line]


def test_masks_may_lie_in_train_and_test(tmp_path):
    for part in ("train", "test"):
        with_masks(tmp_path / "root" / part, SQUARES)
    spec = spec_of(tmp_path)
    assert spec.finite.splits == "fixed"
    assert [len(rows) for rows in spec.split_of(0).values()] == [5, 1, 6]
