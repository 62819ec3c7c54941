"""The CSV files of a run: which columns each must have beside those that the run chose."""

from collections.abc import Mapping, Sequence

from normbench.storage.contents.csv_table import STEP, CsvTable, parse_table

STATISTICS = ("mean", "std", "l2_norm", "max_abs", "zero_share")
"""What is described of every tensor."""
METRICS_CSV, LAYER_STATS_CSV, PROBES_CSV = "metrics.csv", "layer_stats.csv", "probes.csv"
CURVE_CSV, POINTS_CSV = "curve.csv", "points.csv"
COLUMNS: Mapping[str, Sequence[str]] = {
    METRICS_CSV: (STEP,),
    LAYER_STATS_CSV: (STEP, "layer", "kind", *STATISTICS),
    PROBES_CSV: (STEP, "layer", "name", "value"),
    CURVE_CSV: (STEP,),
    POINTS_CSV: ("split", "x", "y"),
}
"""Columns of each file. layer, kind, name and split are words, step a whole number, and all others numbers."""
WORDS = ("layer", "kind", "name", "split")


def read_table(name: str, raw: bytes, folder: object, way_out: str) -> CsvTable:
    """Read one of a run's CSV files from its bytes.

    Raises:
        RunFolderError: It is no table, or lacks a column.
    """
    return parse_table(raw, f"{folder}/{name}", COLUMNS.get(name, ()), way_out)


NO_ROWS = CsvTable("", {})
"""Stands for a file that a run does not have."""
