"""Folders of images: what is read, in which order, as which pixels, and what is refused in which words."""

import struct
import zlib

import numpy as np
import pytest
import torch
from finite_data.picture_folders import by_class, mistakes, noise, rows_of, save, spec_of
from PIL import Image

from normbench.finite_data import image_files, memory

EXIF_ORIENTATION, TURNED = 0x112, 6
MEND, EXAMPLE = "Mend or remove it.", "Example: size: [4, 8], rows and columns; their shape is not kept."


def messy_folder(root):
    """A folder as they are: classes 1, 2, 10, hidden names, notes, an RGBA image, a broken one, one turned by EXIF."""
    by_class(root, {"1": 4, "2": 4, "10": 4}, (4, 8))
    save(root / "2" / "alpha.png", noise(7, (4, 8, 4)))
    (root / "2" / "broken.png").write_bytes(b"no image")
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = TURNED
    save(root / "10" / "turned.jpg", noise(8, (4, 8)), exif=exif)
    (root / ".ipynb_checkpoints").mkdir()
    (root / "1" / "._a.png").write_bytes(b"of another system")
    (root / "1" / "notes.txt").write_text("nothing")


def test_all_that_is_wrong_with_a_folder_is_told_at_once(tmp_path):
    messy_folder(tmp_path / "root")
    assert mistakes(tmp_path) == [
        "root: must hold images that can be used, got '2/broken.png, which is no image that Pillow knows'. " + MEND,
        "channels: must be said, the images are of several kinds, got '13 grey, 1 RGBA'. Say 1, 3 or 4.",
        "size: must be said, the images differ, got '13 of 4x8, 1 of 8x4'. " + EXAMPLE,
    ]


def test_a_folder_is_read_in_natural_order_without_what_is_hidden(tmp_path):
    messy_folder(tmp_path / "root")
    (tmp_path / "root" / "2" / "broken.png").unlink()
    rows = rows_of(tmp_path, size=4, channels=3)
    assert rows.class_names == ("1", "2", "10")
    assert np.bincount(rows.targets.values).tolist() == [4, 5, 5]
    assert (rows.x.shape, rows.x.dtype, rows.unit) == ((14, 3, 4, 4), np.uint8, "images")
    said = [finding.what for finding in rows.findings]
    assert "the classes are, in this order, 1 (4 images), 2 (5 images), 10 (5 images)" in said
    assert "skipped, as they are no images: 1/notes.txt" in said


def test_an_image_is_turned_as_exif_says(tmp_path):
    pixels = np.zeros((4, 8), np.uint8)
    pixels[0] = 255
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = TURNED
    path = save(tmp_path / "a.png", pixels, exif=exif)
    read = image_files.read_image(path, None, None)
    assert np.array_equal(read.pixels[0], np.rot90(pixels, -1))


@pytest.mark.parametrize(
    ("mode", "kind", "channels"),
    [
        ("1", "grey", 1),
        ("L", "grey", 1),
        ("LA", "grey with alpha", 2),
        ("P", "RGB", 3),
        ("RGB", "RGB", 3),
        ("RGBA", "RGBA", 4),
        ("I;16", "16-bit grey", 1),
    ],
)
def test_an_image_has_the_channels_of_its_file_unless_others_are_said(tmp_path, mode, kind, channels):
    path = tmp_path / "a.png"
    Image.new(mode, (5, 6)).save(path)
    found = image_files.read_image(path, None, None)
    assert (found.kind, found.pixels.shape) == (kind, (channels, 6, 5))
    for said in (1, 3) if mode == "I;16" else (1, 3, 4):
        assert image_files.read_image(path, said, (2, 3)).pixels.shape == (said, 2, 3)


def test_cmyk_is_read_as_four_channels_or_as_colours(tmp_path):
    path = save(tmp_path / "a.jpg", noise(1, (6, 5, 3)), "CMYK")
    assert image_files.read_image(path, None, None).kind == "CMYK"
    assert image_files.read_image(path, 3, None).pixels.shape == (3, 6, 5)


def test_sixteen_bits_are_kept(tmp_path):
    values = noise(1, (6, 5), np.uint16)
    path = save(tmp_path / "a.png", values)
    assert np.array_equal(image_files.read_image(path, None, None).pixels[0], values)
    enlarged = image_files.read_image(path, 1, (12, 10)).pixels
    assert enlarged.dtype == np.uint16
    assert values.min() <= enlarged.min() < enlarged.max() <= values.max()


def test_bytes_beside_sixteen_bits_are_brought_to_their_range(tmp_path):
    by_class(tmp_path / "root", {"a": 3, "b": 3})
    save(tmp_path / "root" / "a" / "white.png", np.full((6, 5), 2**16 - 1, np.uint16))
    save(tmp_path / "root" / "b" / "white.png", np.full((6, 5), 255, np.uint8))
    (line,) = mistakes(tmp_path)
    assert line.startswith("channels: must be said, the images are of several kinds, got '7 grey, 1 16-bit grey'")
    rows = rows_of(tmp_path, channels=1)
    white = [rows.x[number] for number, name in enumerate(rows.files) if "white" in name]
    assert all((one == 2**16 - 1).all() for one in white)


def test_inputs_are_standardized_by_the_channels_of_the_training_images(tmp_path):
    for number in range(8):
        save(tmp_path / "root" / "ab"[number % 2] / f"{number}.png", noise(number, (6, 5, 3)) // np.uint8(number + 1))
    spec = spec_of(tmp_path)
    chosen, rows, train = spec.split_of(0), spec.rows, spec.build(0).train
    pixels = rows.x[chosen["train"]] / 255
    mean, std = pixels.mean((0, 2, 3), keepdims=True), pixels.std((0, 2, 3), keepdims=True)
    torch.testing.assert_close(train.x, torch.from_numpy((pixels - mean) / std).float(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("names", [("train", "test"), ("train", "val", "test"), ("train", "validation", "test")])
def test_folders_of_train_and_test_are_the_splits(tmp_path, names):
    for number, name in enumerate(names):
        by_class(tmp_path / "root" / name, {"a": 5 + number, "b": 5})
    spec = spec_of(tmp_path)
    assert spec.finite.splits == "fixed"
    assert spec.rows.class_names == ("a", "b")
    chosen = spec.split_of(3)
    files = {part: {spec.rows.files[row].split("/")[0] for row in rows} for part, rows in chosen.items()}
    assert files == {"train": {"train"}, "validation": {names[1] if len(names) == 3 else "train"}, "test": {"test"}}


def test_classes_may_be_called_train_and_test(tmp_path):
    by_class(tmp_path / "root", {"train": 4, "test": 3, "plane": 3})
    assert rows_of(tmp_path).class_names == ("plane", "test", "train")


def test_a_folder_of_classes_beside_train_is_refused(tmp_path):
    by_class(tmp_path / "root" / "train", {"a": 4, "b": 4})
    by_class(tmp_path / "root", {"test": 3, "cat": 3})
    assert any("train/ holds folders itself, got 'cat beside it'" in line for line in mistakes(tmp_path))


def test_a_class_of_two_images_is_refused(tmp_path):
    by_class(tmp_path / "root", {"cat": 5, "gnu": 2})
    (line,) = mistakes(tmp_path)
    assert "class 'gnu' must have 3 images or more, got 2" in line


def test_a_folder_without_images_is_no_class(tmp_path):
    by_class(tmp_path / "root", {"a": 3, "b": 3})
    (tmp_path / "root" / "empty").mkdir()
    assert mistakes(tmp_path) == ["root: must hold images in each folder, empty has none, got 0. Remove the folder."]


def test_images_outside_of_folders_are_refused(tmp_path):
    by_class(tmp_path / "root", {"a": 3, "b": 3})
    save(tmp_path / "root" / "c.png", noise(1))
    assert mistakes(tmp_path)[0].startswith("root: must hold images in folders only, by class, got 'c.png'")


def test_links_out_of_the_folder_are_refused_and_others_followed(tmp_path):
    by_class(tmp_path / "root", {"a": 3, "b": 3})
    elsewhere = save(tmp_path / "elsewhere" / "x.png", noise(9))
    (tmp_path / "root" / "b" / "again.png").symlink_to(tmp_path / "root" / "a" / "0.png")
    assert len(rows_of(tmp_path).files) == 7
    (tmp_path / "root" / "b" / "x.png").symlink_to(elsewhere)
    (tmp_path / "root" / "c").symlink_to(elsewhere.parent)
    assert [line.split(", got")[0] for line in mistakes(tmp_path)] == [
        "root: must hold no links that lead elsewhere, c does",
        "root: must hold no links that lead elsewhere, b/x.png does",
    ]


@pytest.mark.parametrize("above", ["", "b"])
def test_a_link_back_to_a_folder_above_it_is_refused(tmp_path, above):
    by_class(tmp_path / "root", {"a": 3, "b": 3})
    (tmp_path / "root" / "b" / "again").symlink_to(tmp_path / "root" / above)
    (line,) = mistakes(tmp_path)
    assert line.startswith("root: must hold no links that lead elsewhere, b/again does, got ")


def test_images_of_one_class_are_refused(tmp_path):
    by_class(tmp_path / "root", {"images": 6})
    (line,) = mistakes(tmp_path)
    assert line.startswith("root: must hold folders of 2 classes or more, got 'images only'. Layouts: root/cat/1.png")


@pytest.mark.parametrize("said", ["root", "root/none"])
def test_a_folder_that_is_not_there_is_said(tmp_path, said):
    (line,) = mistakes(tmp_path, root=said)
    assert line.startswith("root: must be a folder that can be read")
    assert f"got '{said}'" in line


def test_an_image_beyond_pillows_limit_is_one_line(tmp_path, monkeypatch):
    by_class(tmp_path / "root", {"a": 3, "b": 3})
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    line = "got 'a/0.png, which has more than 20 pixels, the limit of Pillow'. Mend or remove it."
    assert mistakes(tmp_path)[0].endswith(line)


def test_a_truncated_file_and_one_of_several_images_are_named(tmp_path):
    by_class(tmp_path / "root", {"a": 3, "b": 3})
    path = tmp_path / "root" / "a" / "1.png"
    path.write_bytes(path.read_bytes()[:60])
    frames = [Image.fromarray(noise(number)) for number in range(3)]
    frames[0].save(tmp_path / "root" / "b" / "moves.gif", save_all=True, append_images=frames[1:])
    first, second = mistakes(tmp_path)
    assert "a/1.png, which cannot be read: " in first
    assert "b/moves.gif, which holds 3 images" in second


def test_many_broken_files_are_counted(tmp_path):
    by_class(tmp_path / "root", {"a": 3, "b": 3})
    for number in range(25):
        (tmp_path / "root" / "a" / f"broken{number}.png").write_bytes(b"")
    lines = mistakes(tmp_path)
    assert len(lines) == 21
    assert "got '5 more'" in lines[-1]


def test_images_that_need_too_much_memory_are_refused_with_the_figure(tmp_path, monkeypatch):
    by_class(tmp_path / "root", {"a": 3, "b": 3})
    monkeypatch.setattr(memory, "free_bytes", lambda: 4000)
    (line,) = mistakes(tmp_path)
    assert line.startswith("size: needs 2 KB, at most a quarter of the 4 KB of free memory may be used")


def test_without_pillow_its_install_line_is_said(tmp_path, monkeypatch):
    by_class(tmp_path / "root", {"a": 3, "b": 3})
    monkeypatch.setattr(image_files, "find_spec", lambda _: None)
    assert mistakes(tmp_path) == [
        "name: needs Pillow, which reads images, got 'images'. Install it: pip install pillow"
    ]


def test_what_names_say_stays_together(tmp_path):
    for patient in range(6):
        for number in range(4):
            save(tmp_path / "root" / "ab"[patient % 2] / f"p{patient}_{number}.png", noise((patient, number)))
    spec = spec_of(tmp_path, group="_")
    patients = [
        {spec.rows.files[row].split("/")[1].split("_")[0] for row in rows} for rows in spec.split_of(0).values()
    ]
    assert set.intersection(*patients) == set()
    assert sum(map(len, patients)) == 6


def test_the_digest_is_of_pixels_names_and_classes_and_not_of_the_files(tmp_path):
    by_class(tmp_path / "root", {"a": 3, "b": 3})
    before = rows_of(tmp_path).digest
    path = tmp_path / "root" / "a" / "0.png"
    pixels = np.asarray(Image.open(path))
    save(path, pixels, compress_level=0)
    assert rows_of(tmp_path).digest == before
    path.rename(path.with_name("9.png"))
    renamed = rows_of(tmp_path).digest
    assert renamed != before
    save(path.with_name("9.png"), pixels ^ np.uint8(1))
    assert rows_of(tmp_path).digest not in (before, renamed)


def sixteen_bit_colours(rows, columns):
    """Return a PNG of 16 bits per colour, which Pillow does not write."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", columns, rows, 16, 2, 0, 0, 0)
    data = zlib.compress((b"\0" + bytes(range(6 * columns))) * rows)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_colours_of_which_bits_are_lost_are_told(tmp_path):
    for number in range(4):
        for name in "ab":
            save(tmp_path / "root" / name / f"{number}.png", noise((number, ord(name)), (3, 4, 3)))
    assert not [finding for finding in rows_of(tmp_path).findings if finding.level == "warning"]
    (tmp_path / "root" / "a" / "deep.png").write_bytes(sixteen_bit_colours(3, 4))
    (finding,) = [finding for finding in rows_of(tmp_path).findings if finding.level == "warning"]
    assert finding.what == "1 images have 16 bits per colour, of which 8 are read"
