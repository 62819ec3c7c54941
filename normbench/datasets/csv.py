"""CSV: your own table from a text file, a row per line, a column per measure."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from normbench.datasets._finite import FiniteDataset
from normbench.datasets.base import Task
from normbench.finite_data.data_files import data_path
from normbench.finite_data.file_names import FileNames, paths_of_parts
from normbench.finite_data.tables.csv_file import CsvFile
from normbench.finite_data.tables.missing import Missing
from normbench.finite_data.tables.roles import Roles
from normbench.finite_data.tables.table import table_rows
from normbench.finite_data.tables.table_rows import TableRows
from normbench.finite_data.targets import TargetTask
from normbench.own_code.source_folder import Rooted
from normbench.parts import MAX_NAMES

Names = Annotated[tuple[str, ...], Field(strict=False, max_length=MAX_NAMES)]


class CsvSpec(Rooted, FiniteDataset):
    """Your own table: a CSV file whose first line names the columns, and one of which is the target.

    A column is numbers or names; one with both is refused until it is said which. Numbers are standardized by the
    training rows. Names become a column of 0 and 1 each; one that no training row has is 0 in all of them. A target
    of names is a classification; one of numbers needs ``task``, unless it has two values. In regression the target is
    standardized by the training rows: always saying their mean has a loss of about 1.

    Nothing is guessed: a missing value, a decimal comma, a code such as 01234, a column that looks like an id are told
    with line and column, and what to say. ``file`` may name one file per part, {train: a.csv, test: b.csv}, or
    ``split_column`` a column with train, validation and test.
    """

    takes_own: ClassVar[bool] = True
    name: Literal["csv"] = "csv"
    file: FileNames
    """The CSV file, from the study file's folder; or one for each of train, validation and test."""
    target: str = Field(examples=["species"])
    """The column that is predicted."""
    said_task: TargetTask | None = Field(None, alias="task")
    """What the target is; null for names, or for two values, which are classes."""
    categories: Names = Field((), examples=[["zip"]])
    """Columns of names that look like numbers."""
    numbers: Names = Field((), examples=[["year"]])
    """Columns of numbers that look like codes or ids."""
    ignore: Names = Field((), examples=[["id"]])
    """Columns that are left out."""
    group: str | None = Field(None, examples=["patient"])
    """A column that says which rows stay together: no value of it is in two of train, validation and test."""
    split_column: str | None = Field(None, examples=["split"])
    """A column that says train, validation or test."""
    missing: Missing | None = Field(None, examples=[{"values": ["?"], "fill": "median"}])
    """Which cells hold no value, and what takes their place; null refuses gaps."""
    delimiter: str = Field(",", min_length=1, max_length=1, examples=[";"])
    """What separates cells: one character."""
    standardize: bool = True
    """Bring each column of numbers to mean 0 and std 1 by the training rows."""
    standardize_target: bool = True
    """The same for the target of regression; losses are then shares of its variance."""

    @property
    def task(self) -> Task:  # type: ignore[override]
        """Classification or regression, as said or as the target tells."""
        return self.rows.task

    def files(self) -> tuple[Path, ...]:
        """Return the files that are read."""
        return tuple(data_path(said, self.folder) for _, _, said in paths_of_parts(self.file))

    def read(self) -> TableRows:
        """Read the table."""
        told = paths_of_parts(self.file)
        files = [CsvFile(data_path(said, self.folder), key, said, self.delimiter) for _, key, said in told]
        roles = Roles(
            self.target,
            self.group,
            self.split_column,
            self.categories,
            self.numbers,
            self.ignore,
            self.missing,
            is_class=self.said_task == "classification",
        )
        parts = [part for part, _, _ in told if part]
        settings = {"standardize": self.standardize, "standardize_target": self.standardize_target}
        return table_rows(files, parts, roles, self.said_task, **settings)
