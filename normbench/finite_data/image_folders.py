"""Finds images: a folder for each class, or the folders images and masks; in train and test, where there are these."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from normbench.errors import DataError, SettingError
from normbench.finite_data.split_rule import NAMES
from normbench.finite_data.targets import FEWEST_CLASSES, in_natural_order

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm")
IMAGES, MASKS = "images", "masks"
_PARTS = {"train": 0, "training": 0, "val": 1, "valid": 1, "validation": 1, "test": 2}
_SKIPPED = ("__MACOSX",)
FROM_STUDY = "Paths are taken from the study file's folder."
MAX_LISTED = 20
"""Files that are named one by one in complaints."""


@dataclass(frozen=True)
class ImageFiles:
    """The files of all images, in natural order.

    Attributes:
        root: The folder of all.
        images: The images.
        classes: Names of the classes in natural order; empty where there are masks.
        labels: The class of each image, by its name; empty where there are masks.
        masks: The mask of each image; empty where there are classes.
        parts: 0 for an image of train, 1 of validation, 2 of test; empty where the folders do not say.
        others: Files that are no images.
    """

    root: Path
    images: Sequence[Path]
    classes: Sequence[str] = ()
    labels: Sequence[str] = ()
    masks: Sequence[Path] = ()
    parts: Sequence[int] = ()
    others: Sequence[Path] = ()

    def name(self, path: Path) -> str:
        """Return a file's path in the folder of all."""
        return path.relative_to(self.root).as_posix()


@dataclass
class _Found:
    """What was found so far."""

    root: Path
    said: str
    images: list[Path] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    masks: list[Path] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    mistakes: list[SettingError] = field(default_factory=list)

    def refuse(self, rule: str, got: object, way_out: str) -> None:
        self.mistakes.append(SettingError("root", rule, got, way_out))

    def name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def find_images(root: Path, said: str) -> ImageFiles:
    """Return the files below a folder; names that begin with a dot are skipped.

    Args:
        root: The folder.
        said: What the study file says.

    Raises:
        DataError: There is no such folder, it has another layout, or files lie elsewhere.
    """
    found = _Found(root, said)
    try:
        folders = _folders(root, found)
        by_part = _parts_of(folders, found)
        for part, folder in by_part or [(-1, root)]:
            _find_in(folder, part, found)
    except OSError as error:
        rule = f"must be a folder that can be read, {error.filename or root} is not: {(error.strerror or '').lower()}"
        raise DataError([SettingError("root", rule, said, FROM_STUDY)]) from None
    if not found.images and not found.mistakes:
        found.refuse(f"must hold images ({', '.join(SUFFIXES[:4])} ...) in a folder for each class", said, _LAYOUTS)
    if 0 < len(found.classes) < FEWEST_CLASSES and not found.mistakes:
        rule = f"must hold folders of {FEWEST_CLASSES} classes or more"
        found.refuse(rule, f"{found.classes[0]} only", _LAYOUTS)
    if found.mistakes:
        raise DataError(found.mistakes)
    return ImageFiles(
        root,
        found.images,
        [found.classes[i] for i in in_natural_order(found.classes)],
        found.labels,
        found.masks,
        found.parts if by_part else (),
        found.others,
    )


_LAYOUTS = "Layouts: root/cat/1.png; root/images/1.png with root/masks/1.png; each of them below root/train, root/test."


def _parts_of(folders: Sequence[Path], found: _Found) -> list[tuple[int, Path]]:
    """Return the folders of train, validation and test with their numbers; none where the folders are classes."""
    named = [folder for folder in folders if folder.name.lower() in _PARTS]
    is_train = [folder for folder in named if _PARTS[folder.name.lower()] == 0]
    if not is_train or len(folders) == 1 or not any(_folders(folder, found) for folder in is_train):
        return []
    others = [folder.name for folder in folders if folder not in named]
    if others:
        rule = f"must hold folders of classes beside each other, {is_train[0].name}/ holds folders itself"
        found.refuse(rule, f"{', '.join(others[:4])} beside it", _LAYOUTS)
    numbers = [(_PARTS[folder.name.lower()], folder) for folder in named]
    for part, name in enumerate(NAMES):
        same = [folder.name for number, folder in numbers if number == part]
        if len(same) > 1:
            found.refuse(f"must have one folder for {name}", " and ".join(same), "Join them.")
    return sorted(numbers)


def _find_in(folder: Path, part: int, found: _Found) -> None:
    folders = _folders(folder, found)
    outside = [path for path in _files(folder, found) if _is_image(path)]
    before = len(found.images)
    if {one.name for one in folders} == {IMAGES, MASKS}:
        _find_masked(folder, found)
    else:
        for one in folders:
            _find_class(one, found)
    found.parts += [part] * (len(found.images) - before)
    if outside:
        shown = ", ".join(found.name(path) for path in outside[:4]) + " ..." * (len(outside) > 4)
        found.refuse("must hold images in folders only, by class", shown, _LAYOUTS)


def _find_class(folder: Path, found: _Found) -> None:
    images = list(_images_below(folder, found))
    if not images:
        found.refuse(f"must hold images in each folder, {found.name(folder)} has none", 0, "Remove the folder.")
        return
    found.images += images
    found.labels += [folder.name] * len(images)
    if folder.name not in found.classes:
        found.classes.append(folder.name)


def _find_masked(folder: Path, found: _Found) -> None:
    """Match images and masks by their names without the suffix."""
    images, masks = (_by_stem(folder / name, found) for name in (IMAGES, MASKS))
    lacking = [f"{found.name(path)} has no mask" for stem, path in images.items() if stem not in masks]
    lacking += [f"{found.name(path)} has no image" for stem, path in masks.items() if stem not in images]
    if lacking:
        shown = ", ".join(lacking[:4]) + f" and {len(lacking) - 4} more" * (len(lacking) > 4)
        found.refuse("must hold a mask of the same name for each image", shown, "Example: images/7.jpg, masks/7.png")
    found.images += images.values()
    found.masks += [masks[stem] for stem in images if stem in masks]


def _by_stem(folder: Path, found: _Found) -> dict[str, Path]:
    by_stem: dict[str, Path] = {}
    for path in _images_below(folder, found):
        stem = path.relative_to(folder).with_suffix("").as_posix()
        if by_stem.setdefault(stem, path) != path:
            got = f"{found.name(by_stem[stem])} and {found.name(path)}"
            found.refuse("must hold one file of a name", got, "Remove one of them.")
    return by_stem


def _images_below(folder: Path, found: _Found) -> Iterator[Path]:
    for path in _files(folder, found):
        if _is_image(path):
            yield path
        else:
            found.others.append(path)
    for inner in _folders(folder, found):
        yield from _images_below(inner, found)


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def _folders(folder: Path, found: _Found) -> list[Path]:
    return [path for path in _entries(folder, found) if path.is_dir()]


def _files(folder: Path, found: _Found) -> list[Path]:
    return [path for path in _entries(folder, found) if not path.is_dir()]


def _entries(folder: Path, found: _Found) -> list[Path]:
    """Return what lies in a folder, in natural order; links that lead elsewhere, or back, are refused."""
    with os.scandir(folder) as entries:
        shown = [entry for entry in entries if not entry.name.startswith(".") and entry.name not in _SKIPPED]
    paths = []
    for place in in_natural_order([entry.name for entry in shown]):
        path = Path(shown[place].path)
        if shown[place].is_symlink() and _leads_elsewhere(path, found.root):
            rule = f"must hold no links that lead elsewhere, {found.name(path)} does"
            if all(mistake.rule != rule for mistake in found.mistakes):
                found.refuse(rule, str(path.resolve()), "Copy what it names.")
            continue
        paths.append(path)
    return paths


def _leads_elsewhere(link: Path, root: Path) -> bool:
    """Return whether a link leads out of the folder of all, or to a folder that it lies in, which would have no end."""
    end = link.resolve()
    return not end.is_relative_to(root.resolve()) or link.parent.resolve().is_relative_to(end)
