"""Arrays from .npz and .npy files: names, parts, layouts, targets, and files that are not to be trusted."""

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from parts.finite_data.reading_files import refusals, spec_of

NUM_ROWS = 30
RNG = np.random.default_rng(3)
FEATURES = RNG.normal(5, 2, (NUM_ROWS, 4))
CLASSES = np.arange(NUM_ROWS) % 3
BYTES = RNG.integers(0, 256, (NUM_ROWS, 6, 5, 3), dtype=np.uint8)


def saved(name="data.npz", **arrays):
    np.savez(name, **arrays)
    return name


def arrays_spec(settings=None, **arrays):
    return spec_of("arrays", file=saved(**arrays), **({"task": "classification"} | (settings or {})))


def arrays_refusals(settings=None, **arrays):
    return refusals("arrays", file=saved(**arrays), **({"task": "classification"} | (settings or {})))


def test_features_and_classes_are_those_of_the_file():
    spec = arrays_spec(x=FEATURES, y=CLASSES)
    chosen, dataset = spec.split_of(1), spec.build(1)
    train = FEATURES[chosen["train"]]
    for name, split in dataset.splits().items():
        expected = (FEATURES[chosen[name]] - train.mean(0)) / train.std(0)
        assert split.x.numpy() == pytest.approx(expected, abs=1e-5)
        assert split.y.tolist() == CLASSES[chosen[name]].tolist()


def test_bytes_are_shares_of_255_and_channels_are_standardized_as_one():
    plain = arrays_spec({"standardize": False}, x=BYTES, y=CLASSES)
    chosen = plain.split_of(0)["train"]
    first = np.moveaxis(BYTES[chosen], -1, 1)
    assert plain.build(0).train.x.numpy() == pytest.approx(first / 255)
    x = first.astype(float)
    expected = (x - x.mean((0, 2, 3), keepdims=True)) / x.std((0, 2, 3), keepdims=True)
    assert arrays_spec(x=BYTES, y=CLASSES).build(0).train.x.numpy() == pytest.approx(expected, abs=1e-5)


LAYOUTS = [
    ((6, 5, 3), None, (3, 6, 5)),
    ((3, 6, 5), None, (3, 6, 5)),
    ((6, 5), "no_channels", (1, 6, 5)),
    ((6, 5), "channels_first", (6, 5)),
    ((6, 5), "channels_last", (5, 6)),
    ((3, 6, 3), "channels_last", (3, 3, 6)),
    ((6, 5, 7), "channels_first", (6, 5, 7)),
    ((), None, (1,)),
]


@pytest.mark.parametrize(("row", "layout", "expected"), LAYOUTS)
def test_channels_come_first(row, layout, expected):
    x = np.arange(NUM_ROWS * int(np.prod(row)), dtype=np.float32).reshape(NUM_ROWS, *row)
    spec = arrays_spec({"layout": layout}, x=x, y=CLASSES)
    assert spec.mistakes() == []
    assert spec.input_shape == expected
    axes = {"channels_last": (-1,), None: (-1,) if row == (6, 5, 3) else ()}.get(layout, ())
    moved = np.moveaxis(x, axes, (1,) * len(axes)).reshape(NUM_ROWS, *expected)
    assert np.array_equal(spec.rows.x, moved)


@pytest.mark.parametrize("row", [(28, 28), (3, 6, 3), (6, 5, 7), (2, 6, 5, 3)])
def test_a_layout_that_cannot_be_seen_must_be_said(row):
    (line,) = arrays_refusals(x=np.zeros((NUM_ROWS, *row)), y=CLASSES)
    assert line.startswith(f"layout: must be said for x of shape {(NUM_ROWS, *row)}, got None. One of channels_first")


def test_named_parts_are_fixed_and_without_validation_a_fifth_of_train_validates():
    parts = {"x_train": FEATURES, "y_train": CLASSES, "test_x": FEATURES[:9] + 1, "test_y": CLASSES[:9]}
    spec = arrays_spec(**parts)
    assert (spec.finite.splits, spec.finite.num_rows) == ("fixed", 39)
    assert [len(rows) for rows in spec.split_of(4).values()] == [24, 6, 9]
    more = {"x_val": FEATURES[:6], "y_val": CLASSES[:6]}
    assert [len(rows) for rows in arrays_spec(**parts, **more).split_of(4).values()] == [30, 6, 9]
    assert arrays_spec({"splits": "folds"}, **parts).finite.splits == "folds"


def test_arrays_have_the_names_that_are_said_in_one_file_or_in_several():
    names = {"x": "images", "y": "labels"}
    spec = arrays_spec(names, images=FEATURES, labels=CLASSES, more=np.zeros(3))
    np.save("a.npy", FEATURES)
    np.save("b.npy", CLASSES)
    files = {"x": "a.npy", "y": "b.npy"}
    several = spec_of("arrays", file=files, task="classification")
    whole = {"train": saved("c.npz", x=FEATURES, y=CLASSES), "test": saved("d.npz", x=FEATURES[:9], y=CLASSES[:9])}
    assert spec.digests() == several.digests()
    assert [len(r) for r in spec_of("arrays", file=whole, task="classification").split_of(0).values()] == [24, 6, 9]


def test_groups_stay_together():
    spec = arrays_spec(x=FEATURES, y=CLASSES, group=np.arange(NUM_ROWS) // 3)
    for chosen in spec.split_of(2).values():
        assert len(chosen) == 3 * len(set(chosen // 3))


@pytest.mark.parametrize(
    ("y", "task", "names"),
    [
        (CLASSES, "classification", ("0", "1", "2")),
        (CLASSES.astype(float), "classification", ("0", "1", "2")),
        (CLASSES[:, None].astype(np.uint8), "classification", ("0", "1", "2")),
        (np.array(["b10", "b9", "a"])[CLASSES], None, ("a", "b9", "b10")),
        (np.array([b"x", b"y", b"z"])[CLASSES], None, ("x", "y", "z")),
        (CLASSES > 0, None, ("0", "1")),
        (np.array([-1, 1])[CLASSES % 2], None, ("-1", "1")),
    ],
)
def test_labels_are_classes_in_natural_order(y, task, names):
    assert arrays_spec({"task": task}, x=FEATURES, y=y).rows.class_names == names


def test_numbers_may_be_several_targets():
    spec = arrays_spec({"task": "regression"}, x=FEATURES, y=FEATURES[:, :2] * [1, 100])
    train = spec.build(0).train.y
    assert train.shape[1:] == spec.output_shape == (2,)
    assert train.std(0, correction=0).tolist() == pytest.approx([1, 1], abs=1e-5)


def test_other_types_of_numbers_are_said_to_become_float32():
    def told(x):
        return [(one.level, one.what) for one in arrays_spec(x=x, y=CLASSES).findings() if "float32" in one.what]

    assert told(FEATURES.astype(np.float32)) == told(BYTES) == []
    assert told(FEATURES)[0][0] == "note"
    assert told((FEATURES * 10).astype(int))[0][0] == "note"
    assert told((FEATURES * 1e8).astype(int))[0][0] == "warning"


def with_one(value):
    x = FEATURES.copy()
    x[7, 2] = value
    return x


REFUSED = [
    ({"x": FEATURES[:5], "y": CLASSES[:4]}, "array y must have as many rows as x (5), got 4"),
    ({"a": FEATURES, "y": CLASSES}, "must hold an array 'x', or x_train and x_test, got 'a, y'"),
    ({"x_train": FEATURES, "y": CLASSES}, "array 'y' must have the same parts as 'x' (train), got 'whole'"),
    ({"x": with_one(np.nan), "y": CLASSES}, "x must hold finite numbers, 1 are nan or infinite, got 'the first in row"),
    ({"x": with_one(np.inf), "y": CLASSES}, "x must hold finite numbers"),
    ({"x": FEATURES.astype(complex), "y": CLASSES}, "x must hold numbers, got 'complex128'"),
    ({"x": np.array(["a"] * NUM_ROWS), "y": CLASSES}, "x must hold numbers"),
    ({"x": np.zeros((NUM_ROWS, 0)), "y": CLASSES}, "x must hold rows of numbers"),
    ({"x": np.float64(1), "y": CLASSES}, "array x must hold rows, got 'the shape ()'"),
    ({"x": FEATURES[:0], "y": CLASSES}, "array x must hold rows, got 'the shape (0, 4)'"),
    ({"x": FEATURES, "y": np.eye(3)[CLASSES]}, "y must have one class per row in classification"),
    ({"x": FEATURES, "y": CLASSES + 0.5}, "task: must be regression, y has fractions such as 0.5"),
    ({"x": FEATURES, "y": CLASSES * 0}, "the target must have 2 classes or more"),
    ({"x": FEATURES, "y": np.zeros((NUM_ROWS, 2, 2))}, "y must have the shape (N,), or (N, targets) in regression"),
    ({"x_train": FEATURES, "y_train": CLASSES, "x_test": BYTES, "y_test": CLASSES}, "rows of one shape and type"),
    ({"x_train": FEATURES, "y_train": CLASSES}, "must have 2 rows or more in train, and some in test"),
]  # fmt: skip


@pytest.mark.parametrize(("arrays", "refusal"), REFUSED)
def test_what_does_not_fit_is_one_line(arrays, refusal):
    (line,) = arrays_refusals(**arrays)
    assert refusal in line
    assert "\n" not in line


def test_all_mistakes_are_told_at_once():
    assert len(arrays_refusals(x=with_one(np.nan), y=CLASSES * 0, group=np.zeros((NUM_ROWS, 2)))) == 3


class Bomb:
    def __reduce__(self):
        return Path.touch, (Path("touched"),)


def header(text):
    """Return a .npy file of 3 bytes whose header is a text."""
    padded = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded + b"abc"


def zipped(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def npz(**arrays):
    saved("good.npz", **arrays)
    return Path("good.npz").read_bytes()


HUGE = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 8), }"
NOT_TRUSTED = {
    "pickled": (lambda: npz(x=np.array([Bomb()], dtype=object), y=CLASSES), "holds Python objects, which are pickled"),
    "bare pickle": (lambda: pickle.dumps(Bomb()), "data.npz is not: it begins otherwise"),
    "truncated": (lambda: npz(x=FEATURES, y=CLASSES)[:600], "data.npz is not: its end is missing"),
    "damaged": (lambda: npz(x=FEATURES, y=CLASSES).replace(FEATURES.tobytes()[:8], b"\0" * 8), "Bad CRC-32"),
    "a header beyond its bytes": (lambda: zipped(x=header(HUGE), y=header(HUGE)), "its header says 64,000,000,000,000"),
    "a header of code": (lambda: zipped(x=header("__import__('os').mkdir('touched')"), y=b""), "array 'x'"),
    "negative sizes": (lambda: zipped(x=header(HUGE.replace("1000000000000", "-1")), y=b""), "array 'x'"),
    "no header": (lambda: zipped(x=b"", y=b""), "array 'x'"),
    "empty": (lambda: b"", "data.npz is not: it begins otherwise"),
    "text": (lambda: b"x,y\n1,2\n", "data.npz is not: it begins otherwise"),
    "one array": (lambda: header(HUGE), "must be an .npz file, a .npy file has one array"),
}  # fmt: skip


@pytest.mark.parametrize("case", list(NOT_TRUSTED))
def test_a_file_that_is_no_array_file_is_one_line_and_runs_nothing(case):
    content, refusal = NOT_TRUSTED[case]
    Path("data.npz").write_bytes(content())
    (line,) = refusals("arrays", file="data.npz", task="classification")
    assert refusal in line
    assert not Path("touched").exists()


def test_an_array_beyond_the_memory_is_refused_before_it_is_read(monkeypatch):
    """A megabyte of zeros is a kilobyte in the file."""
    monkeypatch.setattr("normbench.finite_data.memory.free_bytes", lambda: 10**6)
    np.savez_compressed("zeros.npz", x=np.zeros((1000, 100)), y=CLASSES)
    (line,) = refusals("arrays", file="zeros.npz", task="classification")
    assert line.startswith("file: needs 800 KB, at most a quarter of the 1.0 MB of free memory may be used")
