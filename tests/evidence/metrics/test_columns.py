"""Which columns a refused --metric is told of."""

import pytest
from runs_in_memory import table_of

from normbench.errors import ComparisonError
from normbench.evidence.metrics.columns import check_columns
from normbench.storage.run_folder import LAYER_STATS_CSV, METRICS_CSV, PROBES_CSV

LAYERS = [f"hidden{i}" for i in range(1, 11)]


class MadeUpRun:
    """A run of many columns, ten layers and one probe of each."""

    def table(self, name):
        stats = {"mean": 0, "std": 1}
        rows = {
            METRICS_CSV: [{"step": 0} | {f"column_{c}": 1 for c in "abcdefghi"} | {"test_loss": 1}],
            LAYER_STATS_CSV: [
                {"step": 0, "layer": layer, "kind": kind, **stats} for kind in ("output", "weight") for layer in LAYERS
            ],
            PROBES_CSV: [{"step": 0, "layer": layer, "name": "weight_zeros", "value": 0} for layer in LAYERS],
        }
        return table_of(rows[name])

    table_if_any = table


def refusal(column):
    with pytest.raises(ComparisonError) as error:
        check_columns([MadeUpRun()], [column], ())
    return str(error.value)


@pytest.mark.parametrize("column", ["probe.weight_zeros", "weight.std"])
def test_a_statistic_without_a_layer_is_told_to_have_one(column):
    named = ", ".join(f"{column}@{layer}" for layer in LAYERS[:8])
    assert refusal(column) == f"--metric {column}: needs a layer: {named} ..."


@pytest.mark.parametrize(
    ("column", "first"),
    [
        ("test_lost", "test_loss"),
        ("weight.std@hidden99", "weight.std@hidden9"),
        ("probe.weight_zero@fc1", "probe.weight_zeros@hidden1"),
        ("probe.weights", "probe.weight_zeros@hidden1"),
    ],
)
def test_the_most_alike_columns_are_named_first(column, first):
    told = refusal(column)
    assert told.startswith(f"--metric {column}: must be a column that was recorded, got {column!r}. ")
    assert f" Columns: {first}, " in told


def test_a_column_that_is_there_is_not_refused():
    check_columns([MadeUpRun()], ["test_loss", "weight.std@hidden10", "probe.weight_zeros@hidden2"], ())
