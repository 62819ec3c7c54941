"""What a disk holds for sure while a command writes: contents and names as they were when they were last flushed."""

import os
import stat
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

NEED_NO_FLUSH = ("claim.json", ".timings.json", ".lock")
"""Of these nothing counts after a power cut."""


class Disk:
    """Follows what is flushed and renamed in and below a folder, through the standard library's calls.

    Attributes:
        complaints: A line for each file that got its name before it was on disk, and for each summary that was named
            before all other files of its run.
    """

    def __init__(self, root):
        self.root, self.complaints, self.renamed = root, [], []
        self._contents, self._names = {}, {}

    @contextmanager
    def followed(self):
        """Follow the flushes and renames of this process inside the block."""
        with patch.multiple(os, fsync=self._fsync(os.fsync), replace=self._rename(os.replace)):
            yield self

    def lost_names(self):
        """Return the files and folders whose name is not for sure on disk."""
        folders = [self.root, *(path for path in self.root.rglob("*") if path.is_dir())]
        lost = [path for folder in folders for path in map(folder.joinpath, self._not_named(folder))]
        return lost if self.is_named(self.root) else [self.root, *lost]

    def _fsync(self, real):
        def fsync(descriptor):
            real(descriptor)
            found = os.fstat(descriptor)
            path = self._path_of(descriptor)
            if stat.S_ISDIR(found.st_mode):
                self._names[found.st_ino] = names_in(path)
            else:
                self._contents[found.st_ino] = path.read_bytes()

        return fsync

    def _rename(self, real):
        def rename(source, target):
            source, target = Path(source), Path(target)
            self.renamed.append(target.name)
            if source.is_file() and target.name not in NEED_NO_FLUSH and not self._is_whole(source):
                self.complaints.append(f"{target} is named before it is on disk")
            if target.name == "summary.json":
                self.complaints += [f"{target} is named before {what}" for what in self._missing_of_run(target.parent)]
            real(source, target)

        return rename

    def _missing_of_run(self, run):
        yield from (path for path in run.iterdir() if path.name not in NEED_NO_FLUSH and not self._is_whole(path))
        yield from (f"the name of {name}" for name in self._not_named(run))
        above = [run, *(folder for folder in run.parents if self.root in folder.parents), self.root]
        yield from (f"the name of {folder}" for folder in above if not self.is_named(folder))

    def _is_whole(self, path):
        return self._contents.get(path.stat().st_ino) == path.read_bytes()

    def is_named(self, path):
        """Return whether the name of a file or a folder is for sure on disk."""
        known = self._names.get(path.absolute().parent.stat().st_ino, {})
        return known.get(path.name) == path.stat().st_ino

    def _not_named(self, folder):
        known = self._names.get(folder.stat().st_ino, {})
        return [
            name
            for name, inode in names_in(folder).items()
            if name not in NEED_NO_FLUSH and not name.startswith(".part-") and known.get(name) != inode
        ]

    def _path_of(self, descriptor):
        try:
            return Path(f"/proc/self/fd/{descriptor}").readlink()
        except FileNotFoundError:  # only Linux has it
            here, inode = self.root.absolute(), os.fstat(descriptor).st_ino
            return next(path for path in (here, here.parent, *here.rglob("*")) if path.stat().st_ino == inode)


def names_in(folder):
    """Return the inode of each name in a folder."""
    return {path.name: path.stat().st_ino for path in folder.iterdir()}
