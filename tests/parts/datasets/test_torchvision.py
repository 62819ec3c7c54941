"""Sets of torchvision: read as they are or split by folds, fetched only when asked, refused in a line."""

import sys

import numpy as np
import pytest
from finite_data.cifar_files import stand_in, write_cifar

from normbench.datasets.torchvision import TorchvisionSpec
from normbench.own_code.source_folder import reading_from


@pytest.fixture(autouse=True)
def torchvision(monkeypatch):
    for name in ("torchvision", "torchvision.datasets"):
        monkeypatch.setitem(sys.modules, name, None)
    stand_in()


def spec(folder, **settings):
    with reading_from(folder):
        return TorchvisionSpec(**{"set": "CIFAR10"} | settings)


def refusal(found):
    (mistake,) = found.mistakes()
    return str(mistake)


def test_train_and_test_set_stay_what_they_are_and_bytes_are_standardized_by_training_images(tmp_path):
    written = write_cifar(tmp_path / "data")
    found = spec(tmp_path)
    assert found.mistakes() == []
    assert (found.finite.splits, found.input_shape, found.output_shape, found.finite.unit) == (
        "fixed",
        (3, 32, 32),
        (2,),
        "images",
    )
    assert (found.rows.x.dtype, found.rows.class_names) == (np.uint8, ("plane", "car"))
    assert (found.rows.x[48:] == written["test_batch"].transpose(0, 3, 1, 2)).all()
    data = found.build(0)
    assert (len(data.train.x) + len(data.validation.x), len(data.test.x)) == (48, 16)
    assert abs(float(data.train.x.mean())) < 1e-5
    assert set(found.split_of(3)["test"]) == set(range(48, 64))


def test_the_training_set_alone_is_split_by_folds(tmp_path):
    write_cifar(tmp_path / "data")
    found = spec(tmp_path, only_train=True)
    assert found.mistakes() == []
    assert (found.finite.splits, found.finite.num_rows, found.finite.num_folds) == ("folds", 48, 8)
    assert found.digests() != spec(tmp_path).digests()


def test_it_is_fetched_only_when_asked(tmp_path):
    told = refusal(spec(tmp_path, root="here"))
    assert told.startswith("root: must hold CIFAR10, reading it ended with ")
    assert "RuntimeError: Dataset not found" in told
    assert told.endswith("To fetch it set download: true.")
    assert spec(tmp_path, root="here", download=True).mistakes() == []


def test_a_set_or_a_torchvision_that_is_not_there_is_told_in_a_line(tmp_path, monkeypatch):
    assert refusal(spec(tmp_path, set="CIFAR1")) == (
        "set: must be a dataset of torchvision, got 'CIFAR1'. Did you mean 'CIFAR10'?"
    )

    def unfit(_name):
        raise RuntimeError("operator torchvision::nms does not exist")

    def missing(_name):
        raise ModuleNotFoundError("No module named 'torchvision'", name="torchvision")

    monkeypatch.setattr("normbench.finite_data.torchvision_sets.import_module", unfit)
    told = refusal(spec(tmp_path, root="other"))
    assert "does not match torch 2" in told
    assert "operator torchvision::nms does not exist" in told
    assert told.endswith("Install both from one index.")
    monkeypatch.setattr("normbench.finite_data.torchvision_sets.import_module", missing)
    assert "name: needs torchvision, got 'torchvision'. Install it" in refusal(spec(tmp_path, root="third"))
