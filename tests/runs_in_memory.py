"""Arms whose runs lie in memory: thousands of made-up studies through the code that reads real ones."""

from pathlib import Path

import yaml

from normbench.storage.arm_id import ArmEntry, ArmSet
from normbench.storage.contents.csv_table import CsvTable
from normbench.storage.contents.tables import NO_ROWS
from normbench.storage.run_folder import METRICS_CSV, Arm, Run

CONSTANT = {"train_loss": 1.0, "test_loss": 1.0, "validation_loss": 1.0, "test_accuracy": 0.5}


class RunInMemory(Run):
    """A run that no disk holds: its rows of metrics.csv, its summary."""

    def __init__(self, seed, rows, status="finished", constant=CONSTANT, total_steps=100):
        super().__init__(Path("memory"), seed)
        object.__setattr__(self, "_tables", {METRICS_CSV: table_of(rows)})
        last = {key: value for key, value in rows[-1].items() if key != "step"} if rows else {}
        summary = {"status": status, "constant_predictor": constant, "total_steps": total_steps, "layers": []}
        summary["num_parameters"] = 10
        self.__dict__["summary"] = summary | {"metrics": last}
        self.__dict__["environment"] = {"started_at": "2026-01-02T03:04:05Z"}

    def table(self, name):
        """Return the made-up rows; the other files are empty."""
        return self._tables.get(name, NO_ROWS)

    table_if_any = table


def table_of(rows):
    """Return rows as they are read from a CSV file."""
    columns = dict.fromkeys(key for row in rows for key in row)
    cells = {key: [repr(row[key]) if key in row else "" for row in rows] for key in columns}
    return CsvTable("memory", {key: [cell.strip("'") for cell in column] for key, column in cells.items()})


def arm_in_memory(name, runs, identity="aaaaaa", **settings):
    """Return an arm; ``batch__size`` stands for the dotted key ``batch.size``."""
    entry, said = described(name)
    dotted = said | {key.replace("__", "."): value for key, value in settings.items()}
    return Arm(Path(name), name, identity, dotted, list(dotted), tuple(runs), entry)


def described(label):
    """Return the entry and the settings of an arm that a test writes as its label: name, key=value, tuned."""
    words = label.split(",")
    sets = {key: yaml.safe_load(value) for key, equals, value in (word.partition("=") for word in words) if equals}
    name = ",".join(word for word in words if "=" not in word and word != "tuned")
    return ArmEntry(label, name, sets, ["optimizer.lr"] * ("tuned" in words)), dict(sets)


def arms_called(*labels):
    """Return arms that a test writes as their labels, to choose from."""
    return ArmSet([entry.with_settings(settings) for entry, settings in map(described, labels)])


def arm_with(name, values, metric="test_loss", statuses=None, **settings):
    """Return an arm whose seeds end with these values of one metric."""
    statuses = statuses or ["finished"] * len(values)
    rows = [[{"step": 100, metric: float(value)}] for value in values]
    return arm_in_memory(
        name, [RunInMemory(i, r, s) for i, (r, s) in enumerate(zip(rows, statuses, strict=True))], **settings
    )
