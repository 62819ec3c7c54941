"""Images: your own, from a folder for each class, or from the folders images and masks."""

import os
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BeforeValidator, Field

from normbench.datasets._finite import FiniteDataset
from normbench.datasets.base import Task
from normbench.errors import SettingError
from normbench.findings import Finding, name_some
from normbench.finite_data.all_mistakes import all_mistakes
from normbench.finite_data.data_files import Stamp, data_path, stamp_of
from normbench.finite_data.finite_rows import FiniteRows
from normbench.finite_data.image_files import require_pillow
from normbench.finite_data.image_folders import ImageFiles, find_images
from normbench.finite_data.image_reading import read_masks, read_pixels, refuse_other_sizes
from normbench.finite_data.image_rows import ImageRows, MaskRows
from normbench.finite_data.mask_classes import MAX_CLASSES, classes_of_masks
from normbench.finite_data.row_kinds import Numbers, RowKinds
from normbench.finite_data.targets import Targets
from normbench.own_code.source_folder import Rooted
from normbench.parts import MAX_SIZE

Pixels = Annotated[int, Field(strict=True, ge=1, le=MAX_SIZE)]
Value = Annotated[int, Field(strict=True, ge=0, le=2**16 - 1)]


Values = Annotated[tuple[Value, ...], Field(strict=False, min_length=2, max_length=MAX_CLASSES)]


_LOOKED_AT: dict[Path, Stamp] = {}


def _square(given: Any) -> Any:
    return (given, given) if isinstance(given, int) else given


Size = Annotated[tuple[Pixels, Pixels], BeforeValidator(_square), Field(strict=False)]


class ImagesSpec(Rooted, FiniteDataset):
    """Your own images: a folder for each class, root/cat/1.png, or root/images/1.png with root/masks/1.png.

    Either may lie below root/train, root/validation and root/test, which are then the splits; without validation a
    fifth of train validates. Classes have natural order: 1, 2, 10. Names that begin with a dot are skipped. All
    images are opened once, turned as EXIF says, and kept as bytes; each channel is standardized by the training images.

    Masks are grey or have a palette, and are no JPEGs. The loss is the cross-entropy over all pixels that count; masks
    are resized to the nearest pixel, images by bilinear interpolation. Needs Pillow.
    """

    takes_own: ClassVar[bool] = True
    name: Literal["images"] = "images"
    root: str = Field(examples=["photos"])
    """The folder of all, from the study file's folder."""
    size: Size | None = Field(None, examples=[[64, 64]])
    """Rows and columns to resize all images to; null where all have one size."""
    channels: Literal[1, 3, 4] | None = None
    """1 for grey, 3 for RGB, 4 for RGB with alpha; null where all images are of one kind."""
    mask_values: Values | None = Field(None, examples=[[0, 255]])
    """Values in masks that are classes, in their order; null for all that there are, sorted."""
    ignore: Value | None = Field(None, examples=[255])
    """The value in masks of pixels that do not count."""
    group: str | None = Field(None, min_length=1, examples=["_"])
    """Text in file names before which they name what stays in one set: with _ p7_1.png and p7_2.png do."""

    @property
    def task(self) -> Task:  # type: ignore[override]
        """Segmentation where there are masks, else classification."""
        return self.rows.task

    def stamp(self) -> Stamp:
        """Return what was another if files had changed when they were last looked at: they may be many."""
        root = data_path(self.root, self.folder)
        return _LOOKED_AT.get(root) or _look_at(root)

    def mistakes(self) -> list[SettingError]:
        """Look at the files again, then return all that is wrong with them, and why they cannot be split as said."""
        _look_at(data_path(self.root, self.folder))
        return super().mistakes()

    def read(self) -> FiniteRows:
        """Find and read all images."""
        require_pillow(self.name)
        files = find_images(data_path(self.root, self.folder), self.root)
        return self._masked(files) if files.masks else self._classified(files)

    def _classified(self, files: ImageFiles) -> ImageRows:
        x, _, findings = read_pixels(files, self.channels, self.size)
        classes = np.array([files.classes.index(label) for label in files.labels], dtype=np.int64)
        return ImageRows(
            self._kinds(files, classes),
            tuple(files.classes),
            (_note_classes(files), *_note_others(files), *findings),
            "images",
            x=x,
            targets=Targets("classification", classes, tuple(files.classes)),
            files=tuple(map(files.name, files.images)),
        )

    def _masked(self, files: ImageFiles) -> MaskRows:
        with all_mistakes() as told:
            with told():
                x, sizes, findings = read_pixels(files, self.channels, self.size)
            with told():
                values, of_masks = read_masks(files, self.size)
        refuse_other_sizes(files, sizes, of_masks)
        masks, names, more = classes_of_masks(
            values, self.mask_values, self.ignore, lambda number: files.name(files.masks[number])
        )
        return MaskRows(
            self._kinds(files, None),
            names,
            (*_note_others(files), *findings, *more),
            "images",
            x=x,
            masks=masks,
            files=tuple(map(files.name, files.images)),
        )

    def _kinds(self, files: ImageFiles, classes: Numbers | None) -> RowKinds:
        parts = np.array(files.parts, dtype=np.int64) if files.parts else None
        if self.group is None:
            return RowKinds(len(files.images), classes, None, parts)
        before = [path.stem.partition(self.group)[0] for path in files.images]
        groups = np.unique(before, return_inverse=True)[1].astype(np.int64)
        return RowKinds(len(files.images), classes, groups, parts)


def _look_at(root: Path) -> Stamp:
    """Note sizes and times of all files below a folder, as one number."""
    paths = [Path(folder, name) for folder, _, names in os.walk(root) for name in ("", *sorted(names))]
    _LOOKED_AT[root] = ((str(root), len(paths), hash(stamp_of(tuple(paths))), 0),)
    return _LOOKED_AT[root]


def _note_classes(files: ImageFiles) -> Finding:
    shown = [f"{name} ({files.labels.count(name):,} images)" for name in files.classes]
    return Finding("note", (), f"the classes are, in this order, {', '.join(shown)}")


def _note_others(files: ImageFiles) -> list[Finding]:
    others = [files.name(path) for path in files.others]
    return [Finding("note", (), f"skipped, as they are no images: {name_some(others)}")] if others else []
