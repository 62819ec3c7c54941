"""Own: your own data, from a function or a torch Dataset of yours."""

from collections.abc import Hashable
from typing import ClassVar, Literal

from pydantic import Field

from normbench.datasets._of_arrays import DatasetOfArrays
from normbench.errors import DataError, SettingError
from normbench.finite_data.array_rows import ArrayRows
from normbench.finite_data.named_arrays import Rows
from normbench.finite_data.own_source import KEYS, call_source
from normbench.own_code.code_record import made_anew
from normbench.own_code.frozen_settings import OwnSettings, arguments
from normbench.own_code.import_path import ImportPath
from normbench.own_code.running import load_own, running_own_code
from normbench.own_code.source_folder import Rooted, reading_from


class OwnSpec(Rooted, DatasetOfArrays):
    """Your own data: what a function or class of yours returns, called once with ``settings``.

    It returns a torch Dataset of samples (x, y), or arrays (x, y), or a mapping of arrays with the names of
    ``dataset: arrays``: x and y, or x_train, y_train, x_test, y_test, and group. torch Datasets may also be named
    train, validation and test in a mapping. All samples are read once and kept; a random transform would be frozen,
    so sample 0 is read twice, and refused where it differs. Inputs and targets are treated as those of ``arrays``; all
    inputs are float32, so that a network that takes whole numbers, such as tokens, calls x.long() in its forward.
    """

    takes_own: ClassVar[bool] = True
    name: Literal["own"] = "own"
    source: ImportPath = Field(examples=["my_data:make"])
    """What makes the data, as package.module:callable; modules beside the study file are found first."""
    settings: OwnSettings
    """Arguments of the callable, by name."""

    def read(self) -> ArrayRows:
        """Call the source and read what it returns."""
        try:
            found = made_anew(self.code_key, [self.source], self.folder, self._call)
            x, y, group = (found.arrays.get(key) for key in KEYS)
            assert x is not None, "read_rows() refuses data without x and y"
            assert y is not None
            return self.checked_rows(x, y, group, found.parts)
        except DataError as error:
            raise DataError([_of_source(mistake) for mistake in error.mistakes]) from None

    @property
    def code_key(self) -> Hashable:
        """Under what the code is remembered that reading loads."""
        return "dataset", self.model_copy(update={"splits": None})

    def _call(self) -> Rows:
        try:
            make = load_own(self.source, self.folder, "source")
        except SettingError as error:
            raise DataError([error]) from None
        with running_own_code(self.folder), reading_from(self.folder):  # for the places of errors
            return call_source(make, arguments(self.settings), self.source)


def _of_source(mistake: SettingError) -> SettingError:
    """Return a refusal of arrays as that of what made them: there is no file."""
    if mistake.key != "file":
        return mistake
    way_out = "Return it under that name." if mistake.way_out.startswith("Say ") else mistake.way_out
    return SettingError("source", mistake.rule, mistake.value, way_out)
