"""FiniteDataset: the base class of datasets of which there are only so many rows, which each seed splits anew."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from normbench.datasets.base import Dataset, DatasetSpec, FiniteData, Split
from normbench.errors import DataError, SettingError
from normbench.findings import Finding
from normbench.finite_data.data_files import Stamp, stamp_of
from normbench.finite_data.finite_rows import FiniteRows
from normbench.finite_data.row_kinds import Numbers
from normbench.finite_data.split_complaints import split_complaints
from normbench.finite_data.split_findings import split_findings
from normbench.finite_data.split_rule import SplitRule, Splits
from normbench.finite_data.split_sizes import SplitSizes, split_sizes
from normbench.finite_data.splitting import num_folds_of, split_rows
from normbench.own_code.loaded_modules import generation


class FiniteDataset(DatasetSpec):
    """Reads all rows once per process, splits them by seed, and encodes them by what the training rows tell.

    A subclass reads rows; what they are and how they are encoded is theirs, see FiniteRows. One that reads the user's
    files is Rooted too.
    """

    splits: Splits = None
    """Which rows train, validate and test: null is folds, 8 or as many as the smallest class fills."""

    @abstractmethod
    def read(self) -> FiniteRows:
        """Read all rows.

        Raises:
            DataError: They cannot be read; it has every mistake.
        """

    def files(self) -> tuple[Path, ...]:
        """Return the files that are read; when one has changed, all are read anew."""
        return ()

    def stamp(self) -> Stamp:
        """Return what is another when the files have changed."""
        return stamp_of(self.files())

    @property
    def rows(self) -> FiniteRows:
        """All rows; read once per process.

        Raises:
            DataError: They cannot be read.
        """
        return _read_once(self.model_copy(update={"splits": None}), self.stamp(), generation())

    @property
    def rule(self) -> SplitRule:
        """How seeds split the rows."""
        return self.splits or SplitRule("folds" if self.rows.kinds.parts is None else "fixed")

    @property
    def finite(self) -> FiniteData:
        """Number of rows, and how they are split."""
        rows, rule = self.rows, self.rule
        num_folds = num_folds_of(rule, rows.kinds) if rule.how == "folds" else None
        return FiniteData(rows.kinds.num_rows, rows.unit, rule.how, num_folds)

    @property
    def num_bytes(self) -> int:
        """Memory that the rows need in each process."""
        return self.rows.num_bytes

    @property
    def num_samples(self) -> int:
        """Number of all rows."""
        return self.rows.kinds.num_rows

    @property
    def num_train(self) -> int:
        """Number of training rows, of the seed that has fewest."""
        return self._sizes.num_train

    @property
    def group_sizes(self) -> tuple[int, ...]:
        """Number of training rows of each class, of the seed that has fewest; empty without classes."""
        return self._sizes.of_classes

    @property
    def input_shape(self) -> tuple[int, ...]:
        """One row's shape."""
        return self.rows.input_shape

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Classes, or the shape of a target."""
        return self.rows.output_shape

    def digests(self) -> Mapping[str, str]:
        """Return the sha256 of the rows as they were read."""
        return {"dataset": self.rows.digest}

    def mistakes(self) -> list[SettingError]:
        """Return all that is wrong with the data, and why they cannot be split as said."""
        try:
            rows = self.rows
        except DataError as error:
            return list(error.mistakes)
        return split_complaints(self.rule, rows.kinds, rows.class_names, rows.unit)

    def findings(self) -> tuple[Finding, ...]:
        """Return what a user should know of the data before training."""
        return _findings_once(self, self.stamp(), generation())

    def split_of(self, seed: int) -> Mapping[str, Numbers]:
        """Return the numbers of the rows of train, validation and test under a seed, in the order of the splits."""
        return vars(split_rows(self.rule, self.rows.kinds, seed))

    def build(self, seed: int) -> Dataset:
        """Split the rows, and encode them by what the training rows tell."""
        chosen = self.split_of(seed)
        encode = self.rows.fit(chosen["train"])
        train, validation, test = (Split(*encode(rows)) for rows in chosen.values())
        return Dataset(train, validation, test)

    @property
    def _sizes(self) -> SplitSizes:
        return _sizes_once(self, self.stamp(), generation())


@lru_cache(maxsize=2)
def _read_once(spec: FiniteDataset, _stamp: Stamp, _of_code: int) -> FiniteRows:
    return spec.read()


@lru_cache(maxsize=8)
def _findings_once(spec: FiniteDataset, _stamp: Stamp, _of_code: int) -> tuple[Finding, ...]:
    return (*spec.rows.findings, *split_findings(spec.rule, spec.rows), *_of_target(spec))


def _of_target(spec: FiniteDataset) -> Iterator[Finding]:
    if spec.task == "regression" and getattr(spec, "standardize_target", False):
        what = "the target is standardized by the training rows: always saying their mean has a loss of about 1"
        yield Finding("note", (), what, way_out="standardize_target: false keeps its unit.")


@lru_cache(maxsize=8)
def _sizes_once(spec: FiniteDataset, _stamp: Stamp, _of_code: int) -> SplitSizes:
    return split_sizes(spec.rule, spec.rows.kinds)
