"""CSV texts for tests, and the specs and refusals of studies that name them."""

from parts.finite_data.reading_files import refusals, spec_of, written

NUM_ROWS = 40
COLOURS = ("red", "blue", "green")


def table(header, row, num_rows=NUM_ROWS):
    """Return a CSV text of a header and a function from the row's number to its cells."""
    return "\n".join([header, *(",".join(map(str, row(i))) for i in range(num_rows))]) + "\n"


def usual(num_rows=NUM_ROWS):
    return table("size,colour,ill", lambda i: (i * i * 0.5, COLOURS[i % 3], ("no", "yes")[i % 2]), num_rows)


def with_cell(value, at=5):
    """Return a table in which one cell of the column ``size`` is another; it stands in line 7."""
    return table("size,colour,ill", lambda i: (value if i == at else i * 0.5, COLOURS[i % 3], "ny"[i % 2]))


def with_first(name, cells):
    """Return a table with a column of a function's cells before x and the target."""
    return table(f"{name},x,ill", lambda i: (cells(i), i / 3, "ny"[i % 2]))


GAPS = table(
    "size,colour,ill", lambda i: ("?" if i % 4 == 1 else i * i, "" if i % 5 == 2 else COLOURS[i % 3], "ny"[i % 2])
)
"""Both columns have cells without a value, which are written differently."""


def csv_spec(text, **settings):
    return spec_of("csv", file=written(text), **({"target": "ill"} | settings))


def csv_refusals(text, encoding="utf-8", **settings):
    return refusals("csv", file=written(text, encoding=encoding), **({"target": "ill"} | settings))
