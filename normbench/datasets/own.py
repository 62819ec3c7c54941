"""Own: your own data, from a function or a torch Dataset of yours."""

from typing import ClassVar, Literal

from pydantic import Field

from normbench.datasets._of_arrays import DatasetOfArrays
from normbench.errors import DataError, SettingError
from normbench.finite_data.array_rows import ArrayRows
from normbench.finite_data.own_source import KEYS, call_source
from normbench.own_code.frozen_settings import OwnSettings
from normbench.own_code.import_path import load_object
from normbench.own_code.source_folder import Rooted


class OwnSpec(Rooted, DatasetOfArrays):
    """Your own data: what a function or class of yours returns, called once with ``settings``.

    It returns a torch Dataset of samples (x, y), or arrays (x, y), or a mapping of arrays with the names of
    ``dataset: arrays``: x and y, or x_train, y_train, x_test, y_test, and group. torch Datasets may also be named
    train, validation and test in a mapping. All samples are read once and kept; a random transform would be frozen,
    so sample 0 is read twice, and refused where it differs. Inputs and targets are treated as those of ``arrays``.
    """

    takes_own: ClassVar[bool] = True
    name: Literal["own"] = "own"
    source: str = Field(examples=["my_data:make"])
    """What makes the data, as package.module:callable; modules beside the study file are found first."""
    settings: OwnSettings
    """Arguments of the callable, by name."""

    def read(self) -> ArrayRows:
        """Call the source and read what it returns."""
        try:
            make = load_object(self.source, self.folder, "source")
        except SettingError as error:
            raise DataError([error]) from None
        found = call_source(make, self.settings, self.source)
        x, y, group = (found.arrays.get(key) for key in KEYS)
        assert x is not None, "read_rows() refuses data without x and y"
        assert y is not None
        return self.checked_rows(x, y, group, found.parts)
